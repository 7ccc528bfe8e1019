import { chmod, mkdir, readlink, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { copyFolder, open, query, temporaryFolder } from "./testing/folders.ts";
import { systemExec } from "@threeport/platform";

let original: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  original = await temporaryFolder();
  await (await open(original.dataDir)).stop();
});
afterAll(() => original[Symbol.asyncDispose]());

/** A used data folder whose path leaves no room for a socket. */
async function longFolder(): Promise<AsyncDisposable & { readonly dataDir: string; readonly path: string }> {
  const folder = await temporaryFolder();
  const parent = join(folder.path, "long".repeat(25));
  await mkdir(parent, { mode: 0o711 });
  await copyFolder(original.dataDir, join(parent, "data"), systemExec);
  return { ...folder, dataDir: join(parent, "data") };
}

test("A path that is too long for a socket gets a short folder of its own, which goes with the server", async () => {
  await using folder = await longFolder();
  await using runtime = await temporaryFolder();
  await using database = await open(folder.dataDir, { runtimeDir: runtime.path });
  const { host } = database.connectionOptions;
  expect(host.startsWith(runtime.path)).toBe(true);
  expect((await stat(host)).mode & 0o777).toBe(0o700);
  expect(await readlink(join(folder.dataDir, "run"))).toBe(host);
  expect(await query(database, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  await database.stop();
  await expect(stat(host)).rejects.toMatchObject({ code: "ENOENT" });
});

test("A recorded short folder that others could write to is not used again", async () => {
  await using folder = await longFolder();
  await using runtime = await temporaryFolder();
  const first = await open(folder.dataDir, { runtimeDir: runtime.path });
  const { host } = first.connectionOptions;
  // as after a reboot: the short folder is gone, the record is there, and a stranger made a folder of that name
  await first.stop();
  await mkdir(host);
  await chmod(host, 0o777);
  await symlink(host, join(folder.dataDir, "run"));
  await using second = await open(folder.dataDir, { runtimeDir: runtime.path });
  expect(second.connectionOptions.host).not.toBe(host);
  expect((await stat(second.connectionOptions.host)).mode & 0o777).toBe(0o700);
});
