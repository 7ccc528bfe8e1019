import { access } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { open, temporaryFolder, usedFolder } from "./testing/folders.ts";
import { startHolder } from "./testing/holder.ts";

let original: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  original = await temporaryFolder();
  await (await open(original.dataDir)).stop();
});
afterAll(() => original[Symbol.asyncDispose]());

test("S9: of processes that open one folder at the same moment one gets it, and the others name it", async () => {
  for (const folderOf of [temporaryFolder, () => usedFolder(original.dataDir)]) {
    await using folder = await folderOf();
    await using stack = new AsyncDisposableStack();
    const holders = Array.from({ length: 6 }, () => stack.use(startHolder(folder.dataDir)));
    const reports = await Promise.all(holders.map(({ report }) => report));
    const [winner, ...more] = reports.filter(({ error }) => error === undefined);
    expect(more).toEqual([]);
    const losers = reports.filter((report) => report !== winner);
    expect(losers.map(({ error }) => error)).toEqual(Array(5).fill("TP_DATABASE_FOLDER_IN_USE"));
    for (const { message } of losers) expect(message).toContain(`pid ${winner?.pid}`);
  }
});

test("S9: a second control plane does not get the folder while the first one's server is dead", async () => {
  await using folder = await usedFolder(original.dataDir);
  await using database = await open(folder.dataDir);
  process.kill(database.pid, "SIGKILL");
  await database.exited;
  await using second = startHolder(folder.dataDir);
  expect(await second.report).toMatchObject({ error: "TP_DATABASE_FOLDER_IN_USE" });
});

test("The folder is free again once its holder stopped", async () => {
  await using folder = await usedFolder(original.dataDir);
  const first = await open(folder.dataDir);
  await expect(open(folder.dataDir), "this process itself counts, too").rejects.toMatchObject({
    code: "TP_DATABASE_FOLDER_IN_USE",
    detail: { pid: process.pid },
  });
  await first.stop();
  // Whoever comes next must not be taken for a loser against somebody who has left.
  await expect(access(join(folder.dataDir, "holder.json"))).rejects.toMatchObject({ code: "ENOENT" });
  await using second = await open(folder.dataDir);
  expect(second.adopted).toBe(false);
});
