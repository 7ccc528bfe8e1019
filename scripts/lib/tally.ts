/** What a test run came to. `problems` are faults that no test of its own reports; each counts as one failure. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  /** Names of the skipped tests, printed before the last line. */
  readonly skippedNames: readonly string[];
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
  /** Whether a test of this file that was skipped counts as a failure: in CI, where what it needs was installed. */
  readonly mustRun: (file: string) => boolean;
}

export const emptyTally: Tally = { passed: 0, failed: 0, skippedNames: [], problems: [] };

/** A fault outside of all tests. */
export function problemTally(sentence: string): Tally {
  return { ...emptyTally, problems: [sentence] };
}

export function addTallies(one: Tally, other: Tally): Tally {
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    skippedNames: [...one.skippedNames, ...other.skippedNames],
    problems: [...one.problems, ...other.problems],
  };
}

/** Counts a report, and everything that must not pass silently: files that could not run, files that are missing in it, an exit code without a failed test. */
export function tallyReport({ report, exitCode, files, mustRun }: RunEnd): Tally {
  if (report === undefined) return problemTally(`vitest ended without a report (exit code ${exitCode ?? "none: it was killed"})`);
  const problems: string[] = [];
  const skippedNames: string[] = [];
  let passed = 0;
  let failed = 0;
  for (const { name, status, message, assertionResults: tests } of report.testResults) {
    const failures = tests.filter((test) => test.status === "failed").length;
    const skipped = tests.filter((test) => test.status !== "passed" && test.status !== "failed").map((test) => test.fullName);
    passed += tests.length - failures - skipped.length;
    failed += failures;
    if (status === "failed" && failures === 0) problems.push(`${name} could not run: ${firstLine(message)}`);
    else if (mustRun(name)) problems.push(...skipped.map((test) => `skipped, although all that it needs is there: ${test}`));
    else skippedNames.push(...skipped);
  }
  if (report.testResults.length < files) problems.push(`${files - report.testResults.length} of ${files} test files are missing in the report`);
  if (exitCode !== 0 && failed === 0 && problems.length === 0)
    problems.push(`vitest ended with exit code ${exitCode ?? "none"} although no test failed; its output says why`);
  return { passed, failed, skippedNames, problems };
}

/** The last line of a run, read by machines: `N passed, N failed`, with `, N skipped` where some were. */
export function summaryLine(tally: Tally): string {
  const failed = tally.failed + tally.problems.length;
  const skipped = tally.skippedNames.length;
  return `${tally.passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`;
}

/** A run that ran nothing has shown nothing. */
export function isGreen(tally: Tally): boolean {
  return tally.passed > 0 && tally.failed === 0 && tally.problems.length === 0;
}

function firstLine(text: string | undefined): string {
  return (text ?? "").trim().split("\n")[0] || "no reason given";
}
