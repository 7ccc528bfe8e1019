import { systemExec } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import { say, type CliContext } from "../context.ts";
import { homePaths } from "../environment.ts";
import { serverProgram } from "./server-program.ts";

/** What works on the database, the keys and the clusters of the home is the server's program; this runs it, and tells what it said. */
export async function inServerProgram(context: CliContext, words: readonly string[]): Promise<void> {
  const home = homePaths(context.environment);
  const result = await systemExec.run(process.execPath, [serverProgram, ...words, "--home", home.folder], {
    cwd: "/",
    env: context.environment,
    signal: context.signal,
  });
  if (result.code === 0) {
    for (const line of textLines(result.stdout).filter((each) => !each.startsWith("{"))) say(context, line);
    return;
  }
  const [first = `it ended with code ${result.code ?? "unknown"}`, ...more] = textLines(result.stderr).map((line) => line.replace(/^threeport-server: /, ""));
  throw new PlatformError("TP_UNAVAILABLE", {
    message: first,
    causes: more.filter((line) => !/^\s+at /.test(line)).map((message) => ({ message: message.trim() })),
    // What it says is about its own work: only where it cannot work at all does the control plane's state tell more.
    detail:
      result.code !== null && result.code > 0 && result.code <= exitCodeMax ? { exit: result.code, ...(result.code === unavailable ? {} : { hint: "" }) } : {},
  });
}

function textLines(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "");
}

/** The server's program ends with the exit codes of the same registry. */
const exitCodeMax = 8;
const unavailable = 7;
