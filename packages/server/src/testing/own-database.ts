import { mkdtemp, readdir, readlink, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { silentLogger, systemClock, systemExec } from "@threeport/platform";
import { openDatabase, type ConnectionOptions } from "@threeport/store";
import { externalDatabase, openEmbedded, type EmbeddedPostgres } from "@threeport/store/embedded";
import { databaseUrlOf } from "./test-control-plane.ts";

/** A PostgreSQL that control planes know by a URL only, and that the test may end as it likes. */
export interface OwnDatabase extends AsyncDisposable {
  readonly url: string;
  kill(): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** All of its processes stand still, or go on. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** One statement of the test's own. */
  sql<Row extends Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

export async function openOwnDatabase(): Promise<OwnDatabase> {
  const folder = await mkdtemp(join(tmpdir(), "threeport-test-database-"));
  const open = (): Promise<EmbeddedPostgres> => openEmbedded({ dataDir: folder, exec: systemExec, clock: systemClock, log: silentLogger });
  let running: EmbeddedPostgres | undefined = await open();
  const url = databaseUrlOf(running.connectionOptions as ConnectionOptions);
  const stop = async (): Promise<void> => {
    await running?.stop();
    running = undefined;
  };
  const signalAll = async (signal: NodeJS.Signals): Promise<void> => {
    for (const pid of await serverProcessesIn(join(folder, "pgdata"))) process.kill(pid, signal);
  };
  return {
    url,
    stop,
    freeze: () => signalAll("SIGSTOP"),
    thaw: () => signalAll("SIGCONT"),
    async sql<Row extends Record<string, unknown>>(text: string, values: readonly unknown[] = []) {
      await using database = openDatabase(externalDatabase(url) as ConnectionOptions, { connectionsMax: 1 });
      return database.query<Row>({ name: "", text }, values);
    },
    async kill() {
      if (running === undefined) return;
      process.kill(running.pid, "SIGKILL");
      await running.exited;
      await stop();
    },
    async start() {
      running = await open();
      expect(databaseUrlOf(running.connectionOptions as ConnectionOptions), "it comes back at the same place").toBe(url);
    },
    async [Symbol.asyncDispose]() {
      await signalAll("SIGCONT");
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The server and its children all work in its data directory. */
async function serverProcessesIn(pgdata: string): Promise<number[]> {
  const folder = await realpath(pgdata);
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const folders = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => undefined)));
  return pids.filter((_, index) => folders[index] === folder);
}
