import { chown, mkdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { firstClosedFolder } from "./reach.ts";
import { open, query, temporaryFolder } from "./testing/folders.ts";
import { startHolder } from "./testing/holder.ts";

/** Debian's and everybody's `nobody`. */
const nobody = { uid: 65_534, gid: 65_534, foreign: true };
const canRunNode = (await Promise.all([process.execPath, import.meta.filename].map((path) => firstClosedFolder(dirname(path), nobody)))).every(
  (folder) => folder === undefined,
);

/** Only root has to become somebody else. */
const isRoot = process.getuid?.() === 0;

let closed: Awaited<ReturnType<typeof temporaryFolder>>;
let dataDir: string;
beforeAll(async () => {
  closed = await temporaryFolder();
  await mkdir(join(closed.path, "home"), { mode: 0o700 });
  dataDir = join(closed.path, "home", "data");
});
afterAll(() => closed[Symbol.asyncDispose]());

describe.skipIf(!isRoot)("as root, in a home that nobody else may enter", () => {
  test("Without the right to mount, the error says what to do", async () => {
    await using holder = startHolder(dataDir, { wrapper: ["setpriv", "--bounding-set", "-sys_admin", "--"] });
    expect(await holder.report).toMatchObject({ error: "TP_DATABASE_FOLDER_UNREACHABLE", message: expect.stringContaining("THREEPORT_HOME") as string });
  });

  test("The server runs as another user, and paths are the same for it and for us", async () => {
    await using database = await open(dataDir);
    expect(database.connectionOptions.host).toBe(join(dataDir, "run"));
    expect(await query(database, "SELECT current_setting('data_directory') AS directory")).toEqual([{ directory: join(dataDir, "pgdata") }]);
    expect((await stat(`/proc/${database.pid}`)).uid).not.toBe(0);
    expect((await stat(join(closed.path, "home"))).mode & 0o777, "the home stays closed").toBe(0o700);
  });

  test("S9: a server left behind in its own mount namespace is adopted", async () => {
    await using holder = startHolder(dataDir);
    const { serverPid } = await holder.report;
    holder.process.kill("SIGKILL");
    await holder.process.exited;
    await using database = await open(dataDir);
    expect(database).toMatchObject({ adopted: true, pid: serverPid });
    expect(await query(database, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  });
});

test.skipIf(!isRoot || !canRunNode)("An ordinary user runs the server as itself, and root opens that folder later as the same user", async () => {
  await using folder = await temporaryFolder();
  await chown(folder.path, nobody.uid, nobody.gid);
  {
    await using holder = startHolder(folder.dataDir, { wrapper: ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--"] });
    const { serverPid = -1, error } = await holder.report;
    expect(error).toBeUndefined();
    expect((await stat(`/proc/${serverPid}`)).uid).toBe(nobody.uid);
  }
  await using database = await open(folder.dataDir);
  expect((await stat(`/proc/${database.pid}`)).uid).toBe(nobody.uid);
  expect(await query(database, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
});
