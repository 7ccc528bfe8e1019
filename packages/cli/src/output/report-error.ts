import { isErrorCode, PlatformError, toPlatformError, type ErrorCause, type ErrorCode } from "@threeport/resource";
import { Interrupted, interruptedExitCode, type CliContext } from "../context.ts";
import { plainText } from "./terminal.ts";

/** Causes printed; the rest is counted. */
const causesShown = 20;

/** What to do next, where the error itself does not say it in `detail.hint`; "" there is for one whose message says all. */
const hints: Partial<Record<ErrorCode, string>> = {
  TP_UNAUTHORIZED: "the token is not valid any more; on the control plane's machine tptctl up writes a new one",
  TP_FORBIDDEN: "ask an administrator for a role that allows it",
  TP_NOT_FOUND: "tptctl get lists what there is; -n names the project, -A means all",
  TP_KIND_UNKNOWN: "tptctl get --help shows how kinds are named; kubectl api-resources lists them",
  TP_VERSION_CONFLICT: "somebody else changed it at the same time; look at it and try again",
  TP_UNAVAILABLE: "tptctl status tells how the control plane is",
  TP_RUNTIME_UNREACHABLE: "start the control plane with tptctl up, or look at tptctl status",
  TP_INTERNAL: "the log of the control plane has the details: tptctl status says where it is",
  TP_INVALID: "correct the fields named above and try again",
};

/** Prints what went wrong and what to do about it; returns the exit code of its class. */
export function reportError(context: CliContext, thrown: unknown): number {
  const write = (line: string): void => context.process.stderr.write(`${line}\n`);
  if (thrown instanceof Interrupted || (thrown instanceof PlatformError && thrown.cause instanceof Interrupted)) {
    write(thrown instanceof PlatformError ? plainText(thrown.message) : "interrupted; what the control plane has begun goes on");
    return interruptedExitCode;
  }
  const error = known(thrown);
  const told = sentence(error);
  write(`error: ${plainText(told)}`);
  const causes = error.causes.filter((cause) => !told.includes(causeLine(cause)));
  for (const cause of causes.slice(0, causesShown)) write(`  ${plainText(causeLine(cause))}`);
  if (causes.length > causesShown) write(`  … and ${causes.length - causesShown} more`);
  const hint = typeof error.detail["hint"] === "string" ? error.detail["hint"] : hints[error.code];
  if (hint !== undefined && hint !== "") write(`hint: ${plainText(hint)}`);
  const exit = error.detail["exit"];
  return typeof exit === "number" ? exit : error.entry.exit;
}

/** What the machine says about a file is the user's matter, not ours. */
function known(thrown: unknown): PlatformError {
  const code = (thrown as { code?: unknown } | undefined)?.code;
  if (thrown instanceof PlatformError) return thrown;
  if (thrown instanceof Error && typeof code === "string" && /^E[A-Z]+$/.test(code))
    return new PlatformError("TP_INTERNAL", { message: thrown.message, detail: { hint: "look at the file or address that is named" }, cause: thrown });
  const error = toPlatformError(thrown);
  return new PlatformError("TP_INTERNAL", {
    message: `tptctl failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    detail: { hint: "this is a fault of tptctl itself; please report it" },
    cause: error.cause,
  });
}

function sentence(error: PlatformError): string {
  if (isErrorCode(error, "TP_RUNTIME_UNREACHABLE")) return `the control plane at ${error.message}`;
  // The causes say it in detail, field by field.
  const end = error.causes.length > 0 ? error.message.indexOf(" is invalid: ") : -1;
  return end > 0 ? error.message.slice(0, end + " is invalid".length) : error.message;
}

function causeLine(cause: ErrorCause): string {
  return cause.field === undefined || cause.field === "" ? cause.message : `${cause.field}: ${cause.message}`;
}
