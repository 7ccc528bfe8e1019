import { createHash, randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLogger, systemClock } from "@threeport/platform";
import { backupTables, passingTables } from "./backup.ts";
import { backup, localKeys, migrate, openDatabase, openStore, restore, type ConnectionOptions, type Store } from "./index.ts";
import { createTestDatabase } from "./testing/index.ts";

const key = Buffer.alloc(32, 7);
const encryption = localKeys([key]);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "threeport-backup-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function emptyDatabase(): Promise<{ connection: ConnectionOptions } & AsyncDisposable> {
  const made = await createTestDatabase({
    templateKey: "store",
    migrate: async (options) => {
      await using database = openDatabase(options as ConnectionOptions);
      await migrate(database);
    },
  });
  return { connection: made.connectionOptions as ConnectionOptions, [Symbol.asyncDispose]: () => made[Symbol.asyncDispose]() };
}

function open(connection: ConnectionOptions): Promise<Store> {
  return openStore({ connection, keyEncryptionKey: key, clock: systemClock, log: silentLogger });
}

async function write(store: Store, name: string, sensitive = false): Promise<void> {
  const result = await store.writer.write({
    key: { kind: "configmaps", namespace: "d", name },
    uid: randomUUID(),
    expectRv: 0,
    remove: false,
    terminating: false,
    schemaVersion: "v1",
    body: ['{"apiVersion":"v1","kind":"ConfigMap","metadata":{"resourceVersion":"', `","name":"${name}"},"data":{"a":"canary-${name}"}}`],
    sensitive,
    prevBody: undefined,
    references: [{ path: "spec.other", wakerQueue: "configmaps", wakerKey: `d/${name}`, target: { kind: "secrets", namespace: "d", name: "s" }, waitsFor: 1 }],
    guards: [],
    wake: [{ queue: "configmaps", key: `d/${name}` }],
    changes: 1,
    priority: 0,
    fence: undefined,
  });
  expect(result.outcome).toBe("written");
}

test("S9: a backup taken while others write is one snapshot, and the restore continues far ahead with everything in it", async () => {
  await using source = await emptyDatabase();
  await using target = await emptyDatabase();
  const file = join(folder, "whole.gz");
  let before = 0;
  {
    await using store = await open(source.connection);
    for (let index = 0; index < 20; index++) await write(store, `c${index}`, index === 3);
    const digest = await store.blobs.put("blob text");
    expect(digest).toContain("hmac");
    await store.queue.claim({ owner: "old", queues: ["configmaps"], limit: 1, leaseMs: 60_000, fair: false });
    const [report] = await Promise.all([backup(store.database, file), ...Array.from({ length: 20 }, (_, index) => write(store, `later${index}`))]);
    expect(report.rows).toBeGreaterThan(60);
    before = await store.reader.currentRv();
  }
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(gunzipSync(readFileSync(file)).toString()).not.toContain("canary-c3"); // sealed in the database, sealed in the backup (S7)
  {
    await using database = openDatabase(target.connection);
    await restore(database, file, encryption);
  }
  await using store = await open(target.connection);
  const page = await store.reader.list({ kind: "configmaps", limit: 100 });
  expect(page.items.filter((item) => item.key.name.startsWith("c")).length).toBe(20);
  expect(page.items.find((item) => item.key.name === "c3")?.body).toContain("canary-c3");
  expect(page.rv).toBeGreaterThan(before + 2 ** 39);
  await expect(store.feed.subscribe("configmaps", before, () => {})).rejects.toMatchObject({ code: "TP_EXPIRED" });
  const claims = await store.queue.claim({ owner: "new", queues: ["configmaps"], limit: 100, leaseMs: 1_000, fair: false });
  expect(claims.length).toBeGreaterThanOrEqual(20); // the lease of the old life holds nothing up
  expect(await store.references.referrers({ kind: "secrets", namespace: "d", name: "s" }, 100)).toHaveLength(page.items.length);
});

test("S9: a cut backup, a changed one, a file that is none, another key, and a database in use are refused with what to do, and nothing is changed", async () => {
  await using source = await emptyDatabase();
  await using target = await emptyDatabase();
  const file = join(folder, "cut.gz");
  {
    await using store = await open(source.connection);
    await write(store, "one");
    await backup(store.database, file);
    await expect(restore(store.database, file, encryption)).rejects.toMatchObject({ code: "TP_ALREADY_EXISTS" });
  }
  const whole = gunzipSync(readFileSync(file)).toString().trimEnd().split("\n");
  const made = async (name: string, lines: readonly string[]): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, gzipSync(`${lines.join("\n")}\n`));
    return path;
  };
  const newer = JSON.stringify({ ...(JSON.parse(whole[0] ?? "") as object), version: 99 });
  const cut = join(folder, "cut-in-the-middle.gz");
  await writeFile(cut, readFileSync(file).subarray(0, -20));
  const cases = [
    { because: "cut off inside of the compressed bytes", path: cut, says: /it is none, or it was cut off/ },
    { because: "cut off between two lines", path: await made("short.gz", whole.slice(0, -3)), says: /is not whole: it ends after \d+ rows/ },
    { because: "a row was taken out", path: await made("less.gz", whole.toSpliced(5, 1)), says: /checksum does not fit/ },
    {
      because: "a row was changed",
      path: await made(
        "changed.gz",
        whole.map((line) => line.replaceAll("canary-one", "canary-two")),
      ),
      says: /checksum does not fit/,
    },
    { because: "something stands behind the end", path: await made("more.gz", [...whole, whole[3] ?? ""]), says: /is no backup/ },
    {
      because: "made by a newer version",
      path: await made("newer.gz", [newer, ...whole.slice(1)]),
      says: /made by a newer version .*format 99.*restore it with that version/,
    },
    { because: "no backup at all", path: new URL(import.meta.url).pathname, says: /it is none/ },
    { because: "another gzipped file", path: await made("other.gz", ["hello"]), says: /is no backup/ },
    { because: "not there", path: join(folder, "nothing.gz"), says: /cannot be read \(ENOENT\)/ },
    { because: "a folder", path: folder, says: /cannot be read \(EISDIR\)/ },
  ];
  await using database = openDatabase(target.connection);
  for (const { because, path, says } of cases) await expect(restore(database, path, encryption), because).rejects.toThrow(says);
  await expect(restore(database, file, localKeys([randomBytes(32)])), "the key of another control plane").rejects.toMatchObject({
    code: "TP_KEY_WRONG",
    message: expect.stringMatching(/nothing was changed/) as string,
  });
  const rows = await database.query<{ rv: string; objects: string }>(
    { name: "", text: "SELECT rv, (SELECT count(*) FROM object) AS objects FROM counter" },
    [],
  );
  expect(rows).toEqual([{ rv: "1", objects: "0" }]);
  await restore(database, file, encryption);
});

test("S9: every table is in the backup, or it is said why not", async () => {
  await using source = await emptyDatabase();
  await using database = openDatabase(source.connection);
  const rows = await database.query<{ name: string }>({ name: "", text: "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'" }, []);
  expect(rows.map(({ name }) => name).sort()).toEqual([...backupTables, ...passingTables].sort());
});

test("S9: a backup of an older schema is restored, with defaults for what it does not know", async () => {
  await using source = await emptyDatabase();
  await using target = await emptyDatabase();
  const file = join(folder, "older.gz");
  {
    await using store = await open(source.connection);
    await write(store, "one", true);
    await store.database.script("ALTER TABLE data_key RENAME COLUMN wrapped_by TO unknown_then");
    await store.database.script("ALTER TABLE data_key ADD COLUMN wrapped_by text GENERATED ALWAYS AS ('') STORED"); // the header reads it
    await store.database.script("DELETE FROM migration WHERE number > 1");
    await backup(store.database, file);
  }
  const lines = gunzipSync(readFileSync(file)).toString().trimEnd().split("\n").slice(0, -1);
  const older = lines.map((line) => line.replace(/,\\"unknown_then\\":\\"[0-9a-f]*\\",?/, "").replace(/,?\\"wrapped_by\\":\\"\\"/, ""));
  expect(older.find((line) => line.includes('"data_key"'))).not.toMatch(/wrapped_by|unknown_then/);
  const sha256 = createHash("sha256")
    .update(`${older.join("\n")}\n`)
    .digest("hex");
  const path = join(folder, "older-schema.gz");
  await writeFile(path, gzipSync(`${[...older, JSON.stringify({ end: older.length - 1, sha256 })].join("\n")}\n`));
  {
    await using database = openDatabase(target.connection);
    await restore(database, path, encryption);
  }
  await using store = await open(target.connection);
  expect((await store.reader.get({ kind: "configmaps", namespace: "d", name: "one" }))?.body).toContain("canary-one");
});
