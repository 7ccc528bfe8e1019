import { readFile, stat } from "node:fs/promises";
import { PlatformError } from "@threeport/resource";

/** The user that PostgreSQL runs as. It refuses to run as root. */
export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
  /** True when this is not our own user, so files must be given to it and programs started as it. */
  readonly foreign: boolean;
}

/** Linux' overflow user: owns nothing, and exists (as a number) everywhere. */
const nobody = 65_534;

/** An existing folder's owner decides, so that a user installed later changes nothing; a new one belongs to us, or for root to `postgres`, else `nobody`. */
export async function chooseServerUser(pgdata: string): Promise<ServerUser> {
  const ownUid = process.getuid?.() ?? 0;
  const ownGid = process.getgid?.() ?? 0;
  const owner = await ownerOf(pgdata);
  if (ownUid !== 0) {
    if (owner === undefined || owner.uid === ownUid) return { uid: ownUid, gid: ownGid, foreign: false };
    throw new PlatformError("TP_DATABASE_FOLDER_INVALID", {
      message: `${pgdata} belongs to user ${owner.uid}, and we run as user ${ownUid}. Start the control plane as the user that made the folder, or set THREEPORT_HOME to a folder of your own.`,
    });
  }
  if (owner !== undefined) {
    if (owner.uid === 0) {
      throw new PlatformError("TP_DATABASE_FOLDER_INVALID", {
        message: `${pgdata} belongs to root, and PostgreSQL does not run as root. Give it back to the user that owned it (chown -R <user> ${pgdata}).`,
      });
    }
    return { ...owner, foreign: true };
  }
  const users = await readUsers();
  const user = users.get("postgres") ?? users.get("nobody") ?? { uid: nobody, gid: nobody };
  return { ...user, foreign: true };
}

async function ownerOf(path: string): Promise<{ uid: number; gid: number } | undefined> {
  try {
    const { uid, gid } = await stat(path);
    return { uid, gid };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function readUsers(): Promise<ReadonlyMap<string, { uid: number; gid: number }>> {
  const text = await readFile("/etc/passwd", "utf8").catch(() => ""); // an image without the file: only the number is left
  const users = new Map<string, { uid: number; gid: number }>();
  for (const line of text.split("\n")) {
    const [name = "", , uid, gid] = line.split(":");
    if (uid !== undefined && gid !== undefined) users.set(name, { uid: Number(uid), gid: Number(gid) });
  }
  return users;
}
