import type { Clock, Exec, Logger } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import type { Launcher } from "./launcher.ts";
import type { Layout } from "./layout.ts";
import { stopPostmaster, type Postmaster, type PostmasterEnd } from "./postmaster.ts";
import { readPostmasterFile } from "./postmaster-file.ts";
import { lookAtProcess } from "./process-facts.ts";
import { logSize, openServerLog, readTail, rotateServerLog } from "./server-log.ts";

/** A start takes 30–65 ms, so a longer pause would be felt. */
const pollMs = 5;
/** When a start takes this long, it is recovering from a crash, and an operator wants to know. */
const slowStartMs = 10_000;
/** Crash recovery replays up to max_wal_size; a slow disk with 10 MB/s needs half a minute. Past this it hangs. */
const startDeadlineMs = 10 * 60_000;

export interface StartInput {
  readonly layout: Layout;
  readonly launcher: Launcher;
  readonly postgres: string;
  readonly settings: readonly string[];
  readonly exec: Exec;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal | undefined;
  /** Outlives us and hears no Ctrl-C of our terminal. False only for servers that end with their parent. */
  readonly detached: boolean;
}

/** Starts the server on `pgdata` and resolves when it accepts connections. Throws `TP_DATABASE_START_FAILED` with the end of its log. */
export async function startPostmaster(input: StartInput): Promise<Postmaster> {
  const { layout, exec, clock, signal } = input;
  await rotateServerLog(layout.log);
  const logFrom = await logSize(layout.log);
  const child = await launch(input);
  const started = (await lookAtProcess(child.pid, exec))?.started ?? "";
  let end: PostmasterEnd | undefined;
  const exited = child.exited.then((result) => (end = result));
  const postmaster: Postmaster = { pid: child.pid, started, isChild: true, exited };
  try {
    await untilReady(postmaster, () => end !== undefined, input);
  } catch (error) {
    await stopPostmaster({ postmaster, pgdata: layout.pgdata, exec, clock });
    throw error;
  }
  if (end === undefined) return postmaster;
  signal?.throwIfAborted();
  await input.launcher.diagnose();
  const output = await readTail(layout.log, logFrom);
  throw new PlatformError("TP_DATABASE_START_FAILED", {
    message: `The embedded database in ${layout.dataDir} ended while it started: ${output === "" ? "it wrote no reason" : output}. Its log is ${layout.log}.`,
    detail: { ...(end as PostmasterEnd), output },
  });
}

async function launch({ layout, launcher, postgres, settings, exec, detached }: StartInput): Promise<{ pid: number; exited: Promise<PostmasterEnd> }> {
  await using log = await openServerLog(layout.log);
  const { command, args, options } = launcher.compose(postgres, ["-D", layout.pgdata, ...settings]);
  return exec.start(command, args, { ...options, detached, outputFd: log.fd });
}

/** Resolves when the server is ready, or has ended. */
async function untilReady(postmaster: Postmaster, hasEnded: () => boolean, { layout, clock, log, signal }: StartInput): Promise<void> {
  const begun = clock.monotonic();
  let told = false;
  while (!hasEnded()) {
    const file = await readPostmasterFile(layout.pgdata);
    if (file?.pid === postmaster.pid && file.status === "ready") return;
    await clock.sleep(pollMs, signal);
    const waited = clock.monotonic() - begun;
    if (waited > slowStartMs && !told) {
      told = true;
      log.info("the embedded database takes long to start: it is recovering after it was not ended cleanly", { logFile: layout.log });
    }
    if (waited > startDeadlineMs) {
      throw new PlatformError("TP_DATABASE_START_FAILED", {
        message: `The embedded database in ${layout.dataDir} was not ready after ${startDeadlineMs / 60_000} minutes. Its log is ${layout.log}.`,
      });
    }
  }
}
