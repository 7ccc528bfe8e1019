import type { Clock, Exec, Logger } from "@threeport/platform";
import type { ConnectionOptions } from "./connection-options.ts";
import type { Layout } from "./layout.ts";
import { endOrphans, stopPostmaster, type Postmaster } from "./postmaster.ts";
import { disownPostmasterFile, findPostmaster, readPostmasterFile } from "./postmaster-file.ts";
import { stillRuns, type ProcessFacts } from "./process-facts.ts";
import type { ServerUser } from "./server-user.ts";
import { isRefused, maintenanceDatabase, signIn } from "./sign-in.ts";
import { isOurs } from "./socket-folder.ts";

/** How long a server that we found gets to answer: it may be starting or ending. Then it is stopped, and a new one started. Milliseconds. */
const answerWaitMs = 60_000;
const pollMs = 10;
/** How often a server that is not our child is looked at, in milliseconds; its clients notice its end at once. */
const watchEveryMs = 250;

export interface AdoptInput {
  readonly layout: Layout;
  readonly user: ServerUser;
  readonly connection: Omit<ConnectionOptions, "host">;
  readonly exec: Exec;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal | undefined;
}

export interface Adopted {
  readonly postmaster: Postmaster;
  readonly socketFolder: string;
}

/**
 * Takes over the server that a killed control plane left in our folder. Only the holder of the folder's lock may call this, so nobody else wants it.
 * It is ours if the process that the folder names works in the folder and lets us in with our password. Otherwise whatever is left is ended, and
 * the answer is undefined: the folder is then free for a new server, which recovers by itself.
 */
export async function adoptPostmaster(input: AdoptInput): Promise<Adopted | undefined> {
  const { layout, exec, clock, log } = input;
  if ((await readPostmasterFile(layout.pgdata)) === undefined) return undefined;
  const found = await findPostmaster(layout.pgdata, exec);
  if (found !== undefined) {
    const socketFolder = await untilAnswering(found, input);
    if (socketFolder !== undefined) {
      const exited = watch(found, clock);
      return { socketFolder, postmaster: { pid: found.pid, started: found.started, isChild: false, exited } };
    }
    log.info("a database server left in the data folder does not answer and is replaced", { pid: found.pid });
    await stopPostmaster({ postmaster: found, pgdata: layout.pgdata, exec, clock });
  }
  await endOrphans(layout.pgdata, { exec, clock });
  if ((await readPostmasterFile(layout.pgdata)) !== undefined) await disownPostmasterFile(layout.pgdata);
  return undefined;
}

/** The folder of the socket on which it answers; undefined when it ended, or did not answer as ours in time. */
async function untilAnswering(found: ProcessFacts, { layout, user, connection, clock, signal }: AdoptInput): Promise<string | undefined> {
  const until = clock.monotonic() + answerWaitMs;
  while (clock.monotonic() < until && (await stillRuns(found))) {
    const file = await readPostmasterFile(layout.pgdata);
    if (file?.pid === found.pid && file.status === "ready") {
      if (!(await isOurs(file.socketFolder, user))) return undefined;
      const facts = await signIn({ ...connection, host: file.socketFolder, database: maintenanceDatabase }).catch((error: unknown) => {
        if (isRefused(error)) return "refused" as const;
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return "refused" as const; // ready, and its socket was taken away: nobody reaches it any more
        return undefined; // ending, starting, or out of connections until those of the killed process are gone
      });
      if (facts === "refused") return undefined;
      if (facts !== undefined) return facts.dataDirectory === layout.pgdata ? file.socketFolder : undefined;
    }
    await clock.sleep(pollMs, signal);
  }
  return undefined;
}

async function watch(found: ProcessFacts, clock: Clock): Promise<{ code: null; signal: null }> {
  while (await stillRuns(found)) await new Promise<void>((resolve) => clock.after(watchEveryMs, resolve));
  return { code: null, signal: null };
}
