import { chmod, chown, mkdtemp, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemRandom, type Exec } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import type { Launcher } from "./launcher.ts";
import type { Layout } from "./layout.ts";
import type { ServerUser } from "./server-user.ts";

/** The only role, a superuser: the server serves nobody else. */
export const databaseUser = "threeport";

const draftPrefix = "initdb-";
/** Bytes of chance in the password: out of reach of guessing, so that hashing it many times would protect nothing. */
const passwordBytes = 32;
/** initdb takes 0.7 s; a hundred times that for a slow disk. Milliseconds. */
const initdbTimeoutMs = 70_000;

export interface InitInput {
  readonly layout: Layout;
  readonly user: ServerUser;
  readonly launcher: Launcher;
  readonly initdb: string;
  readonly major: number;
  readonly exec: Exec;
  readonly signal: AbortSignal | undefined;
  /** False where losing the folder does no harm (tests). */
  readonly durable: boolean;
}

/**
 * Makes `pgdata`, whole or not at all: initdb works in a draft folder that is renamed at the end, so what a killed process leaves is a draft, and the
 * next start begins again (see `removeDrafts`). The draft's name is new each time: a killed parent's initdb may still be writing into the old one.
 */
export async function initCluster(input: InitInput): Promise<void> {
  const { layout, user } = input;
  const password = await ensurePassword(layout);
  const draft = await mkdtemp(join(layout.dataDir, draftPrefix));
  try {
    const passwordFile = join(draft, "password");
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600, flag: "wx" });
    if (user.foreign) for (const path of [passwordFile, draft]) await chown(path, user.uid, user.gid);
    await runInitdb(input, draft, passwordFile);
    await chmod(join(draft, "pgdata"), 0o700);
    await rename(join(draft, "pgdata"), layout.pgdata);
    await syncFolder(layout.dataDir);
  } finally {
    await removeDrafts(layout);
  }
}

async function runInitdb({ layout, launcher, initdb, major, exec, signal, durable }: InitInput, draft: string, passwordFile: string): Promise<void> {
  const { command, args, options } = launcher.compose(initdb, [
    "-D",
    join(draft, "pgdata"),
    `--username=${databaseUser}`,
    `--pwfile=${passwordFile}`,
    "--auth-local=scram-sha-256",
    "--auth-host=reject",
    "--encoding=UTF8",
    "--locale=C",
    "--data-checksums",
    "--no-instructions",
    // a random password needs no stretching, and each connection would pay for it
    ...(major >= 16 ? ["-c", "scram_iterations=1"] : []),
    ...(durable ? [] : ["--no-sync"]),
  ]);
  const { code, stderr, stdout } = await exec.run(command, args, { ...options, timeoutMs: initdbTimeoutMs, ...(signal === undefined ? {} : { signal }) });
  if (code === 0) return;
  await launcher.diagnose();
  const output = stderr.trim() || stdout.trim();
  throw new PlatformError("TP_DATABASE_START_FAILED", {
    message: `A new database could not be made in ${layout.dataDir}: ${code === null ? `initdb did not end within ${initdbTimeoutMs / 1000} s` : output}`,
    detail: { code, output },
  });
}

/** The password of the only role, which stands in a file that only we can read. */
export async function readPassword(layout: Layout): Promise<string> {
  return readFile(layout.password, "utf8").catch((cause: unknown) => {
    throw new PlatformError("TP_DATABASE_FOLDER_INVALID", {
      message: `The file ${layout.password} cannot be read, and without it nobody can sign in to this database. Put it back from a copy, or move ${layout.pgdata} away and restore a backup.`,
      cause,
    });
  });
}

async function ensurePassword(layout: Layout): Promise<string> {
  const found = await readFile(layout.password, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return "";
  });
  if (found !== "") return found;
  const password = Buffer.from(systemRandom.bytes(passwordBytes)).toString("base64url");
  const draft = `${layout.password}.draft`;
  await rm(draft, { force: true });
  {
    await using file = await open(draft, "wx", 0o600);
    await file.writeFile(password);
    await file.sync();
  }
  await rename(draft, layout.password);
  return password;
}

/** Removes what a killed first start left. An initdb that lost its parent may still write: what cannot be removed now is removed by the next start. */
export async function removeDrafts(layout: Layout): Promise<void> {
  for (const name of await readdir(layout.dataDir)) {
    if (name.startsWith(draftPrefix)) await rm(join(layout.dataDir, name), { recursive: true, force: true }).catch(() => {});
  }
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, "r");
  await folder.sync();
}
