/**
 * All tests, with everything they need: `npm test`, or `npm test -- packages/store` for the files whose path contains that.
 *
 * Installs Debian packages (as root) and gets the Kubernetes binaries where they are missing, then runs the unit tests and after them
 * the end-to-end tests one by one. The last line is `N passed, N failed`. With CI=true a missing tool is a failure,
 * and so is a test of Kubernetes that was skipped.
 */
import { prepareTools } from "./lib/prepare-tools.ts";
import { openRun, type TestRun } from "./lib/test-run.ts";
import { runVitest } from "./lib/run-vitest.ts";
import { addTallies, emptyTally, isGreen, problemTally, summaryLine, type Tally } from "./lib/tally.ts";
import { findTestFiles, type TestFiles, thatNeedKubernetes } from "./lib/test-files.ts";

const say = (line: string) => process.stdout.write(`${line}\n`);
const inCi = process.env["CI"] === "true";

async function main(filters: readonly string[]): Promise<void> {
  const end = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => end.abort(new Error(`the run was ended by ${name}`)));
  const files = await findTestFiles(filters);
  const tally =
    files.unit.length + files.endToEnd.length > 0 ? await runFiles(files, end.signal) : problemTally(`no test file's path contains ${filters.join(" or ")}`);
  for (const name of tally.skippedNames) say(`skipped ${name}`);
  for (const sentence of tally.problems) say(`FAILED ${sentence}`);
  say(summaryLine(tally));
  process.exitCode = isGreen(tally) ? 0 : 1;
}

async function runFiles(files: TestFiles, signal: AbortSignal): Promise<Tally> {
  const run = await openRun();
  let tally: Tally;
  try {
    tally = await prepareAndRun(files, run, signal);
  } catch (error) {
    tally = problemTally(error instanceof Error ? error.message : String(error));
  }
  const left = await run.close({ patient: !signal.aborted });
  if (left.length === 0 || signal.aborted) return tally; // tests that were cut short could not clean up
  for (const thing of left) say(`left behind by the tests, and ended: ${thing}`);
  return addTallies(tally, problemTally("tests left something behind (see above): a test ends all that it starts, also when it fails"));
}

async function prepareAndRun(files: TestFiles, run: TestRun, signal: AbortSignal): Promise<Tally> {
  const needy = await thatNeedKubernetes(files);
  const missing = needy.size > 0 ? await prepareTools({ signal, say }) : [];
  if (missing.length > 0 && !inCi) say(`Tests that start Kubernetes are skipped: ${missing.join(" ")}`);
  const common = {
    mustRun: inCi ? needy : new Set<string>(),
    folder: run.folder,
    env: { ...run.env, THREEPORT_E2E: missing.length === 0 ? "1" : undefined },
    signal,
  };
  const tallies: Tally[] = inCi ? missing.map(problemTally) : [];
  if (files.unit.length > 0) tallies.push(await runVitest({ ...common, files: files.unit, oneByOne: false }));
  if (files.endToEnd.length > 0) tallies.push(await runVitest({ ...common, files: files.endToEnd, oneByOne: true }));
  return tallies.reduce(addTallies, emptyTally);
}

await main(process.argv.slice(2));
