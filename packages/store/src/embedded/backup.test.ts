import { existsSync } from "node:fs";
import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemExec } from "@threeport/platform";
import { describe, expect, test } from "vitest";
import { dumpFolder, restoreFolder } from "./backup.ts";
import { open, query, temporaryFolder } from "./testing/folders.ts";

const system15 = "/usr/lib/postgresql/15/bin";

describe.skipIf(!existsSync(join(system15, "pg_dump")))("with pg_dump 15", () => {
  test("A copy taken while the database is in use brings back what it held then, and a broken copy changes nothing", async () => {
    await using folder = await temporaryFolder();
    await using database = await open(folder.dataDir, { pgBinDir: system15 });
    const input = { connectionOptions: database.connectionOptions, version: database.version, exec: systemExec, file: join(folder.path, "backup") };
    await query(database, "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('then')");
    await dumpFolder(input);
    expect((await stat(input.file)).mode & 0o777).toBe(0o600);
    await query(database, "UPDATE kept SET word = 'later'");

    const broken = join(folder.path, "broken");
    await writeFile(broken, "not a backup");
    await expect(restoreFolder({ ...input, file: broken })).rejects.toMatchObject({ code: "TP_DATABASE_UNAVAILABLE" });
    expect(await query(database, "SELECT word FROM kept")).toEqual([{ word: "later" }]);

    await restoreFolder(input);
    expect(await query(database, "SELECT word FROM kept")).toEqual([{ word: "then" }]);
  });

  test("A copy that cannot be taken leaves nothing in its place", async () => {
    await using folder = await temporaryFolder();
    const connectionOptions = { host: folder.path, port: 5432, user: "nobody", database: "none" };
    await expect(dumpFolder({ connectionOptions, version: "15.1", exec: systemExec, file: join(folder.path, "backup") })).rejects.toMatchObject({
      code: "TP_DATABASE_UNAVAILABLE",
    });
    expect(await readdir(folder.path)).toEqual([]);
  });
});

test("Without a pg_dump that is new enough, the error says what to install", async () => {
  const input = {
    connectionOptions: { host: "/nonexistent", port: 5432, user: "u", database: "d" },
    version: "99.1",
    exec: systemExec,
    file: "/nonexistent/backup",
  };
  await expect(dumpFolder(input)).rejects.toMatchObject({
    code: "TP_TOOL_MISSING",
    message: expect.stringContaining("apt install postgresql-client-99") as string,
  });
});
