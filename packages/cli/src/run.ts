import { ExitCode, run, type StricliProcess } from "@stricli/core";
import { app } from "./app.ts";
import { completeWords } from "./completion.ts";
import { Interrupted, interruptedExitCode, type CliContext } from "./context.ts";
import { createTerminal } from "./output/terminal.ts";

/** Exit codes of `tptctl` for what the command line itself got wrong; the others come from the error registry. */
const usageExitCode = 2;
const failedExitCode = 1;

export async function runTptctl(args: readonly string[]): Promise<void> {
  const interrupt = new AbortController();
  const onSignal = (signal: string): void => {
    if (interrupt.signal.aborted) process.exit(interruptedExitCode); // asked twice: at once
    interrupt.abort(new Interrupted(signal));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  // The reader of a pipe that went away (`| head`) has seen enough.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => process.exit(0));

  const streams: StricliProcess = { stdout: process.stdout, stderr: process.stderr, env: process.env };
  const context: CliContext = {
    process: streams,
    environment: process.env,
    terminal: createTerminal(process.stdout, process.env),
    stdin: process.stdin,
    signal: interrupt.signal,
  };
  if (args[0] === "__complete") await completeWords(app, args.slice(1), context);
  else await run(app, asKubectlUsersWrite(args), context);
  process.exitCode = exitCodeOf(streams.exitCode);
}

/** `-ojson` and `-n=x` are in people's fingers. */
function asKubectlUsersWrite(args: readonly string[]): string[] {
  return args.flatMap((arg) => {
    const [, flag, value] = /^-([on])=?(?=.)([\w.-]+)$/.exec(arg) ?? [];
    return flag === undefined || value === undefined ? [arg] : [`-${flag}`, value];
  });
}

function exitCodeOf(code: StricliProcess["exitCode"]): number {
  if (typeof code !== "number") return 0;
  if (code >= 0) return code;
  return code === ExitCode.InvalidArgument || code === ExitCode.UnknownCommand ? usageExitCode : failedExitCode;
}
