import { describe, expect, test } from "vitest";
import { addTallies, emptyTally, isGreen, summaryLine, tallyReport, type RunEnd, type TestReport } from "./tally.ts";

function fileOf(status: string, ...statuses: readonly string[]): TestReport["testResults"][number] {
  return {
    name: "a.test.ts",
    status,
    message: "Error: first\n  at second",
    assertionResults: statuses.map((each, index) => ({ status: each, fullName: `test ${index}` })),
  };
}

const end = (report: TestReport | undefined, more: Partial<RunEnd> = {}): RunEnd => ({
  report,
  exitCode: 0,
  files: report?.testResults.length ?? 1,
  mustRun: () => false,
  ...more,
});

test("tests are counted, whatever their file", () => {
  const report = { testResults: [fileOf("passed", "passed", "passed", "skipped"), fileOf("failed", "passed", "failed")] };
  const tally = tallyReport(end(report, { exitCode: 1 }));
  expect(summaryLine(tally)).toBe("3 passed, 1 failed, 1 skipped");
  expect(isGreen(tally)).toBe(false);
});

test("the line ends after the failures when nothing was skipped", () => {
  const tally = tallyReport(end({ testResults: [fileOf("passed", "passed")] }));
  expect(summaryLine(tally)).toBe("1 passed, 0 failed");
  expect(isGreen(tally)).toBe(true);
});

describe("a fault that no test reports counts as a failure:", () => {
  const passed = fileOf("passed", "passed");
  const cases: readonly { readonly name: string; readonly because: string; readonly run: RunEnd; readonly says: RegExp }[] = [
    { name: "no report", because: "vitest crashed or was killed", run: end(undefined, { exitCode: null }), says: /ended without a report/ },
    {
      name: "a file that cannot be loaded",
      because: "its tests were never known",
      run: end({ testResults: [passed, fileOf("failed")] }, { exitCode: 1 }),
      says: /could not run: Error: first$/,
    },
    {
      name: "a set-up that fails",
      because: "its tests are then only skipped",
      run: end({ testResults: [passed, fileOf("failed", "skipped")] }, { exitCode: 1 }),
      says: /could not run/,
    },
    { name: "a missing file", because: "nobody knows whether it passes", run: end({ testResults: [passed] }, { files: 2 }), says: /1 of 2 test files/ },
    {
      name: "an exit code without a failed test",
      because: "an error was thrown outside of all tests",
      run: end({ testResults: [passed] }, { exitCode: 1 }),
      says: /although no test failed/,
    },
    {
      name: "a skipped test in CI",
      because: "CI has all that tests need",
      run: end({ testResults: [fileOf("passed", "passed", "pending")] }, { mustRun: (file) => file === "a.test.ts" }),
      says: /skipped.*test 1/,
    },
  ];
  for (const { name, because, run, says } of cases) {
    test(`${name}, because ${because}`, () => {
      const tally = tallyReport(run);
      expect(tally.problems).toEqual([expect.stringMatching(says)]);
      expect(summaryLine(tally)).toMatch(/^\d passed, 1 failed/);
      expect(isGreen(tally)).toBe(false);
    });
  }
});

test("a run of nothing is not green", () => {
  expect(summaryLine(emptyTally)).toBe("0 passed, 0 failed");
  expect(isGreen(emptyTally)).toBe(false);
});

test("tallies of two runs add up", () => {
  const one = { passed: 1, failed: 2, skippedNames: ["x"], problems: ["a"] };
  expect(addTallies(one, { passed: 10, failed: 20, skippedNames: ["y"], problems: ["b"] })).toEqual({
    passed: 11,
    failed: 22,
    skippedNames: ["x", "y"],
    problems: ["a", "b"],
  });
});
