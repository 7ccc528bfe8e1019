import { chmod, chown, lstat, mkdir, mkdtemp, readlink, rm, symlink, unlink } from "node:fs/promises";
import { join } from "node:path";
import { PlatformError } from "@threeport/resource";
import type { Layout } from "./layout.ts";
import { firstClosedFolder } from "./reach.ts";
import type { ServerUser } from "./server-user.ts";

/** PostgreSQL names its socket after a port, although no port is open. */
export const socketPort = 5432;

/** Longest path of a Unix socket in bytes: `sun_path` less its final NUL, 108 on Linux and 104 on macOS. */
const socketPathBytesMax = process.platform === "darwin" ? 103 : 107;

export interface SocketFolderInput {
  readonly layout: Layout;
  readonly user: ServerUser;
  /** Where a short folder may be made when the data folder's own path is too long, best first. */
  readonly shortParents: readonly string[];
}

/**
 * The 0700 folder of the server's socket: `run` in the data folder, or when that path is too long a folder of a short path, to which `run` is then
 * a link. A recorded short folder is taken again only if it is still ours: in a folder like /tmp, others can make one of that name after a reboot.
 */
export async function socketFolder({ layout, user, shortParents }: SocketFolderInput): Promise<string> {
  if (fits(layout.run)) {
    if ((await lstat(layout.run).catch(() => undefined))?.isSymbolicLink() === true) await unlink(layout.run);
    await mkdir(layout.run, { recursive: true, mode: 0o700 });
    await own(layout.run, user);
    return layout.run;
  }
  const recorded = await readlink(layout.run).catch(() => undefined);
  if (recorded !== undefined && fits(recorded) && (await isOurs(recorded, user))) return recorded;
  await rm(layout.run, { recursive: true, force: true });
  const made = await makeShort(shortParents, user);
  await symlink(made, layout.run);
  return made;
}

/**
 * Removes the socket of a server that is gone. PostgreSQL does so itself unless the pid in the socket's lock file is alive: it may be another process'
 * by now, or a zombie's. Only for who holds the folder's lock and knows that no server runs.
 */
export async function removeStaleSocket(folder: string): Promise<void> {
  for (const path of [socketPath(folder), `${socketPath(folder)}.lock`]) await rm(path, { force: true });
}

/** Takes a short folder away after the server has ended. */
export async function removeShortFolder(layout: Layout): Promise<void> {
  const recorded = await readlink(layout.run).catch(() => undefined); // EINVAL: it is a folder, not a link
  if (recorded === undefined) return;
  await rm(recorded, { recursive: true, force: true });
  await unlink(layout.run);
}

/** Whether only the server's user can have put something there. */
export async function isOurs(folder: string, user: ServerUser): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined);
  return found !== undefined && found.isDirectory() && found.uid === user.uid && (found.mode & 0o077) === 0;
}

function socketPath(folder: string): string {
  return join(folder, `.s.PGSQL.${socketPort}`);
}

function fits(folder: string): boolean {
  return Buffer.byteLength(socketPath(folder)) <= socketPathBytesMax;
}

async function makeShort(parents: readonly string[], user: ServerUser): Promise<string> {
  for (const parent of parents) {
    if (!fits(join(parent, "threeport-XXXXXX")) || (await firstClosedFolder(parent, user).catch(() => parent)) !== undefined) continue;
    const made = await mkdtemp(join(parent, "threeport-")).catch(() => undefined); // not there, or not writable: the next one
    if (made === undefined) continue;
    await own(made, user);
    return made;
  }
  throw new PlatformError("TP_DATABASE_FOLDER_INVALID", {
    message: `The path of the data folder is too long for a socket (${socketPathBytesMax} bytes), and no short folder can be made in ${parents.join(" or ")}. Set THREEPORT_HOME to a shorter path.`,
  });
}

async function own(folder: string, user: ServerUser): Promise<void> {
  const now = await lstat(folder);
  if (user.foreign && (now.uid !== user.uid || now.gid !== user.gid)) await chown(folder, user.uid, user.gid);
  if ((now.mode & 0o777) !== 0o700) await chmod(folder, 0o700);
}
