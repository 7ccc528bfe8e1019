import { createHash, createHmac, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { blobKind } from "../blobs.ts";
import { keyOf, openLab, openLabStore, put, writeOf, type Lab } from "../proofs/lab.ts";

const canary = "canary-7f3a91";

/** Every value of every table as text; bytea in hex and as the text it may be. */
async function everything(lab: Lab): Promise<string> {
  const tables = await lab.sql<{ name: string }>("SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1");
  const texts: string[] = [];
  for (const { name } of tables) {
    const rows = await lab.sql<{ row: string }>(`SELECT t::text AS row FROM ${name} t`);
    texts.push(...rows.map((row) => `${name}: ${row.row}`));
  }
  const text = texts.join("\n");
  const opened = [...text.matchAll(/\\x([0-9a-f]+)/g)].map((match) => Buffer.from(match[1] ?? "", "hex").toString("latin1"));
  const decoded = [...text.matchAll(/[A-Za-z0-9+/=]{24,}/g)].map((match) => Buffer.from(match[0], "base64").toString("latin1"));
  return [text, ...opened, ...decoded].join("\n");
}

test("S7, S8: sensitive bodies and blobs stand in no table in plain text, in no version of them, also not encoded", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const secret = keyOf("password", "secrets");
  const first = await put(store, secret, { sensitive: true, data: canary });
  const before = await store.reader.get(secret);
  const second = await put(store, secret, {
    sensitive: true,
    data: `${canary}-changed`,
    expectRv: first,
    prevBody: before?.body,
    references: [{ path: "spec.a", wakerQueue: "q", wakerKey: "k", target: keyOf("other"), waitsFor: 1 }],
  });
  await put(store, secret, { sensitive: true, data: canary, expectRv: second, remove: true });
  await put(store, keyOf("another", "secrets"), { sensitive: true, data: canary });
  await store.blobs.put(`${canary} in a manifest`);
  const plain = keyOf("visible", "configmaps");
  await put(store, plain, { data: "seen-by-this-test" });

  const text = await everything(lab);
  expect(text).toContain("seen-by-this-test"); // else the search finds nothing at all
  expect(text).not.toContain(canary);
  expect(text).not.toContain(Buffer.from(canary).toString("base64").slice(0, -4));
  expect(text).not.toContain(createHash("sha256").update(`${canary} in a manifest`).digest("hex"));
});

test("S7: readers, watchers and the log get sensitive bodies opened", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const secret = keyOf("password", "secrets");
  const seen: string[] = [];
  const start = await store.reader.currentRv();
  const first = await put(store, secret, { sensitive: true, data: `${canary}-1` });
  const before = await store.reader.get(secret);
  await put(store, secret, { sensitive: true, data: `${canary}-2`, expectRv: first, prevBody: before?.body });
  const other = await lab.open({ ringBytesMax: 0 });
  using _watch = await other.feed.subscribe("secrets", start, (changes) =>
    seen.push(...changes.map((change) => `${change.body} after ${change.prevBody ?? "nothing"}`)),
  );
  expect(before?.body).toContain(`${canary}-1`);
  expect((await other.reader.list({ kind: "secrets", limit: 5 })).items[0]?.body).toContain(`${canary}-2`);
  expect((await other.reader.list({ kind: "secrets", limit: 5, atRv: first })).items[0]?.body).toContain(`${canary}-1`);
  expect(seen[0]).toMatch(new RegExp(`${canary}-1.* after nothing`));
  expect(seen[1]).toMatch(new RegExp(`${canary}-2.* after .*${canary}-1`));
});

test("S7: a key-encryption key that does not belong to the database is refused at the start, and one of the wrong length too", async () => {
  await using lab = await openLab();
  await lab.open();
  await expect(openLabStore(lab.connection, { keyEncryptionKey: randomBytes(32) })).rejects.toThrow(
    /wrapped by the key named [0-9a-f]{16}, and the configuration holds [0-9a-f]{16}\. Put the right key-encryption key back/,
  );
  await expect(openLabStore(lab.connection, { keyEncryptionKey: randomBytes(16) })).rejects.toThrow(/must have 32 bytes/);
});

test("S7: a sealed body that was moved to another object, or changed by a bit, is refused", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  await put(store, keyOf("mine", "secrets"), { sensitive: true, data: "mine" });
  await put(store, keyOf("theirs", "secrets"), { sensitive: true, data: "theirs" });
  await lab.sql("UPDATE version SET body = (SELECT body FROM version WHERE name = 'theirs') WHERE name = 'mine'");
  await expect(store.reader.get(keyOf("mine", "secrets"))).rejects.toThrow(/cannot be opened/);
  const sealed = store.sealer.sealBytes(Buffer.from("content"), "context");
  sealed.writeUInt8(sealed.readUInt8(sealed.length - 1) ^ 1, sealed.length - 1);
  expect(() => store.sealer.openBytes(sealed, "context")).toThrow(/cannot be opened/);
});

test("S7: errors about a sensitive body do not quote it", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  await put(store, keyOf("taken"), { uid: "uid-taken" });
  const error: unknown = await store.writer
    .write(writeOf(keyOf("secret", "secrets"), { uid: "uid-taken", sensitive: true, data: canary }))
    .catch((thrown: unknown) => thrown);
  const seen: string[] = [];
  for (let at: unknown = error; at instanceof Error; at = at.cause) seen.push(at.message, JSON.stringify(at, Object.getOwnPropertyNames(at)));
  expect(seen.join("\n")).toContain("object_uid");
  expect(seen.join("\n")).not.toContain(canary);
});

test("S8: a blob's digest is an HMAC under a key of this database: the same content is stored once here, and has another name elsewhere", async () => {
  await using here = await openLab();
  await using there = await openLab();
  const store = await here.open();
  const digest = await store.blobs.put(canary);
  expect(await store.blobs.put(canary)).toBe(digest);
  expect(await (await here.open()).blobs.put(canary)).toBe(digest);
  expect(await (await there.open()).blobs.put(canary)).not.toBe(digest);
  expect(await store.blobs.get(digest)).toBe(canary);
  expect(await store.blobs.get(`${digest}0`)).toBeUndefined();
  expect(digest).toMatch(/^hmac-sha256:[0-9a-f]{64}$/);
  for (const guess of [createHash("sha256").update(canary).digest("hex"), createHmac("sha256", "").update(canary).digest("hex")])
    expect(digest).not.toContain(guess);
  expect(await here.sql("SELECT 1 FROM blob")).toHaveLength(1);
});

test("S8: a blob goes when nothing has referred to it for long enough, and stays while an object does", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const used = await store.blobs.put("used");
  const unused = await store.blobs.put("unused");
  const recent = await store.blobs.put("recent");
  const release = keyOf("release-1", "releases");
  const rv = await put(store, release, {
    references: [
      { path: "spec.objects", wakerQueue: "releases", wakerKey: "ns/release-1", target: { kind: blobKind, namespace: "", name: used }, waitsFor: 0 },
    ],
  });
  await lab.sql("UPDATE blob SET used_at = now() - interval '1 hour' WHERE digest <> $1", [recent]);
  expect(await store.blobs.sweep(60_000)).toBe(1);
  expect([await store.blobs.get(used), await store.blobs.get(unused), await store.blobs.get(recent)]).toEqual(["used", undefined, "recent"]);
  await put(store, release, { expectRv: rv, remove: true });
  expect(await store.blobs.sweep(60_000)).toBe(1);
  expect(await store.blobs.get(used)).toBeUndefined();
});
