import type { Clock, Exec } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import type { HomePaths } from "../environment.ts";
import { serverProgram } from "./server-program.ts";
import { isServerProcess } from "./server-record.ts";

/** A graceful stop takes 10 s at most; what lives longer hangs. */
const gracefulMsMax = 15_000;
/** The kernel ends a killed process at once, unless it waits for a disk. */
const killedMsMax = 5_000;
const lookEveryMs = 50;

/** Ends the server: asked first, killed when it does not. Returns how. */
export async function stopServer(pid: number, tools: { readonly home: HomePaths; readonly clock: Clock }): Promise<"stopped" | "killed"> {
  if (!(await signalIt(pid, "SIGTERM", tools)) || (await gone(pid, gracefulMsMax, tools))) return "stopped";
  await signalIt(pid, "SIGKILL", tools);
  if (await gone(pid, killedMsMax, tools)) return "killed";
  throw new PlatformError("TP_DEADLINE", { message: `process ${pid} of the control plane does not end`, detail: { hint: `look at it with ps -p ${pid}` } });
}

/** Looked at right before, so that a number that was given away meanwhile is not signalled. False when it has gone. */
async function signalIt(pid: number, signal: NodeJS.Signals, { home }: { readonly home: HomePaths }): Promise<boolean> {
  if (!(await isServerProcess(pid, home))) return false;
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw new PlatformError("TP_FORBIDDEN", {
      message: `the control plane (process ${pid}) belongs to another user`,
      detail: { hint: "run this as the user that started it" },
      cause: error,
    });
  }
}

async function gone(pid: number, msMax: number, { home, clock }: { readonly home: HomePaths; readonly clock: Clock }): Promise<boolean> {
  const until = clock.monotonic() + msMax;
  while (await isServerProcess(pid, home)) {
    if (clock.monotonic() >= until) return false;
    await clock.sleep(lookEveryMs);
  }
  return true;
}

/** Ends what outlives a server: local clusters, and the database of one that was killed. Returns what it said. */
export async function stopLeftovers(home: HomePaths, exec: Exec): Promise<string[]> {
  const result = await exec.run(process.execPath, [serverProgram, "stop-runtimes", "--home", home.folder], { cwd: "/" });
  const lines = `${result.stdout}\n${result.stderr}`.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("{"));
  if (result.code === 0) return lines;
  throw new PlatformError("TP_INTERNAL", {
    message: "what the control plane had started could not be stopped completely",
    causes: lines.slice(-10).map((message) => ({ message: message.replace(/^threeport-server: /, "") })),
    detail: { hint: "local clusters need the rights they were started with; run tptctl down again" },
  });
}
