import { delimiter, dirname, join } from "node:path";
import { systemExec } from "../../packages/platform/src/index.ts";
import { repository } from "./repository.ts";

/** A check of the sources that takes seconds. */
export interface QuickCheck {
  readonly name: string;
  /** A program of node_modules/.bin, or `node`. */
  readonly command: string;
  readonly args: readonly string[];
  /** Lines of its output that name a fault; the first one is shown. */
  readonly fault: RegExp;
  /** What to run to see everything, or to mend it. */
  readonly advice: string;
}

export const quickChecks: readonly QuickCheck[] = [
  { name: "format", command: "oxfmt", args: ["--list-different", "."], fault: /\S/, advice: "npm run format mends it" },
  { name: "types", command: "node", args: ["node_modules/typescript7/bin/tsc", "--noEmit"], fault: /error TS\d+/, advice: "npm run types shows all" },
  { name: "lint", command: "oxlint", args: ["--format=unix"], fault: /^\S+:\d+:\d+:/, advice: "npm run lint shows all" },
  {
    name: "imports",
    command: "depcruise",
    args: ["packages", "scripts"],
    fault: /^\s*error /,
    advice: "npm run imports shows all; the rules are in .dependency-cruiser.cjs",
  },
  { name: "dead code", command: "knip", args: ["--no-progress"], fault: /\s(packages|scripts)\/|package\.json/, advice: "npm run dead-code shows all" },
  { name: "generated files", command: "node", args: ["scripts/generate.ts", "--check"], fault: /\S/, advice: "npm run generate mends it" },
];

export interface CheckResult {
  readonly ok: boolean;
  readonly ms: number;
  /** The first line that says what is wrong. */
  readonly firstFault?: string;
  readonly faults: number;
}

/** Runs one check to its end. */
export async function runQuickCheck(check: QuickCheck, signal: AbortSignal): Promise<CheckResult> {
  const started = performance.now();
  const command = check.command === "node" ? process.execPath : join(repository, "node_modules/.bin", check.command);
  const env = { PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter), NO_COLOR: "1", FORCE_COLOR: undefined };
  const { code, stdout, stderr } = await systemExec.run(command, check.args, { cwd: repository, env, signal });
  const ms = performance.now() - started;
  if (code === 0) return { ok: true, ms, faults: 0 };
  const lines = `${stdout}\n${stderr}`.split("\n").filter((line) => line.trim() !== "");
  const faults = lines.filter((line) => check.fault.test(line));
  return { ok: false, ms, firstFault: (faults[0] ?? lines[0] ?? `ended with exit code ${code ?? "none"}`).trim(), faults: faults.length };
}
