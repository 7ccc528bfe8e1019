/** What a test run came to. `problems` are faults that no test of its own reports; each counts as one failure. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Sentences, printed before the last line. */
  readonly problems: readonly string[];
}

/** The part of vitest's JSON report that is read here. */
export interface TestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

export interface RunEnd {
  /** Undefined when vitest ended before it wrote one. */
  readonly report: TestReport | undefined;
  readonly exitCode: number | null;
  /** How many files were to run. */
  readonly files: number;
  /** In CI a test that was skipped did not keep its promise. */
  readonly skipsFail: boolean;
}

export const emptyTally: Tally = { passed: 0, failed: 0, skipped: 0, problems: [] };

/** A fault outside of all tests. */
export function problemTally(sentence: string): Tally {
  return { ...emptyTally, problems: [sentence] };
}

export function addTallies(one: Tally, other: Tally): Tally {
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    skipped: one.skipped + other.skipped,
    problems: [...one.problems, ...other.problems],
  };
}

/** Counts a report, and everything that must not pass silently: files that could not run, files that are missing in it, an exit code without a failed test. */
export function tallyReport({ report, exitCode, files, skipsFail }: RunEnd): Tally {
  if (report === undefined) return problemTally(`vitest ended without a report (exit code ${exitCode ?? "none: it was killed"})`);
  const tests = report.testResults.flatMap((file) => file.assertionResults);
  const count = (...statuses: readonly string[]) => tests.filter(({ status }) => statuses.includes(status)).length;
  const failed = count("failed");
  const skipped = tests.filter(({ status }) => status !== "passed" && status !== "failed");
  const problems = report.testResults
    .filter((file) => file.status === "failed" && !file.assertionResults.some(({ status }) => status === "failed"))
    .map((file) => `${file.name} could not run: ${firstLine(file.message)}`);
  if (report.testResults.length < files) problems.push(`${files - report.testResults.length} of ${files} test files are missing in the report`);
  if (skipsFail) problems.push(...skipped.map(({ fullName }) => `skipped, which counts as a failure in CI: ${fullName}`));
  if (exitCode !== 0 && failed === 0 && problems.length === 0)
    problems.push(`vitest ended with exit code ${exitCode ?? "none"} although no test failed; its output says why`);
  return { passed: count("passed"), failed, skipped: skipsFail ? 0 : skipped.length, problems };
}

/** The last line of a run, read by machines: `N passed, N failed`, with `, N skipped` where some were. */
export function summaryLine(tally: Tally): string {
  const failed = tally.failed + tally.problems.length;
  return `${tally.passed} passed, ${failed} failed${tally.skipped === 0 ? "" : `, ${tally.skipped} skipped`}`;
}

/** A run that ran nothing has shown nothing. */
export function isGreen(tally: Tally): boolean {
  return tally.passed > 0 && tally.failed === 0 && tally.problems.length === 0;
}

function firstLine(text: string | undefined): string {
  return (text ?? "").trim().split("\n")[0] || "no reason given";
}
