import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock, Exec, Logger } from "@threeport/platform";
import { isErrorCode, PlatformError } from "@threeport/resource";
import { adoptPostmaster, type Adopted } from "./adopt-postmaster.ts";
import { findInstallation } from "./binaries.ts";
import type { ConnectionOptions } from "./connection-options.ts";
import { lockFolder } from "./folder-lock.ts";
import { databaseUser, initCluster, readPassword, removeDrafts } from "./init-cluster.ts";
import { makeLauncher } from "./launcher.ts";
import { closeDataDir, layoutOf, type Layout } from "./layout.ts";
import { stopPostmaster, type Postmaster, type PostmasterEnd } from "./postmaster.ts";
import { readPostmasterFile } from "./postmaster-file.ts";
import { startPostmaster } from "./start-postmaster.ts";
import { boundServerLog } from "./server-log.ts";
import { chooseServerUser, type ServerUser } from "./server-user.ts";
import { settingsArguments, type ServerSettings } from "./settings.ts";
import { createDatabase, isRefused, signInOrCreate } from "./sign-in.ts";
import { removeShortFolder, removeStaleSocket, socketFolder, socketPort } from "./socket-folder.ts";

/** Our database on the embedded server. */
export const databaseName = "threeport";

export interface OpenFolderInput {
  readonly dataDir: string;
  readonly exec: Exec;
  readonly clock: Clock;
  readonly log: Logger;
  readonly pgBinDir?: string;
  /** A per-user folder for sockets ($XDG_RUNTIME_DIR), used only when the data folder's path is too long for one. */
  readonly runtimeDir?: string;
  readonly signal?: AbortSignal;
  readonly settings: ServerSettings;
  /** For tests: the server ends when we end, however that happens (where the system can do that: Linux). */
  readonly endsWithParent: boolean;
}

/** A running PostgreSQL in a folder that is locked for us. Disposing stops it. */
export interface EmbeddedPostgres extends AsyncDisposable {
  readonly connectionOptions: ConnectionOptions;
  /** For example `18.4`. */
  readonly version: string;
  /** True when a killed process had left it running and we took it over. */
  readonly adopted: boolean;
  readonly pid: number;
  /** Resolves when the server has ended; `expected` is false unless it was `stop` that ended it. The folder stays locked until `stop`. */
  readonly exited: Promise<PostmasterEnd & { readonly expected: boolean }>;
  /** Ends the server and everything it started, and unlocks the folder. Every call waits for the same end. */
  stop(): Promise<void>;
}

/** See `openEmbedded`; this one also takes the settings that only tests may change. */
export async function openFolder(input: OpenFolderInput): Promise<EmbeddedPostgres> {
  const layout = await layoutOf(input.dataDir);
  const lock = await lockFolder(layout, input);
  try {
    return await openLocked(input, layout, lock);
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

async function openLocked(input: OpenFolderInput, layout: Layout, lock: Disposable): Promise<EmbeddedPostgres> {
  const user = await chooseServerUser(layout.pgdata);
  await closeDataDir(layout, user);
  const isNew = (await majorOf(layout)) === undefined;
  const { postmaster, socketFolder: host, adopted } = await takeOverOrStart(input, layout, { user, isNew });
  const connectionOptions: ConnectionOptions = { ...(await credentials(layout)), host, database: databaseName };
  try {
    if (isNew) await createDatabase(connectionOptions);
    const { version } = await signInOrCreate(connectionOptions);
    input.log.debug("the embedded database is ready", { version, pid: postmaster.pid, adopted });
    return supervise({ input, layout, lock, postmaster }, { connectionOptions, version, adopted });
  } catch (error) {
    await stopPostmaster({ ...input, postmaster, pgdata: layout.pgdata });
    throw translated(error, layout);
  }
}

/** Servers that may appear between a look and a start; each was started by a control plane that was killed since. */
const rivalsMax = 3;

/**
 * A killed control plane may have left a server that was only being started: not there when we look, and faster than ours after that. Ours then ends by
 * itself, since the other one has the folder, and that one is adopted.
 */
async function takeOverOrStart(
  input: OpenFolderInput,
  layout: Layout,
  { user, isNew }: { readonly user: ServerUser; readonly isNew: boolean },
): Promise<Adopted & { readonly adopted: boolean }> {
  for (let rivals = 0; ; rivals++) {
    const left = isNew && rivals === 0 ? undefined : await takeOver(input, layout, user);
    if (left !== undefined) return { ...left, adopted: true };
    try {
      return { ...(await startNew(input, layout, user)), adopted: false };
    } catch (error) {
      const taken = isErrorCode(error, "TP_DATABASE_START_FAILED") && (await readPostmasterFile(layout.pgdata)) !== undefined;
      if (!taken || rivals >= rivalsMax) throw error;
      input.log.debug("another server was faster in the folder; it is looked at again", { error: String(error) });
    }
  }
}

async function takeOver(input: OpenFolderInput, layout: Layout, user: ServerUser): Promise<Adopted | undefined> {
  return adoptPostmaster({ ...input, signal: input.signal, layout, user, connection: { ...(await credentials(layout)), database: databaseName } });
}

async function startNew(input: OpenFolderInput, layout: Layout, user: ServerUser): Promise<Adopted> {
  const { exec, settings, signal } = input;
  await removeDrafts(layout);
  const major = await majorOf(layout);
  const installation = await findInstallation({ pgBinDir: input.pgBinDir, major, libraryDir: layout.libraries }, exec);
  const launcher = await makeLauncher({ layout, installation, user, exec, endsWithParent: input.endsWithParent });
  if (major === undefined) {
    const initdb = join(installation.binDir, "initdb");
    await initCluster({ layout, user, launcher, initdb, major: installation.major, exec, signal, durable: settings.durability === "full" });
  }
  const shortParents = [...(input.runtimeDir === undefined ? [] : [input.runtimeDir]), tmpdir(), "/tmp"];
  const folder = await socketFolder({ layout, user, shortParents });
  await removeStaleSocket(folder);
  const postmaster = await startPostmaster({
    ...input,
    layout,
    launcher,
    signal,
    postgres: join(installation.binDir, "postgres"),
    settings: settingsArguments(settings, installation.major, folder),
    detached: !input.endsWithParent,
  });
  return { postmaster, socketFolder: folder };
}

function supervise(
  { input, layout, lock, postmaster }: { input: OpenFolderInput; layout: Layout; lock: Disposable; postmaster: Postmaster },
  facts: Pick<EmbeddedPostgres, "connectionOptions" | "version" | "adopted">,
): EmbeddedPostgres {
  const bound = boundServerLog(layout.log, input.clock);
  let stopped: Promise<void> | undefined;
  const gone = Promise.withResolvers<PostmasterEnd>();
  void postmaster.exited.then(gone.resolve);
  const exited = gone.promise.then((end) => {
    const expected = stopped !== undefined;
    if (!expected) input.log.info("the embedded database ended by itself", { ...end, pid: postmaster.pid, logFile: layout.log });
    return { ...end, expected };
  });
  const end = async () => {
    try {
      await stopPostmaster({ ...input, postmaster, pgdata: layout.pgdata });
      if (postmaster.isChild) await postmaster.exited;
      else gone.resolve({ code: null, signal: null });
      await removeShortFolder(layout);
    } finally {
      bound[Symbol.dispose]();
      lock[Symbol.dispose]();
    }
  };
  const stop = () => (stopped ??= end());
  return { ...facts, pid: postmaster.pid, exited, stop, [Symbol.asyncDispose]: stop };
}

async function credentials(layout: Layout): Promise<Omit<ConnectionOptions, "host" | "database">> {
  return { port: socketPort, user: databaseUser, password: await readPassword(layout), ssl: false }; // said aloud: pg would take PGSSLMODE from the environment
}

/** The folder's major version; undefined for a new folder. */
async function majorOf(layout: Layout): Promise<number | undefined> {
  const text = await readFile(join(layout.pgdata, "PG_VERSION"), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return undefined;
  });
  if (text === undefined) return undefined;
  const major = Number.parseInt(text, 10);
  if (Number.isInteger(major)) return major;
  throw new PlatformError("TP_DATABASE_FOLDER_INVALID", {
    message: `${layout.pgdata}/PG_VERSION does not hold a version. The folder is damaged: move it away and restore a backup.`,
  });
}

/** Our own server refuses us: the password file is not this folder's. */
function translated(error: unknown, layout: Layout): unknown {
  if (!isRefused(error)) return error;
  return new PlatformError("TP_DATABASE_FOLDER_INVALID", {
    message: `The database in ${layout.dataDir} does not accept the password in ${layout.password}. Put the right file back from a copy, or move the folder away and restore a backup.`,
    cause: error,
  });
}
