import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { identify } from "./process-table.ts";
import { createStateFolders, livingProcess, recordProcess, removeStateFolders, stateFolders } from "./state-folder.ts";

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "threeport-state-"));
});
afterEach(() => rm(parent, { recursive: true, force: true }));

test("a new folder is made for root alone, and removed whole", async () => {
  const folder = join(parent, "new");
  await createStateFolders(folder);
  await createStateFolders(folder);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  await removeStateFolders(folder);
  await removeStateFolders(folder);
  expect(await readdir(parent)).toEqual([]);
});

test("a folder with somebody's files is neither used nor emptied, even where names are like ours", async () => {
  await mkdir(join(parent, "config"));
  await writeFile(join(parent, "config", "precious"), "1");
  await expect(createStateFolders(parent)).rejects.toMatchObject({ code: "TP_INVALID", message: expect.stringContaining("config") });
  await removeStateFolders(parent);
  expect(await readdir(join(parent, "config"))).toEqual(["precious"]);
});

test("files that others put beside ours survive the removal", async () => {
  await createStateFolders(parent);
  await writeFile(join(parent, "notes.txt"), "1");
  await removeStateFolders(parent);
  expect(await readdir(parent)).toEqual(["notes.txt"]);
});

test("a recorded process lives only while it is the same process", async () => {
  await createStateFolders(parent);
  expect(await livingProcess(parent, "etcd")).toBeUndefined();
  const self = await identify(process.pid);
  if (self === undefined) throw new Error("we live");
  await recordProcess(parent, "etcd", self);
  expect(await livingProcess(parent, "etcd")).toEqual(self);
  await recordProcess(parent, "etcd", { ...self, startTicks: self.startTicks - 1 });
  expect(await livingProcess(parent, "etcd")).toBeUndefined();
  expect(await readdir(join(parent, stateFolders.pid))).toEqual(["etcd.json"]);
});
