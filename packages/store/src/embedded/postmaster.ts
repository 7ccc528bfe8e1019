import type { Clock, Exec } from "@threeport/platform";
import { serverProcessesIn, stillRuns } from "./process-facts.ts";

/** A running server, whether we started it or found it. */
export interface Postmaster {
  readonly pid: number;
  readonly started: string;
  /** Whether we started it: then its end is reported at once, otherwise it is noticed by looking. */
  readonly isChild: boolean;
  /** Resolves when it has ended. `code` and `signal` are null when it was not our child: nobody tells us then. */
  readonly exited: Promise<PostmasterEnd>;
}

export interface PostmasterEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** PostgreSQL's shutdown modes, each with the time it gets in milliseconds. Fast writes a checkpoint: at most shared_buffers, to a slow disk. */
const shutdowns = [
  { signal: "SIGINT", waitMs: 30_000 },
  { signal: "SIGQUIT", waitMs: 5_000 },
  { signal: "SIGKILL", waitMs: 5_000 },
] as const;

const pollMs = 5;
/** Children notice a dead postmaster by themselves, unless they are computing. Milliseconds. */
const orphansWaitMs = 2_000;

export interface StopInput {
  readonly postmaster: Pick<Postmaster, "pid" | "started">;
  readonly pgdata: string;
  readonly exec: Exec;
  readonly clock: Clock;
}

/** Ends the server and all of its processes: fast, then immediately, then by force. Also right when it has ended already. */
export async function stopPostmaster({ postmaster, pgdata, exec, clock }: StopInput): Promise<void> {
  for (const [step, { signal, waitMs }] of shutdowns.entries()) {
    if (!(await sendSignal(postmaster, signal))) break;
    if ((await ended(postmaster, waitMs, clock)) && step === 0) return; // a fast shutdown ends the children first
  }
  await endOrphans(pgdata, { exec, clock });
}

/** Waits for the processes of a postmaster that is gone, and ends those that do not end. Until then its memory and files are not free. */
export async function endOrphans(pgdata: string, { exec, clock }: { readonly exec: Exec; readonly clock: Clock }): Promise<void> {
  const orphans = await serverProcessesIn(pgdata, exec);
  const until = clock.monotonic() + orphansWaitMs;
  for (const orphan of orphans) {
    if (await ended(orphan, Math.max(0, until - clock.monotonic()), clock)) continue;
    await sendSignal(orphan, "SIGKILL");
    await ended(orphan, orphansWaitMs, clock);
  }
}

/** Sends to that very process only; false when it is gone. */
async function sendSignal(process_: Pick<Postmaster, "pid" | "started">, signal: NodeJS.Signals): Promise<boolean> {
  if (!(await stillRuns(process_))) return false;
  try {
    process.kill(process_.pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

async function ended(process_: Pick<Postmaster, "pid" | "started">, waitMs: number, clock: Clock): Promise<boolean> {
  const until = clock.monotonic() + waitMs;
  while (await stillRuns(process_)) {
    if (clock.monotonic() >= until) return false;
    await clock.sleep(pollMs);
  }
  return true;
}
