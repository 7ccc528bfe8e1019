import { silentLogger, systemClock, systemRandom, type Clock } from "@threeport/platform";
import { expect, test } from "vitest";
import { createFeed } from "./feed.ts";
import { keyOf, openLab, openLabStore, put, until, writeOf } from "./proofs/lab.ts";
import type { Store } from "./store.ts";
import type { Change } from "./types.ts";

const neverMs = 3_600_000;

async function collect(store: Store, afterRv: number, kind = "things"): Promise<{ names: string[] } & Disposable> {
  const names: string[] = [];
  const subscription = await store.feed.subscribe(kind, afterRv, (changes) => names.push(...changes.map((change) => change.key.name)));
  return { names, [Symbol.dispose]: () => subscription[Symbol.dispose]() };
}

/** The replica has handed on everything that was committed. */
async function caughtUp(store: Store): Promise<void> {
  const rv = await store.reader.currentRv();
  await until(`number ${rv}`, () => store.feed.lastRv >= rv);
}

for (const ringBytesMax of [0, 300, undefined]) {
  test(`S3: late subscribers get everything above their number, from a ring of ${ringBytesMax ?? "default"} bytes and the log behind it`, async () => {
    await using lab = await openLab();
    const store = await lab.open(ringBytesMax === undefined ? {} : { ringBytesMax });
    const rvs: number[] = [];
    for (let n = 0; n < 20; n++) rvs.push(await put(store, keyOf(`thing-${n}`, n % 2 === 0 ? "things" : "others")));
    await caughtUp(store);
    for (const [index, from] of [1, ...rvs].entries()) {
      using watch = await collect(store, from);
      const expected = Array.from({ length: 20 }, (_, n) => n).filter((n) => n % 2 === 0 && n >= index);
      expect(watch.names, `after ${from}`).toEqual(expected.map((n) => `thing-${n}`));
    }
  });
}

test("S3: a subscriber that knows a number which its replica has not seen yet waits for it and misses nothing", async () => {
  await using lab = await openLab();
  const ahead = await lab.open();
  const behind = await lab.open({ pollMs: neverMs });
  const rv = await put(ahead, keyOf("first"));
  expect(behind.feed.lastRv).toBeLessThan(rv);
  using watch = await collect(behind, rv);
  await put(ahead, keyOf("second"));
  behind.feed.hint();
  await until("the second", () => watch.names.length > 0);
  expect(watch.names).toEqual(["second"]);
});

test("S3: own writes and other replicas' writes come in the order of their numbers, once, although own ones are offered at once", async () => {
  await using lab = await openLab();
  const here = await lab.open({ pollMs: 3 });
  const there = await lab.open({ pollMs: 3 });
  const seen: number[] = [];
  using _watch = await here.feed.subscribe("things", await here.reader.currentRv(), (changes) => seen.push(...changes.map((change) => change.rv)));
  await Promise.all(Array.from({ length: 200 }, (_, n) => put(n % 3 === 0 ? there : here, keyOf(`thing-${n}`))));
  await until("all", () => seen.length >= 200);
  expect(seen).toEqual((await lab.sql<{ rv: string }>("SELECT rv FROM version ORDER BY rv")).map((row) => Number(row.rv)));
});

test("S3: the log carries the body that a change replaced, as the writer's own feed does", async () => {
  await using lab = await openLab();
  const writer = await lab.open();
  const reader = await lab.open({ ringBytesMax: 0 });
  const seen: Record<"own" | "log", Change[]> = { own: [], log: [] };
  const start = await writer.reader.currentRv();
  using _own = await writer.feed.subscribe("things", start, (changes) => seen.own.push(...changes));
  const first = await put(writer, keyOf("one"), { data: "1" });
  const before = await writer.reader.get(keyOf("one"));
  await put(writer, keyOf("one"), { data: "2", expectRv: first, prevBody: before?.body });
  using _log = await reader.feed.subscribe("things", start, (changes) => seen.log.push(...changes));
  await until("both", () => seen.log.length === 2 && seen.own.length === 2);
  expect(seen.log).toEqual(seen.own);
  expect(seen.log[1]?.prevBody).toBe(before?.body);
});

test("S4: a number below the compacted one is expired, and one above the counter is too large", async () => {
  await using lab = await openLab();
  const store = await lab.open({ ringBytesMax: 0 });
  let rv = await put(store, keyOf("one"));
  const old = rv;
  for (let n = 0; n < 5; n++) rv = await put(store, keyOf("one"), { expectRv: rv });
  await caughtUp(store); // a feed that stands at `old` still has all that comes after it
  await store.maintenance.compact({ ageMs: neverMs, count: 0 });
  await expect(collect(store, old)).rejects.toMatchObject({ code: "TP_EXPIRED" });
  await expect(store.reader.changes({ afterRv: old, limit: 10 })).rejects.toMatchObject({ code: "TP_EXPIRED" });
  await expect(collect(store, rv + 1)).rejects.toMatchObject({ code: "TP_VERSION_TOO_LARGE" });
  using watch = await collect(store, rv);
  await put(store, keyOf("two"));
  await caughtUp(store);
  expect(watch.names).toEqual(["two"]);
});

test("S4: a replica that slept past a compaction ends its watches with 'expired' instead of leaving a gap, and serves new ones", async () => {
  await using lab = await openLab();
  const awake = await lab.open();
  const asleep = await lab.open({ pollMs: neverMs });
  const names: string[] = [];
  const ends: string[] = [];
  using _watch = await asleep.feed.subscribe(
    "things",
    await asleep.reader.currentRv(),
    (changes) => names.push(...changes.map((change) => change.key.name)),
    (error) => ends.push(error.code),
  );
  let rv = await put(awake, keyOf("one"));
  rv = await put(awake, keyOf("one"), { expectRv: rv });
  await awake.maintenance.compact({ ageMs: neverMs, count: 0 });
  asleep.feed.hint();
  await until("the end of the watch", () => ends.length > 0);
  expect({ names, ends }).toEqual({ names: [], ends: ["TP_EXPIRED"] });
  using again = await collect(asleep, rv);
  await put(awake, keyOf("two"));
  asleep.feed.hint();
  await until("the change after it", () => again.names.length > 0);
  expect(again.names).toEqual(["two"]);
});

test("S3: a subscriber that throws keeps nothing from the others", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const start = await store.reader.currentRv();
  using _broken = await store.feed.subscribe("things", start, () => {
    throw new Error("broken subscriber");
  });
  using watch = await collect(store, start);
  await put(store, keyOf("one"));
  await put(store, keyOf("two"));
  await caughtUp(store);
  expect(watch.names).toEqual(["one", "two"]);
});

test("S3: a subscription that is disposed twice ends itself only", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const start = await store.reader.currentRv();
  const first = await collect(store, start);
  first[Symbol.dispose]();
  using second = await collect(store, start);
  first[Symbol.dispose]();
  await put(store, keyOf("one"));
  await caughtUp(store);
  expect({ first: first.names, second: second.names }).toEqual({ first: [], second: ["one"] });
});

test("S3: pages of the log are bounded by the size of bodies, and a subscriber still gets every change", async () => {
  await using lab = await openLab();
  const store = await lab.open({ ringBytesMax: 0 });
  const start = await store.reader.currentRv();
  const body = Buffer.from(systemRandom.bytes(2_200_000)).toString("base64"); // no database makes this smaller
  for (let n = 0; n < 5; n++) await put(store, keyOf(`large-${n}`), { data: body.slice(n) });
  const page = await store.reader.changes({ afterRv: start, limit: 100 });
  expect(page.more).toBe(true);
  expect(page.changes.length).toBeLessThan(5);
  const fresh = await openLabStore(lab.connection, { ringBytesMax: 0 });
  try {
    using watch = await collect(fresh, start);
    expect(watch.names).toEqual(["large-0", "large-1", "large-2", "large-3", "large-4"]);
  } finally {
    await fresh[Symbol.asyncDispose]();
  }
});

test("D3: with every hint lost, a change arrives with the next poll", async () => {
  await using lab = await openLab();
  const store = await lab.open({ pollMs: neverMs });
  const timers: (() => void)[] = [];
  const clock: Clock = { ...systemClock, after: (_, fn) => (timers.push(fn), { [Symbol.dispose]: () => {} }) };
  await using feed = createFeed({ reader: store.reader, clock, log: silentLogger });
  await feed.start();
  const names: string[] = [];
  using _watch = await feed.subscribe("things", feed.lastRv, (changes) => names.push(...changes.map((change) => change.key.name)));
  await store.writer.write(writeOf(keyOf("one")));
  expect(names).toEqual([]);
  timers.shift()?.();
  await until("the change", () => names.length > 0);
  await until("the next poll to be set", () => timers.length === 1);
});

test("S3: a feed whose reads fail for a while hands on everything once they work again", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  let broken = false;
  const reader = {
    ...store.reader,
    changes: (input: Parameters<Store["reader"]["changes"]>[0]) => (broken ? Promise.reject(new Error("cut off")) : store.reader.changes(input)),
  };
  await using feed = createFeed({ reader, clock: systemClock, log: silentLogger, pollMs: 2 });
  await feed.start();
  const names: string[] = [];
  using _watch = await feed.subscribe("things", feed.lastRv, (changes) => names.push(...changes.map((change) => change.key.name)));
  broken = true;
  for (let n = 0; n < 5; n++) await put(store, keyOf(`thing-${n}`));
  feed.hint();
  broken = false;
  await until("all", () => names.length === 5);
  await caughtUp(store);
  expect(names).toEqual(["thing-0", "thing-1", "thing-2", "thing-3", "thing-4"]);
});
