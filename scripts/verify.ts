/**
 * Everything that must hold before a change lands: `npm run verify`. Quick checks of the sources first, then all tests;
 * `npm run verify -- --no-tests` for the quick checks alone. Prints the first useful line of what fails.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { quickChecks, runQuickCheck } from "./lib/quick-checks.ts";
import { repository } from "./lib/repository.ts";

const say = (line: string) => process.stdout.write(`${line}\n`);
const end = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => end.abort(new Error(`ended by ${name}`)));

async function main(): Promise<boolean> {
  const { values } = parseArgs({ options: { tests: { type: "boolean", default: true } }, allowNegative: true });
  const sound = await checkSources();
  if (!values.tests) return sound;
  if (!sound) {
    say("The tests were not run.");
    return false;
  }
  return await runTests();
}

/** All checks run, also after one that fails: they are quick, and several faults are seen at once. */
async function checkSources(): Promise<boolean> {
  let sound = true;
  for (const check of quickChecks) {
    const { ok, ms, firstFault, faults } = await runQuickCheck(check, end.signal);
    say(`${ok ? "ok  " : "FAIL"} ${check.name.padEnd(16)} ${(ms / 1000).toFixed(1)} s`);
    if (ok) continue;
    sound = false;
    say(`     ${firstFault}`);
    say(`     ${faults > 1 ? `and ${faults - 1} more lines; ` : ""}${check.advice}`);
  }
  return sound;
}

/** The tests end what they started before they end themselves, so they are told and waited for. */
async function runTests(): Promise<boolean> {
  end.signal.throwIfAborted();
  const child = spawn(process.execPath, [join(repository, "scripts/test.ts")], { cwd: repository, stdio: ["ignore", "inherit", "inherit"] });
  const forward = () => child.kill("SIGTERM");
  end.signal.addEventListener("abort", forward, { once: true });
  const [code] = (await once(child, "exit")) as [number | null];
  return code === 0;
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  if (!end.signal.aborted) throw error;
  process.exitCode = 1;
}
