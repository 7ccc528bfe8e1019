// The lock on the data folder (design.md S9). What must always hold:
//   - at most one process holds it; two that come at once are decided by the kernel, not by reading files;
//   - it ends with its holder, however that one ends (kill -9 too), and needs no cleaning up afterwards.
// SQLite's exclusive transaction is the one portable kernel lock (fcntl) that Node can take. The file stays empty. fcntl locks are dropped when
// the process closes *any* descriptor of the file, so nothing else in this process may open it.
import { rmSync } from "node:fs";
import { chmod, readFile, rename, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import type { Clock, Exec } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import type { Layout } from "./layout.ts";
import { lookAtProcess } from "./process-facts.ts";

/**
 * The winner writes its name right after it got the lock; how long a loser waits for that, in milliseconds. Meanwhile it tries again: SQLite comes to its lock by
 * steps, and of those that come at once each may be in the others' way.
 */
const holderWaitMs = 1_000;
const holderPollMs = 20;
/** SQLITE_BUSY: somebody else holds the lock. */
const sqliteBusy = 5;

/** Takes the folder for the life of this process, or until disposed. Throws `TP_DATABASE_FOLDER_IN_USE`, naming who has it. */
export async function lockFolder(layout: Layout, seams: { readonly exec: Exec; readonly clock: Clock }): Promise<Disposable> {
  const database = await takeLock(layout, seams);
  try {
    const draft = `${layout.holder}.${process.pid}`;
    await writeFile(draft, JSON.stringify({ pid: process.pid }), { mode: 0o600 });
    await rename(draft, layout.holder);
  } catch (error) {
    database.close();
    throw unusable(layout, error);
  }
  let held = true;
  return {
    [Symbol.dispose]() {
      if (!held) return;
      held = false;
      // While the lock is ours: whoever comes next must not be named after us.
      rmSync(layout.holder, { force: true });
      database.close();
    },
  };
}

async function takeLock(layout: Layout, seams: { readonly exec: Exec; readonly clock: Clock }): Promise<DatabaseSync> {
  const database = await openLock(layout);
  const untilMs = seams.clock.monotonic() + holderWaitMs;
  for (;;) {
    try {
      database.exec("PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE");
      return database;
    } catch (error) {
      if ((error as { errcode?: number }).errcode !== sqliteBusy) {
        database.close();
        throw unusable(layout, error);
      }
    }
    const pid = await holderOf(layout, seams);
    if (pid === undefined && seams.clock.monotonic() < untilMs) {
      await seams.clock.sleep(holderPollMs + (process.pid % holderPollMs)); // not all at once again
      continue;
    }
    database.close();
    const who = pid === undefined ? "another process" : pid === process.pid ? `this process (pid ${pid})` : `the process with pid ${pid}`;
    throw new PlatformError("TP_DATABASE_FOLDER_IN_USE", {
      message: `${who[0]?.toUpperCase()}${who.slice(1)} uses the data folder ${layout.dataDir}. End it first (tptctl down), or set THREEPORT_HOME to another folder.`,
      detail: { pid, dataDir: layout.dataDir },
    });
  }
}

async function openLock(layout: Layout): Promise<DatabaseSync> {
  try {
    const database = new DatabaseSync(layout.lock);
    await chmod(layout.lock, 0o600);
    return database;
  } catch (error) {
    throw unusable(layout, error);
  }
}

function unusable(layout: Layout, cause: unknown): PlatformError {
  return new PlatformError("TP_DATABASE_FOLDER_INVALID", {
    message: `The data folder ${layout.dataDir} cannot be locked: ${cause instanceof Error ? cause.message : String(cause)}. It must be writable for us and lie on a file system with locks.`,
    cause,
  });
}

/** The pid that the holder wrote down; undefined when it has not come to that yet. A dead pid is the previous holder's. */
async function holderOf(layout: Layout, { exec }: { readonly exec: Exec }): Promise<number | undefined> {
  const text = await readFile(layout.holder, "utf8").catch(() => "{}");
  const { pid } = JSON.parse(text) as { pid?: number };
  return pid !== undefined && (await lookAtProcess(pid, exec)) !== undefined ? pid : undefined;
}
