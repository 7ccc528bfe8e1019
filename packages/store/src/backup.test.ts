import { randomUUID } from "node:crypto";
import { mkdtemp, rm, truncate, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLogger, systemClock } from "@threeport/platform";
import { backup, migrate, openDatabase, openStore, restore, type ConnectionOptions, type Store } from "./index.ts";
import { createTestDatabase } from "./testing/index.ts";

const key = Buffer.alloc(32, 7);
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
    await restore(database, file);
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

test("S9: a cut backup, a file that is none, and a database in use are refused, and nothing is changed", async () => {
  await using source = await emptyDatabase();
  await using target = await emptyDatabase();
  const file = join(folder, "cut.gz");
  {
    await using store = await open(source.connection);
    await write(store, "one");
    await backup(store.database, file);
    await expect(restore(store.database, file)).rejects.toMatchObject({ code: "TP_ALREADY_EXISTS" });
  }
  await truncate(file, (await stat(file)).size - 20);
  await using database = openDatabase(target.connection);
  await expect(restore(database, file)).rejects.toThrow();
  await expect(restore(database, new URL(import.meta.url).pathname)).rejects.toThrow();
  const rows = await database.query<{ rv: string }>({ name: "", text: "SELECT rv FROM counter" }, []);
  expect(rows).toHaveLength(1);
});
