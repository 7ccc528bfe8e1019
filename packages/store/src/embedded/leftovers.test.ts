import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemExec, type Exec } from "@threeport/platform";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readPostmasterFile } from "./postmaster-file.ts";
import { serverProcessesIn } from "./process-facts.ts";
import { open, query, temporaryFolder, usedFolder } from "./testing/folders.ts";
import { startHolder } from "./testing/holder.ts";

let original: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  original = await temporaryFolder();
  await using database = await open(original.dataDir);
  await query(database, "CREATE TABLE kept (word text)");
});
afterAll(() => original[Symbol.asyncDispose]());

test("S9: the server that a killed control plane left behind is adopted, with its data and without a restart", async () => {
  await using folder = await usedFolder(original.dataDir);
  await using holder = startHolder(folder.dataDir);
  const { serverPid, connection } = await holder.report;
  if (connection !== undefined) await query({ connectionOptions: connection }, "INSERT INTO kept VALUES ('by the killed one')");
  holder.process.kill("SIGKILL");
  await holder.process.exited;

  await using database = await open(folder.dataDir);
  expect(database).toMatchObject({ adopted: true, pid: serverPid });
  expect(await query(database, "SELECT word FROM kept")).toEqual([{ word: "by the killed one" }]);
  await database.stop();
  expect(await database.exited).toMatchObject({ expected: true });
  expect(await serverProcessesIn(join(folder.dataDir, "pgdata"), systemExec)).toEqual([]);
});

test("The end of an adopted server is noticed", async () => {
  await using folder = await usedFolder(original.dataDir);
  await using holder = startHolder(folder.dataDir);
  await holder.report;
  holder.process.kill("SIGKILL");
  await holder.process.exited;
  await using database = await open(folder.dataDir);
  process.kill(database.pid, "SIGKILL");
  expect(await database.exited).toMatchObject({ expected: false });
});

test("After the server was killed, the folder is opened again and holds what was committed", async () => {
  await using folder = await usedFolder(original.dataDir);
  {
    await using database = await open(folder.dataDir);
    await query(database, "INSERT INTO kept VALUES ('before the crash')");
    process.kill(database.pid, "SIGKILL");
    expect(await database.exited).toMatchObject({ expected: false, signal: "SIGKILL" });
  }
  await using database = await open(folder.dataDir);
  expect(database.adopted).toBe(false);
  expect(await query(database, "SELECT word FROM kept")).toEqual([{ word: "before the crash" }]);
});

test("Control plane and server killed together: the next start recovers, even if another process has the server's pid by now", async () => {
  await using folder = await usedFolder(original.dataDir);
  await using holder = startHolder(folder.dataDir);
  const { serverPid = -1, connection } = await holder.report;
  if (connection !== undefined) await query({ connectionOptions: connection }, "INSERT INTO kept VALUES ('before both died')");
  holder.process.kill("SIGKILL");
  process.kill(serverPid, "SIGKILL");
  await holder.process.exited;

  const pidFile = join(folder.dataDir, "pgdata", "postmaster.pid");
  const [, ...rest] = (await readFile(pidFile, "utf8")).split("\n");
  const { uid, gid } = await stat(pidFile); // only a process of the server's own user makes PostgreSQL hesitate
  await using stranger = systemExec.start("sleep", ["600"], { uid, gid });
  await writeFile(pidFile, [String(stranger.pid), ...rest].join("\n"));

  await using database = await open(folder.dataDir);
  expect(database).toMatchObject({ adopted: false });
  expect(database.pid).not.toBe(stranger.pid);
  expect(await query(database, "SELECT word FROM kept")).toEqual([{ word: "before both died" }]);
});

test("A server in our folder that does not accept our password is replaced, because nobody else may have started one there", async () => {
  await using folder = await usedFolder(original.dataDir);
  await using holder = startHolder(folder.dataDir);
  const { serverPid } = await holder.report;
  holder.process.kill("SIGKILL");
  await holder.process.exited;
  const password = await readFile(join(folder.dataDir, "password"), "utf8");
  await writeFile(join(folder.dataDir, "password"), "another one");
  await expect(open(folder.dataDir)).rejects.toMatchObject({ code: "TP_DATABASE_FOLDER_INVALID" });
  await writeFile(join(folder.dataDir, "password"), password);
  await using database = await open(folder.dataDir);
  expect(database.pid).not.toBe(serverPid);
});

test("A first start that is killed at any moment is redone by the next one", async () => {
  for (const moment of ["initdb has begun", "initdb is done", "the server was started"] as const) {
    await using folder = await temporaryFolder();
    await using holder = startHolder(folder.dataDir);
    await reached(folder.dataDir, moment);
    holder.process.kill("SIGKILL");
    await holder.process.exited;
    await using database = await open(folder.dataDir);
    expect(await query(database, "SELECT 1 AS one"), moment).toEqual([{ one: 1 }]);
    expect(
      (await readdir(folder.dataDir)).filter((name) => name.startsWith("initdb-")),
      moment,
    ).toEqual([]);
  }
});

test("A server that a killed control plane had only begun to start may be faster than ours: it is adopted", async () => {
  await using folder = await usedFolder(original.dataDir);
  let rival: number | undefined;
  const exec: Exec = {
    ...systemExec,
    start(command, args, options) {
      if (rival === undefined && [command, ...args].some((word) => word.endsWith("/postgres"))) {
        rival = systemExec.start(command, args, { ...options, detached: true }).pid;
        // Ours begins when the other one has the folder.
        return systemExec.start(
          "/bin/sh",
          ["-c", 'until [ -s "$1" ]; do sleep 0.01; done; shift; exec "$@"', "sh", join(folder.dataDir, "pgdata", "postmaster.pid"), command, ...args],
          options,
        );
      }
      return systemExec.start(command, args, options);
    },
  };
  await using database = await open(folder.dataDir, { exec });
  expect(database.adopted).toBe(true);
  expect(await query(database, "SELECT count(*)::int AS words FROM kept")).toEqual([{ words: 0 }]);
  expect(rival).toBeDefined();
});

/** Watches the folder until the first start has come this far. */
async function reached(dataDir: string, moment: "initdb has begun" | "initdb is done" | "the server was started"): Promise<void> {
  const until = performance.now() + 30_000;
  while (performance.now() < until) {
    const names = await readdir(dataDir).catch((): string[] => []);
    const draft = names.find((name) => name.startsWith("initdb-"));
    if (moment === "initdb has begun" && draft !== undefined && (await readdir(join(dataDir, draft, "pgdata")).catch((): string[] => [])).includes("base"))
      return;
    if (moment === "initdb is done" && names.includes("pgdata")) return;
    if (moment === "the server was started" && (await readPostmasterFile(join(dataDir, "pgdata"))) !== undefined) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`the first start did not come so far: ${moment}`);
}
