import { expect, test } from "vitest";
import { keyOf, openLab, put, writeOf, type Lab } from "./proofs/lab.ts";
import type { Store } from "./store.ts";
import type { Guard, ObjectKey, ReferenceRow, Write, WriteResult } from "./types.ts";

/** Calls of one turn of the loop: they share a group. */
function together(store: Store, writes: readonly Write[]): Promise<WriteResult[]> {
  return Promise.all(writes.map((write) => store.writer.write(write)));
}

async function outcomes(store: Store, writes: readonly Write[]): Promise<string[]> {
  return (await together(store, writes)).map((result) => result.outcome);
}

function referenceTo(target: ObjectKey, from: ObjectKey, waitsFor = 1): ReferenceRow {
  return { path: "spec.target", wakerQueue: from.kind, wakerKey: `${from.namespace}/${from.name}`, target, waitsFor };
}

async function transactions(lab: Lab): Promise<number> {
  const rows = await lab.sql<{ n: string }>("SELECT count(DISTINCT xmin::text) AS n FROM version");
  return Number(rows[0]?.n);
}

test("S2: writes of one turn share a transaction, and their numbers follow the order of the calls", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const results = await together(
    store,
    ["a", "b", "c", "d"].map((name) => writeOf(keyOf(name))),
  );
  const rvs = results.map((result) => (result.outcome === "written" ? result.rv : 0));
  expect(rvs).toEqual([...rvs].sort((a, b) => a - b));
  expect(new Set(rvs).size).toBe(4);
  expect(await transactions(lab)).toBe(1);
});

test("S2: a stale, a duplicate, a guarded and an unfenced write of a group fail alone, and conflicts report the current number", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const first = await put(store, keyOf("there"));
  const second = await put(store, keyOf("there"), { expectRv: first });
  const missing: Guard = { target: keyOf("missing"), mustExist: true };
  const results = await together(store, [
    writeOf(keyOf("new-1")),
    writeOf(keyOf("there"), { expectRv: first }),
    writeOf(keyOf("gone"), { expectRv: 12, remove: true }),
    writeOf(keyOf("guarded"), { guards: [{ target: keyOf("there"), mustExist: true }, missing] }),
    writeOf(keyOf("unfenced"), { fence: { queue: "things", key: "ns/unfenced", token: 99 } }),
    writeOf(keyOf("new-2")),
  ]);
  expect(results.map((result) => result.outcome)).toEqual(["written", "conflict", "conflict", "refused", "lease-lost", "written"]);
  expect(results[1]).toEqual({ outcome: "conflict", currentRv: second });
  expect(results[2]).toEqual({ outcome: "conflict", currentRv: 0 });
  expect(results[3]).toEqual({ outcome: "refused", guard: missing });
  const { items } = await store.reader.list({ kind: "things", limit: 10 });
  expect(items.map((item) => item.key.name)).toEqual(["new-1", "new-2", "there"]);
});

test("S2: of two creates of one name in one turn one wins, and the other hears the winner's number", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const [first, second] = await together(store, [writeOf(keyOf("twin"), { uid: "uid-1" }), writeOf(keyOf("twin"), { uid: "uid-2" })]);
  if (first?.outcome !== "written") throw new Error("the first create must win");
  expect(second).toEqual({ outcome: "conflict", currentRv: first.rv });
  expect((await store.reader.get(keyOf("twin")))?.uid).toBe("uid-1");
});

test("S2: an update, a delete and a create of one name in one turn happen in the order of the calls", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const rv = await put(store, keyOf("one"));
  // The second and third know the numbers that the others will get only if nothing else writes: two groups of one write each follow the first.
  const results = await together(store, [
    writeOf(keyOf("one"), { expectRv: rv, data: "second" }),
    writeOf(keyOf("one"), { expectRv: rv + 1, remove: true }),
    writeOf(keyOf("one"), { expectRv: 0, uid: "uid-again" }),
  ]);
  expect(results.map((result) => result.outcome)).toEqual(["written", "written", "written"]);
  expect((await store.reader.get(keyOf("one")))?.uid).toBe("uid-again");
});

test("S2: two replicas that update one object at once: one wins each number, the loser hears it", async () => {
  await using lab = await openLab();
  const stores = [await lab.open(), await lab.open()] as const;
  const rv = await put(stores[0], keyOf("shared"));
  const results = (await Promise.all(stores.map((store) => store.writer.write(writeOf(keyOf("shared"), { expectRv: rv }))))).sort((a, b) =>
    a.outcome.localeCompare(b.outcome),
  );
  expect(results.map((result) => result.outcome)).toEqual(["conflict", "written"]);
  expect(results[0]).toMatchObject({ currentRv: results[1]?.outcome === "written" ? results[1].rv : -1 });
});

const poison: readonly { name: string; because: string; code: string; write: (key: ObjectKey) => Partial<Write> }[] = [
  {
    name: "a reference to a name with a NUL",
    because: "PostgreSQL's text holds none",
    code: "TP_INVALID",
    write: (key) => ({ references: [referenceTo(keyOf("a\u0000b"), key)] }),
  },
  {
    name: "a reference to a name of 9,000 characters",
    because: "no index row is that long",
    code: "TP_INVALID",
    write: (key) => ({ references: [referenceTo(keyOf(incompressible(9_000)), key)] }),
  },
  { name: "a uid that another object has", because: "uids are unique by index", code: "TP_INTERNAL", write: () => ({ uid: "uid-taken" }) },
];

for (const { name, because, code, write } of poison) {
  test(`S2: ${name} fails alone although the database refuses the whole statement: ${because}`, async () => {
    await using lab = await openLab();
    const store = await lab.open();
    await put(store, keyOf("owner"), { uid: "uid-taken" });
    const results = await Promise.allSettled(
      ["a", "poisoned", "b"].map((key) => store.writer.write(writeOf(keyOf(key), key === "poisoned" ? write(keyOf(key)) : {}))),
    );
    expect(results.map((result) => (result.status === "fulfilled" ? result.value.outcome : (result.reason as { code: string }).code))).toEqual([
      "written",
      code,
      "written",
    ]);
    expect((await store.reader.list({ kind: "things", limit: 9 })).items.map((item) => item.key.name)).toEqual(["a", "b", "owner"]);
  });
}

/** Text that does not shrink below an index page when it is compressed. */
function incompressible(length: number): string {
  return Array.from({ length }, (_, index) => ((index * 7_919 + (index % 97) * 104_729) % 0x5fff) + 0x3000)
    .map((code) => String.fromCharCode(code))
    .join("");
}

test("S2: a turn of large bodies is split, so no statement carries hundreds of megabytes", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const data = "x".repeat(1024 * 1024);
  expect(
    await outcomes(
      store,
      Array.from({ length: 12 }, (_, index) => writeOf(keyOf(`large-${index}`), { data })),
    ),
  ).toEqual(Array.from({ length: 12 }, () => "written"));
  expect(await transactions(lab)).toBeGreaterThan(1);
});

test("K6: a reference to an object under deletion, or to a missing one that must exist, is refused; to a missing one that may be missing, not", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  await put(store, keyOf("ending"), { terminating: true });
  await put(store, keyOf("alive"));
  const guarded = (name: string, target: string, mustExist: boolean): Write => writeOf(keyOf(name), { guards: [{ target: keyOf(target), mustExist }] });
  expect(
    await outcomes(store, [
      guarded("a", "ending", false),
      guarded("b", "ending", true),
      guarded("c", "missing", true),
      guarded("d", "missing", false),
      guarded("e", "alive", true),
    ]),
  ).toEqual(["refused", "refused", "refused", "written", "written"]);
});

test("K6: in one turn, the delete of an object is judged after the reference that was made before it, and before the one made after", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const rv = await put(store, keyOf("target"));
  const refer = (name: string): Write =>
    writeOf(keyOf(name), { references: [referenceTo(keyOf("target"), keyOf(name))], guards: [{ target: keyOf("target"), mustExist: true }] });
  const end = writeOf(keyOf("target"), { expectRv: rv, remove: true, guards: [{ target: keyOf("target"), mustExist: false, unreferenced: true }] });
  expect(await outcomes(store, [refer("before"), end])).toEqual(["written", "refused"]);
  const current = await store.reader.get(keyOf("before"));
  await put(store, keyOf("before"), { expectRv: current?.rv ?? 0, remove: true });
  expect(await outcomes(store, [end, refer("after")])).toEqual(["written", "refused"]);
});

test("K6: in one turn, a reference that carries no guard still counts for the delete after it", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const rv = await put(store, keyOf("target"));
  const refer = writeOf(keyOf("user"), { references: [referenceTo(keyOf("target"), keyOf("user"))] });
  const end = writeOf(keyOf("target"), { expectRv: rv, remove: true, guards: [{ target: keyOf("target"), mustExist: false, unreferenced: true }] });
  expect(await outcomes(store, [refer, end])).toEqual(["written", "refused"]);
});

test("K6: ownership (paths that begin with $) is no use that holds up a delete", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const rv = await put(store, keyOf("target"));
  await put(store, keyOf("owned"), { references: [{ ...referenceTo(keyOf("target"), keyOf("owned")), path: "$owner" }] });
  const guards: Guard[] = [{ target: keyOf("target"), mustExist: false, unreferenced: true }];
  expect(await outcomes(store, [writeOf(keyOf("target"), { expectRv: rv, remove: true, guards })])).toEqual(["written"]);
});

test("K6: of 'delete while referenced' and 'refer while deleted' in two replicas at once, never both succeed", async () => {
  await using lab = await openLab();
  const deleting = await lab.open();
  const referring = await lab.open();
  const rounds = 60;
  const counts = { deleted: 0, referred: 0 };
  for (let round = 0; round < rounds; round++) {
    const target = keyOf(`target-${round}`);
    const user = keyOf(`user-${round}`);
    const rv = await put(deleting, target);
    const refer = writeOf(user, { references: [referenceTo(target, user)], guards: [{ target, mustExist: true }] });
    const end = writeOf(target, { expectRv: rv, remove: true, guards: [{ target, mustExist: false, unreferenced: true }] });
    // who begins changes with the round, so that either side has its chance
    const calls =
      round % 2 === 0 ? [deleting.writer.write(end), referring.writer.write(refer)] : [referring.writer.write(refer), deleting.writer.write(end)].reverse();
    const [ended, referred] = (await Promise.all(calls)).map((result) => result.outcome);
    expect(
      [ended, referred].filter((outcome) => outcome === "written"),
      `round ${round}: delete ${ended}, reference ${referred}`,
    ).toHaveLength(1);
    if (ended === "written") counts.deleted++;
    else counts.referred++;
  }
  expect(counts.deleted + counts.referred).toBe(rounds);
});

test("S2: what nothing was written by moves the counter but wakes and shows nothing", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const before = await store.reader.currentRv();
  expect(await outcomes(store, [writeOf(keyOf("never"), { expectRv: 7, wake: [{ queue: "things", key: "ns/never" }] })])).toEqual(["conflict"]);
  await put(store, keyOf("next"));
  const { changes } = await store.reader.changes({ afterRv: before, limit: 10 });
  expect(changes.map((change) => change.key.name)).toEqual(["next"]);
  expect(await store.queue.depth()).toEqual([]);
});

test("S6: a later object of a name is another one, and the version log tells where the first one ended", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const first = await put(store, keyOf("again"), { uid: "uid-1" });
  const gone = await put(store, keyOf("again"), { uid: "uid-1", expectRv: first, remove: true });
  await put(store, keyOf("again"), { uid: "uid-2" });
  const { changes } = await store.reader.changes({ afterRv: first - 1, limit: 10 });
  expect(changes.map(({ uid, deleted, prevRv }) => ({ uid, deleted, prevRv }))).toEqual([
    { uid: "uid-1", deleted: false, prevRv: 0 },
    { uid: "uid-1", deleted: true, prevRv: first },
    { uid: "uid-2", deleted: false, prevRv: 0 },
  ]);
  expect(gone).toBeGreaterThan(first);
});
