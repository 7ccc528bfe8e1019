import { chmod, chown, mkdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ServerUser } from "./server-user.ts";

/** Names inside the data folder. The folder is ours alone; nothing in it is meant to be edited. */
export interface Layout {
  readonly dataDir: string;
  /** PostgreSQL's own data directory. It is there only when initdb went through. */
  readonly pgdata: string;
  /** Socket folder, or a link to a shorter one (see socket-folder.ts). */
  readonly run: string;
  readonly password: string;
  readonly log: string;
  readonly lock: string;
  /** Names the process that holds `lock`, for the message to the one that comes second. */
  readonly holder: string;
  /** Links to shared libraries, where the package's own folder cannot be written. */
  readonly libraries: string;
  /** Empty folder: a place to mount on, inside a private mount namespace. */
  readonly stage: string;
}

/** Makes the data folder where it is missing and tells its names, all below the real path (links resolved). */
export async function layoutOf(dataDir: string): Promise<Layout> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const real = await realpath(dataDir);
  return {
    dataDir: real,
    pgdata: join(real, "pgdata"),
    run: join(real, "run"),
    password: join(real, "password"),
    log: join(real, "postgres.log"),
    lock: join(real, "lock"),
    holder: join(real, "holder.json"),
    libraries: join(real, "libraries"),
    stage: join(real, "mount"),
  };
}

/**
 * Closes the data folder to everybody but us and the server's user. That user may only pass through it: what it owns are `pgdata` and the
 * socket folder, so a compromised server cannot put links where we write as root.
 */
export async function closeDataDir(layout: Layout, user: ServerUser): Promise<void> {
  const now = await stat(layout.dataDir);
  if (!user.foreign || now.uid === user.uid) {
    if ((now.mode & 0o077) !== 0) await chmod(layout.dataDir, 0o700);
    return;
  }
  if (now.gid !== user.gid) await chown(layout.dataDir, now.uid, user.gid);
  if ((now.mode & 0o777) !== 0o710) await chmod(layout.dataDir, 0o710);
}
