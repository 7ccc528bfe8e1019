import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { keyOf, labKey, openLab, openLabStore, put, until, type Lab } from "../proofs/lab.ts";
import type { Store } from "../store.ts";
import { rewrapDataKeys } from "./data-keys.ts";
import { localKeys } from "./key-encryption.ts";
import { dataKeyStatus, rotateDataKey } from "./rotation.ts";

const canary = "canary-51c0de";
const encryption = localKeys([labKey]);

async function resealAll(store: Store): Promise<number> {
  let steps = 0;
  while (await store.reseal()) steps++;
  return steps;
}

async function rowsByKey(store: Store): Promise<Record<string, number>> {
  return Object.fromEntries((await dataKeyStatus(store.database)).map(({ id, rows }) => [id, rows]));
}

async function versions(lab: Lab): Promise<Record<string, unknown>[]> {
  return lab.sql("SELECT rv, kind, namespace, name, uid, prev_rv, deleted FROM version ORDER BY rv");
}

test("S7: after a rotation every write is sealed under the new key, old rows are resealed in batches under load, and nobody's write is lost or refused", async () => {
  await using lab = await openLab();
  const here = await lab.open();
  const there = await lab.open();
  for (let index = 0; index < 450; index++) await put(here, keyOf(`old-${index}`, "secrets"), { sensitive: true, data: `${canary}-${index}` });
  const digest = await here.blobs.put(`${canary} in a manifest`);
  expect(await here.sharedSecrets.keep("signing", `${canary}-shared`)).toBe(`${canary}-shared`);
  const before = await versions(lab);

  let loading = true;
  let written = 0;
  const load = async (store: Store, who: string): Promise<void> => {
    for (let index = 0; loading; index++, written++)
      await put(store, keyOf(`${who}-${index}`, "secrets"), { sensitive: true, data: `${canary}-${who}-${index}` });
  };
  const loads = [load(here, "here"), load(there, "there")];
  expect(await rotateDataKey(here.database, encryption)).toBe("2");
  const steps = await resealAll(here);
  const writtenDuring = written;
  // `there` hears of it by its own look; what it sealed before that is resealed because it asks for it.
  await until("the other store to take up the key", async () => there.sealer.newest === "2");
  await until("more writes under the new key", () => written > writtenDuring + 10);
  loading = false;
  await Promise.all(loads);
  await resealAll(here);

  expect(steps, "bounded batches").toBeGreaterThan(2);
  expect(writtenDuring, "the others went on meanwhile").toBeGreaterThan(0);
  expect(await rowsByKey(here)).toEqual({ 1: 0, 2: 450 + written + 2 });
  expect((await versions(lab)).slice(0, before.length), "nothing but the seal changed").toEqual(before);
  const later = await lab.open();
  for (const store of [here, there, later]) {
    const { items } = await store.reader.list({ kind: "secrets", limit: 10_000 });
    expect(items).toHaveLength(450 + written);
    for (const item of items) expect(item.body).toContain(canary);
    expect(await store.blobs.get(digest)).toBe(`${canary} in a manifest`);
    expect(await store.sharedSecrets.get("signing")).toBe(`${canary}-shared`);
    expect(await store.blobs.put(`${canary} in a manifest`), "digests outlive rotations").toBe(digest);
  }
});

test("S7: a reader that has not heard of a rotation yet reads what is sealed under the new key, and its watchers too", async () => {
  await using lab = await openLab();
  const behind = await lab.open({ pollMs: 60_000 });
  const ahead = await lab.open();
  await rotateDataKey(ahead.database, encryption);
  await ahead.sealer.refresh();
  await put(ahead, keyOf("new", "secrets"), { sensitive: true, data: canary });
  expect(behind.sealer.newest).toBe("1");
  expect((await behind.reader.get(keyOf("new", "secrets")))?.body).toContain(canary);
  expect(behind.sealer.newest).toBe("2");
});

test("S7, Q4: resealing that was stopped anywhere goes on where it was, and a rotation that comes meanwhile is not missed", async () => {
  await using lab = await openLab();
  const first = await lab.open();
  for (let index = 0; index < 600; index++) await put(first, keyOf(`s-${index}`, "secrets"), { sensitive: true, data: canary });
  await rotateDataKey(first.database, encryption);
  expect(await first.reseal()).toBe(true);
  const half = await rowsByKey(first);
  expect(half["2"]).toBeGreaterThan(0);
  expect(half["1"]).toBeGreaterThan(0);

  const second = await lab.open(); // as after a kill: it knows nothing but the database
  expect(await second.reseal()).toBe(true);
  expect((await rowsByKey(second))["1"]).toBeLessThan(half["1"] ?? 0);
  await rotateDataKey(second.database, encryption);
  await resealAll(second);
  await resealAll(second); // the work row was asked for again by the second rotation
  expect(await rowsByKey(second)).toEqual({ 1: 0, 2: 0, 3: 600 });
});

test("S7: bodies of a megabyte are resealed in batches that are bounded by their size", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  for (let index = 0; index < 12; index++)
    await put(store, keyOf(`large-${index}`, "secrets"), { sensitive: true, data: randomBytes(700_000).toString("hex") });
  await rotateDataKey(store.database, encryption);
  expect(await resealAll(store)).toBeGreaterThan(4);
  expect(await rowsByKey(store)).toEqual({ 1: 0, 2: 12 });
});

test("S7: the key-encryption key is rotated by wrapping the data keys anew; the old one opens nothing any more, and old keys are accepted until then", async () => {
  await using lab = await openLab();
  const next = randomBytes(32);
  {
    const store = await lab.open();
    await put(store, keyOf("kept", "secrets"), { sensitive: true, data: canary });
    await rotateDataKey(store.database, encryption);
    // Both keys are at hand: servers start with either order.
    await using both = await openLabStore(lab.connection, { keyEncryptionKey: localKeys([next, labKey]) });
    expect((await both.reader.get(keyOf("kept", "secrets")))?.body).toContain(canary);
    expect(await rewrapDataKeys(store.database, localKeys([next, labKey]))).toBe(2);
    expect(await rewrapDataKeys(store.database, localKeys([next, labKey])), "done").toBe(0);
    await expect(rewrapDataKeys(store.database, encryption)).rejects.toMatchObject({ code: "TP_KEY_WRONG" });
  }
  await expect(openLabStore(lab.connection)).rejects.toMatchObject({ code: "TP_KEY_WRONG" });
  await using store = await openLabStore(lab.connection, { keyEncryptionKey: next });
  expect((await store.reader.get(keyOf("kept", "secrets")))?.body).toContain(canary);
});

test("S7: a start with the wrong key changes nothing, also not the schema", async () => {
  await using lab = await openLab();
  await lab.open();
  await lab.sql("DELETE FROM migration WHERE number > 1");
  await lab.sql("ALTER TABLE data_key DROP COLUMN wrapped_by");
  await expect(openLabStore(lab.connection, { keyEncryptionKey: randomBytes(32) })).rejects.toMatchObject({ code: "TP_KEY_WRONG" });
  expect(await lab.sql("SELECT number FROM migration")).toEqual([{ number: 1 }]);
  expect(await lab.sql("SELECT id FROM data_key")).toEqual([{ id: "1" }]);
});
