import type { CommandContext, StricliProcess } from "@stricli/core";
import type { Environment } from "./environment.ts";
import type { Terminal } from "./output/terminal.ts";

/** What every command gets as `this`. */
export interface CliContext extends CommandContext {
  readonly process: StricliProcess;
  readonly environment: Environment;
  readonly terminal: Terminal;
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Aborts with {@link Interrupted} on Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
}

/** Why a command ended early: the user, or who started it, said so. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
}

/** As shells report a process that SIGINT ended. */
export const interruptedExitCode = 130;

/** One line of result on standard output. */
export function say(context: CliContext, line: string): void {
  context.process.stdout.write(`${line}\n`);
}

/** One line beside the result: warnings and notices. */
export function note(context: CliContext, line: string): void {
  context.process.stderr.write(`${line}\n`);
}
