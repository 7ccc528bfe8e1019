import { expect, test } from "vitest";
import { keyOf, openLab, put, until, writeOf, type Lab } from "./proofs/lab.ts";
import { spawnProgram } from "./proofs/spawn.ts";
import type { Claim } from "./queue.ts";
import type { Store } from "./store.ts";
import { fanoutQueue, formatKey, type ObjectKey, type Priority, type ReferenceRow } from "./types.ts";

/** What a reference may wait for, as bits. */
const existence = 1;
const readiness = 2;
const outputs = 4;

function referenceTo(target: ObjectKey, user: string, change: Partial<ReferenceRow> = {}): ReferenceRow {
  return { path: "spec.target", wakerQueue: "users", wakerKey: `ns/${user}`, target, waitsFor: existence, ...change };
}

async function refer(store: Store, user: string, rows: readonly ReferenceRow[]): Promise<number> {
  return put(store, keyOf(user, "users"), { references: rows });
}

async function work(lab: Lab): Promise<string[]> {
  const rows = await lab.sql<{ queue: string; key: string; priority: number; mask: number }>("SELECT queue, key, priority, mask FROM work ORDER BY queue, key");
  return rows.map((row) => `${row.queue} ${row.key} priority ${row.priority}${row.mask === 0 ? "" : ` mask ${row.mask}`}`);
}

async function claimFanout(store: Store, leaseMs = 60_000): Promise<Claim> {
  const [claim] = await store.queue.claim({ owner: "me", queues: [fanoutQueue], limit: 1, leaseMs, fair: false });
  if (claim === undefined) throw new Error("there is no fan-out row");
  return claim;
}

/** What the engine does with a fan-out row. */
async function expandAll(store: Store, claim: Claim, batch: number): Promise<number> {
  let cursor: string | undefined = claim.cursor;
  let batches = 0;
  while (cursor !== undefined) {
    cursor = await store.references.expand({ ...claim, cursor }, batch);
    batches++;
    if (cursor !== undefined && !(await store.queue.advance(claim.fence, cursor))) throw new Error("the lease was lost");
  }
  await store.queue.complete(claim.fence, claim.generation, { kind: "settled" });
  return batches;
}

async function wokenUsers(lab: Lab): Promise<string[]> {
  return (await lab.sql<{ key: string }>("SELECT key FROM work WHERE queue = 'users' ORDER BY key")).map((row) => row.key);
}

test("S5: a write and its own work row commit together, and a write that fails causes none", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const wake = [
    { queue: "things", key: "ns/a" },
    { queue: "$gc", key: "things|ns|a" },
  ];
  await put(store, keyOf("a"), { wake, priority: 0 });
  expect(await store.writer.write(writeOf(keyOf("b"), { expectRv: 5, wake: [{ queue: "things", key: "ns/b" }] }))).toMatchObject({ outcome: "conflict" });
  expect(await work(lab)).toEqual(["$gc things|ns|a priority 0", "things ns/a priority 0"]);
});

test("S5: a change causes one fan-out row, whatever the number of those who wait for it, and none when nobody waits for such a change", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const target = keyOf("target");
  let rv = await put(store, target);
  for (let n = 0; n < 10; n++) await refer(store, `user-${n}`, [referenceTo(target, `user-${n}`, { waitsFor: n % 2 === 0 ? readiness : readiness | outputs })]);
  rv = await put(store, target, { expectRv: rv, changes: existence });
  rv = await put(store, target, { expectRv: rv, changes: 0 });
  expect(await work(lab)).toEqual([]);
  rv = await put(store, target, { expectRv: rv, changes: outputs, priority: 2 });
  expect(await work(lab)).toEqual([`${fanoutQueue} ${formatKey(target)} priority 2 mask ${outputs}`]);
  await put(store, target, { expectRv: rv, changes: readiness, priority: 0 });
  expect(await work(lab)).toEqual([`${fanoutQueue} ${formatKey(target)} priority 0 mask ${readiness | outputs}`]);
});

test("S5: a fan-out wakes those who wait for one of the changes, with the priority of the change, and nobody else", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const target = keyOf("target");
  const rv = await put(store, target);
  for (const [user, waitsFor] of [
    ["ready", readiness],
    ["exists", existence],
    ["both", readiness | existence],
    ["none", 0],
  ] as const)
    await refer(store, user, [referenceTo(target, user, { waitsFor })]);
  await refer(store, "elsewhere", [referenceTo(keyOf("target", "things", "another-namespace"), "elsewhere", { waitsFor: readiness })]);
  await put(store, target, { expectRv: rv, changes: readiness, priority: 0 });
  await expandAll(store, await claimFanout(store), 10);
  expect(await work(lab)).toEqual(["users ns/both priority 0", "users ns/ready priority 0"]);
});

for (const priority of [0, 1, 2] satisfies Priority[]) {
  test(`Q5: priority ${priority} of a change goes through the whole chain of two fan-outs`, async () => {
    await using lab = await openLab();
    const store = await lab.open();
    const rv = await put(store, keyOf("first"));
    await refer(store, "second", [referenceTo(keyOf("first"), "second")]);
    await refer(store, "third", [referenceTo(keyOf("second", "users"), "third")]);
    await put(store, keyOf("first"), { expectRv: rv, changes: existence, priority });
    await expandAll(store, await claimFanout(store), 10);
    const [second] = await store.queue.claim({ owner: "me", queues: ["users"], limit: 1, leaseMs: 60_000, fair: false });
    if (second === undefined) throw new Error("second was not woken");
    const current = await store.reader.get(keyOf("second", "users"));
    await put(store, keyOf("second", "users"), { expectRv: current?.rv ?? 0, changes: existence, priority: second.priority, fence: second.fence });
    await store.queue.complete(second.fence, second.generation, { kind: "settled" });
    await expandAll(store, await claimFanout(store), 10);
    expect(await work(lab)).toEqual([`users ns/third priority ${priority}`]);
  });
}

test("S5: a delete wakes those who wait for existence, and takes the references that the object declared with it", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const target = keyOf("target");
  const rv = await put(store, target, { references: [referenceTo(keyOf("further"), "target")] });
  await refer(store, "user", [referenceTo(target, "user")]);
  await put(store, target, { expectRv: rv, remove: true, changes: existence });
  await expandAll(store, await claimFanout(store), 10);
  expect(await wokenUsers(lab)).toEqual(["ns/user"]);
  expect((await lab.sql<{ source_name: string }>("SELECT source_name FROM reference")).map((row) => row.source_name)).toEqual(["user"]);
});

test("S5: a write replaces the references of its object: what left wakes nobody, what stayed or came does; without a set they stay", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const [left, stayed, came] = [keyOf("left"), keyOf("stayed"), keyOf("came")];
  for (const target of [left, stayed, came]) await put(store, target);
  let rv = await refer(store, "user", [referenceTo(left, "user"), referenceTo(stayed, "user", { waitsFor: readiness })]);
  rv = await put(store, keyOf("user", "users"), {
    expectRv: rv,
    references: [referenceTo(stayed, "user", { waitsFor: existence }), referenceTo(came, "user", { path: "spec.other" })],
  });
  await put(store, keyOf("user", "users"), { expectRv: rv });
  const rows = await lab.sql<{ target_name: string; path: string; waits_for: number }>(
    "SELECT target_name, path, waits_for FROM reference ORDER BY target_name",
  );
  expect(rows).toEqual([
    { target_name: "came", path: "spec.other", waits_for: existence },
    { target_name: "stayed", path: "spec.target", waits_for: existence },
  ]);
});

test("S5: a fan-out of many goes in batches behind a cursor, wakes each once, and its order does not depend on paths with odd characters", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const target = keyOf("target");
  const rv = await put(store, target);
  const users = Array.from({ length: 23 }, (_, n) => `user-${String(n).padStart(2, "0")}`);
  for (const [n, user] of users.entries())
    await refer(store, user, [
      referenceTo(target, user, { path: ["spec.a|b", "spec.list[0].name", "spec.ü", "|"][n % 4] ?? "" }),
      referenceTo(target, user, { path: "spec.second|" }),
    ]);
  await put(store, target, { expectRv: rv, changes: existence });
  expect(await expandAll(store, await claimFanout(store), 5)).toBe(10); // 46 rows by fives: none twice
  expect(await wokenUsers(lab)).toEqual(users.map((user) => `ns/${user}`));
});

test("S5: a change in the middle of a fan-out starts it again, with both masks", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const target = keyOf("target");
  let rv = await put(store, target);
  for (let n = 0; n < 6; n++) await refer(store, `user-${n}`, [referenceTo(target, `user-${n}`, { waitsFor: n < 3 ? readiness : outputs })]);
  rv = await put(store, target, { expectRv: rv, changes: readiness });
  const claim = await claimFanout(store);
  const cursor = await store.references.expand(claim, 2);
  expect(await store.queue.advance(claim.fence, cursor ?? "")).toBe(true);
  await put(store, target, { expectRv: rv, changes: outputs });
  expect(await store.queue.advance(claim.fence, "anything")).toBe(false); // the new change has set the cursor back
  expect(await store.queue.complete(claim.fence, claim.generation, { kind: "settled" })).toBe(true);
  await expandAll(store, await claimFanout(store), 2);
  expect(await wokenUsers(lab)).toEqual(Array.from({ length: 6 }, (_, n) => `ns/user-${n}`));
});

test("S5, Q4: processes that are killed while they expand a fan-out lose nobody: those who wait are all woken by the next ones", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const target = keyOf("target");
  const rv = await put(store, target);
  const users = Array.from({ length: 60 }, (_, n) => `user-${String(n).padStart(2, "0")}`);
  await Promise.all(users.map((user) => refer(store, user, [referenceTo(target, user)])));
  await put(store, target, { expectRv: rv, changes: existence });
  const progress = async (): Promise<number> => (await wokenUsers(lab)).length;
  for (const enough of [5, 25]) {
    await using program = spawnProgram("fanout-program", lab.connection, { batch: 5, leaseMs: 300, stopAfter: enough });
    await until("some to be woken", async () => (await progress()) >= enough);
    await program.kill();
    expect(await progress()).toBeLessThan(users.length);
  }
  await using last = spawnProgram("fanout-program", lab.connection, { batch: 5, leaseMs: 300, stopAfter: Number.MAX_SAFE_INTEGER });
  await last.finished();
  expect(await wokenUsers(lab)).toEqual(users.map((user) => `ns/${user}`));
  expect(await lab.sql("SELECT 1 FROM work WHERE queue = $1", [fanoutQueue])).toEqual([]);
});

test("referrers names who uses an object, owners' rows left out; dependents pages through what it owns", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const target = keyOf("target");
  const names = Array.from({ length: 7 }, (_, n) => `user-${n}`);
  for (const name of names) await refer(store, name, [referenceTo(target, name), referenceTo(target, name, { path: "$owner", wakerQueue: "$gc" })]);
  expect((await store.references.referrers(target, 3)).map(({ source, path }) => `${source.name} ${path}`)).toEqual([
    "user-0 spec.target",
    "user-1 spec.target",
    "user-2 spec.target",
  ]);
  const found: string[] = [];
  for (let after = ""; ;) {
    const page = await store.references.dependents(target, after, 3);
    found.push(...page.map((key) => key.name));
    const last = page.at(-1);
    if (last === undefined) break;
    after = formatKey(last);
  }
  expect(found).toEqual(names);
});
