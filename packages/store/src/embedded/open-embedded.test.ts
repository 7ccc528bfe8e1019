import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { systemClock, systemExec } from "@threeport/platform";
import { expect, test } from "vitest";
import { serverProcessesIn } from "./process-facts.ts";
import { withClient } from "./sign-in.ts";
import { open, query, temporaryFolder } from "./testing/folders.ts";
import { startHolder } from "./testing/holder.ts";

const mode = async (path: string) => (await stat(path)).mode & 0o777;

test("The first start makes a durable server that only a holder of its password reaches, and only through its socket", async () => {
  await using folder = await temporaryFolder();
  await using database = await open(folder.dataDir);
  expect(database).toMatchObject({ adopted: false, version: expect.stringMatching(/^18\./) as string });

  const wanted = {
    fsync: "on",
    synchronous_commit: "on",
    full_page_writes: "on",
    data_checksums: "on",
    listen_addresses: "",
    server_encoding: "UTF8",
    lc_collate: "C",
    autovacuum: "on",
    jit: "off",
  };
  const names = Object.keys(wanted).filter((name) => name !== "lc_collate");
  const rows = (await query(database, `SELECT name, setting FROM pg_settings WHERE name IN (${names.map((name) => `'${name}'`).join()})`)) as {
    name: string;
    setting: string;
  }[];
  const [collation] = await query(database, "SELECT datcollate FROM pg_database WHERE datname = current_database()");
  expect({ ...Object.fromEntries(rows.map(({ name, setting }) => [name, setting])), lc_collate: (collation as { datcollate: string }).datcollate }).toEqual(
    wanted,
  );

  const rules = await query(database, "SELECT DISTINCT type, auth_method FROM pg_hba_file_rules WHERE auth_method <> 'reject'");
  expect(rules).toEqual([{ type: "local", auth_method: "scram-sha-256" }]);
  await expect(withClient({ ...database.connectionOptions, password: "guessed" }, async () => {})).rejects.toMatchObject({ code: "28P01" });

  expect(await mode(join(folder.dataDir, "password"))).toBe(0o600);
  expect(await mode(join(folder.dataDir, "pgdata"))).toBe(0o700);
  expect(await mode(join(folder.dataDir, "run"))).toBe(0o700);
  expect((await mode(folder.dataDir)) & 0o067, "others may neither read nor enter, the server's group may pass").toBe(0);
});

test("The second start finds what was committed before", async () => {
  await using folder = await temporaryFolder();
  {
    await using database = await open(folder.dataDir);
    await query(database, "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('still here')");
  }
  await using database = await open(folder.dataDir);
  expect(database.adopted).toBe(false);
  expect(await query(database, "SELECT word FROM kept")).toEqual([{ word: "still here" }]);

  await database.stop();
  expect(await database.exited).toMatchObject({ expected: true });
  expect(await serverProcessesIn(join(folder.dataDir, "pgdata"), systemExec)).toEqual([]);
  expect(await readdir(join(folder.dataDir, "run"))).toEqual([]);
  expect(await readdir(join(folder.dataDir, "pgdata"))).not.toContain("postmaster.pid");
});

test("A server that hears no signal is ended by force, with its children", async () => {
  await using folder = await temporaryFolder();
  const hurried = { ...systemClock, monotonic: () => systemClock.monotonic() * 200 }; // the 30 s of a fast shutdown pass in 150 ms
  const database = await open(folder.dataDir, { clock: hurried });
  process.kill(database.pid, "SIGSTOP");
  await database.stop();
  expect(await database.exited).toMatchObject({ expected: true, signal: "SIGKILL" });
  expect(await serverProcessesIn(join(folder.dataDir, "pgdata"), systemExec)).toEqual([]);
});

test("Statements and values do not get into the server's log, because they may be secret", async () => {
  await using folder = await temporaryFolder();
  await using database = await open(folder.dataDir);
  await query(database, "CREATE TABLE guarded (word text PRIMARY KEY CHECK (word <> 'canary-1')); INSERT INTO guarded VALUES ('canary-2')");
  for (const word of ["canary-1", "canary-2"]) await expect(query(database, `INSERT INTO guarded VALUES ('${word}')`)).rejects.toThrow();
  await expect(query(database, "SELECT canary_3")).rejects.toThrow();
  const log = await readFile(join(folder.dataDir, "postgres.log"), "utf8");
  expect(log).toContain("violates check constraint");
  expect(log).not.toContain("canary-");
});

test("What a person's environment says about PostgreSQL does not lead us elsewhere", async () => {
  await using folder = await temporaryFolder();
  const variables = ["PGPORT=1", "PGHOST=elsewhere.invalid", "PGSSLMODE=require", "PGDATA=/nonexistent", "PGUSER=somebody", "LC_ALL=nowhere"];
  await using holder = startHolder(folder.dataDir, { wrapper: ["env", ...variables] });
  expect(await holder.report).toMatchObject({ adopted: false, connection: { host: join(folder.dataDir, "run"), port: 5432 } });
});

test("An abort while it starts leaves neither a process nor a lock", async () => {
  await using folder = await temporaryFolder();
  const abort = new AbortController();
  const opening = open(folder.dataDir, { signal: abort.signal });
  abort.abort(new Error("no longer wanted"));
  await expect(opening).rejects.toThrow();
  expect(await serverProcessesIn(join(folder.dataDir, "pgdata"), systemExec)).toEqual([]);
  await using database = await open(folder.dataDir);
  expect(await query(database, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
});
