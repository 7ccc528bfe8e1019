import type { Cursor } from "../cursor.ts";
import { quote, scannable } from "../text.ts";

export interface Exit {
  readonly code: number;
  readonly reason: string;
  /** What the container left in its termination message, or the runtime said. */
  readonly message: string;
  /** What it means: continues "The container …". */
  readonly meaning: string;
  /** What to do about it. */
  readonly advice: string;
}

const READ_LOGS = "Read its last output with tptctl logs.";

/** A `terminated` state in plain words. */
export function readExit(terminated: Cursor): Exit {
  const code = terminated.number("exitCode") ?? 0;
  const signal = terminated.number("signal") ?? 0;
  const reason = terminated.text("reason") ?? "";
  const message = terminated.text("message") ?? "";
  return { code, reason, message, ...explain(code, signal, reason, message) };
}

/** ` It said: "…".`, or nothing. */
export function lastWords(exit: Exit): string {
  return exit.message.trim() === "" ? "" : ` It said: "${quote(exit.message)}".`;
}

/** The signals that containers die of, by number (signal(7)). */
const signalNames: Readonly<Record<number, string>> = {
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  4: "SIGILL",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  11: "SIGSEGV",
  13: "SIGPIPE",
  15: "SIGTERM",
};
/** Shells and container runtimes report death by signal n as exit code 128 + n. */
const SIGNAL_EXIT_BASE = 128;

function explain(code: number, signal: number, reason: string, message: string): { meaning: string; advice: string } {
  if (reason === "OOMKilled")
    return {
      meaning: `was killed because it used more memory than its limit (OOMKilled, exit code ${code})`,
      advice: "Raise its memory limit, or make it use less.",
    };
  if (reason === "StartError" || reason === "ContainerCannotRun") return explainStart(code, message);
  if (reason === "ContainerStatusUnknown") return { meaning: "was lost: its node could not say how it ended", advice: "Check the node." };
  const number = signal > 0 ? signal : code > SIGNAL_EXIT_BASE && code <= SIGNAL_EXIT_BASE + 64 ? code - SIGNAL_EXIT_BASE : 0;
  const name = signalNames[number];
  if (number === 9)
    return {
      meaning: `was killed (SIGKILL, exit code ${code}), but not for its own memory limit`,
      advice: "Usual causes are a failing liveness or startup probe, a node short of memory, or a stop that took longer than the grace period.",
    };
  if (number === 15)
    return {
      meaning: `was asked to stop (SIGTERM, exit code ${code})`,
      advice: "Usual causes are a failing liveness or startup probe, or a node that was drained.",
    };
  if (number === 11)
    return {
      meaning: `crashed (SIGSEGV, exit code ${code})`,
      advice: `The program touched memory that is not its own: a defect in it or a library. ${READ_LOGS}`,
    };
  if (number === 6) return { meaning: `gave up by itself (SIGABRT, exit code ${code})`, advice: READ_LOGS };
  if (name !== undefined) return { meaning: `ended by signal ${name} (exit code ${code})`, advice: READ_LOGS };
  if (code === 0)
    return {
      meaning: "ended by itself with exit code 0, although it should keep running",
      advice: "Give it a command that stays in the foreground, or run it as a Job.",
    };
  if (code === 126)
    return {
      meaning: "could not start: its command is not executable (exit code 126)",
      advice: "Check the command's file mode and that it fits the node's processor.",
    };
  if (code === 127)
    return {
      meaning: "could not start: its command was not found (exit code 127)",
      advice: "Check command and args: is the program in this image, and on its PATH?",
    };
  if (code === 2)
    return { meaning: "ended with exit code 2 (wrong use of a command, or the program's own error)", advice: `Check command and args. ${READ_LOGS}` };
  return { meaning: `ended with an error of its own (exit code ${code})`, advice: READ_LOGS };
}

/** The runtime could not start the process at all; its message ends with the cause. */
export function explainStart(code: number, message: string): { meaning: string; advice: string } {
  const text = scannable(message);
  const missing = /exec: "([^"]*)":? (?:executable file not found|stat [^:]*: no such file|no such file)/.exec(text);
  if (missing !== null)
    return {
      meaning: `could not start: the command "${quote(missing[1] ?? "")}" is not in the image`,
      advice: "Check command and args: is the program in this image, and on its PATH?",
    };
  if (/permission denied/.test(text))
    return { meaning: "could not start: permission denied", advice: "Check that the command's file is executable for the user that the container runs as." };
  if (/exec format error/.test(text))
    return { meaning: "could not start: its program is for another processor", advice: "Build the image for the node's platform." };
  return {
    meaning: code === 0 ? "could not be started" : `could not be started (exit code ${code})`,
    advice: "Check command, args, working directory and mounts.",
  };
}
