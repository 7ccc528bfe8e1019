import { expect, test } from "vitest";
import { systemClock } from "@threeport/platform";
import { openDatabase } from "./database.ts";
import { keyOf, openLab, put, until, writeOf, type Lab } from "./proofs/lab.ts";
import type { Claim, Completion } from "./queue.ts";
import type { WorkRow } from "./sql/enqueue.ts";
import type { Store } from "./store.ts";
import type { Priority } from "./types.ts";

const longMs = 60_000;
const settled: Completion = { kind: "settled" };

function row(key: string, change: Partial<WorkRow> = {}): WorkRow {
  return { queue: "things", key, priority: 1, mask: 0, delayMs: 0, ...change };
}

async function claim(
  store: Store,
  change: Partial<{ limit: number; leaseMs: number; fair: boolean; queues: readonly string[]; owner: string }> = {},
): Promise<Claim[]> {
  return store.queue.claim({ owner: "me", queues: ["things"], limit: 10, leaseMs: longMs, fair: false, ...change });
}

async function claimOne(store: Store, leaseMs = longMs): Promise<Claim> {
  const [first] = await claim(store, { limit: 1, leaseMs });
  if (first === undefined) throw new Error("nothing was due");
  return first;
}

function keysOf(claims: readonly Claim[]): string[] {
  return claims.map((entry) => entry.fence.key);
}

/** As if the time of all leases had passed. */
async function leasesEnd(lab: Lab): Promise<void> {
  await lab.sql("UPDATE work SET due_at = clock_timestamp() WHERE lease_owner IS NOT NULL");
}

/** Puts the due time of a key back, as if it had been waiting for so long. */
async function age(lab: Lab, key: string, seconds: number): Promise<void> {
  await lab.sql("UPDATE work SET due_at = due_at - $2 * interval '1 second' WHERE key = $1", [key, seconds]);
}

test("Q1: of many workers that claim at once, each key goes to one", async () => {
  await using lab = await openLab();
  const stores = [await lab.open(), await lab.open()] as const;
  const keys = Array.from({ length: 200 }, (_, n) => `key-${n}`);
  await stores[0].queue.enqueue(keys.map((key) => row(key)));
  const claimed: string[] = [];
  const work = async (store: Store): Promise<void> => {
    for (let misses = 0; misses < 3;) {
      const batch = await claim(store, { limit: 7 });
      claimed.push(...keysOf(batch));
      misses = batch.length === 0 ? misses + 1 : 0;
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, n) => work(n % 2 === 0 ? stores[0] : stores[1])));
  expect(claimed.sort()).toEqual([...keys].sort());
});

test("Q1: a claim of many queues keeps to them", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  await store.queue.enqueue([row("a"), row("b", { queue: "others" }), row("c", { queue: "third" })]);
  expect(keysOf(await claim(store, { queues: ["things", "third"] })).sort()).toEqual(["a", "c"]);
  expect(keysOf(await claim(store, { queues: ["things", "others"] }))).toEqual(["b"]);
});

test("Q2: a key enqueued while it is leased keeps its lease, and runs once more after it", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  await store.queue.enqueue([row("a")]);
  const first = await claimOne(store);
  await store.queue.enqueue([row("a")]);
  await store.queue.enqueue([row("a")]);
  expect(await claim(store)).toEqual([]);
  expect(await store.queue.complete(first.fence, first.generation, settled)).toBe(true);
  const second = await claimOne(store);
  expect(second.fence.token).toBeGreaterThan(first.fence.token);
  expect(await store.queue.complete(second.fence, second.generation, settled)).toBe(true);
  expect(await store.queue.depth()).toEqual([]);
});

test("Q2: a change that commits while the lease is being completed is not lost, and the lease ends at once", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  await using other = openDatabase(lab.connection);
  await store.queue.enqueue([row("a")]);
  const held = await claimOne(store);
  let completing: Promise<boolean> | undefined;
  await other.transaction(async (tx) => {
    await tx.query({ name: "", text: "UPDATE work SET generation = generation + 1 WHERE key = 'a'" }, []); // what a write's own enqueue does
    completing = store.queue.complete(held.fence, held.generation, settled);
    await until(
      "the completion to wait for that row",
      async () => (await lab.sql("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")).length > 0,
    );
  });
  expect(await completing).toBe(true);
  expect(keysOf(await claim(store))).toEqual(["a"]);
});

for (const completion of [
  { kind: "again", delayMs: longMs, priority: 2, waiting: true },
  { kind: "failed", delayMs: longMs },
] satisfies Completion[]) {
  test(`Q2: a change during a lease that ends ${completion.kind} makes the key due at once, without the wait of the old state`, async () => {
    await using lab = await openLab();
    const store = await lab.open();
    await store.queue.enqueue([row("a")]);
    const held = await claimOne(store);
    await store.queue.enqueue([row("a", { priority: 0 })]);
    expect(await store.queue.complete(held.fence, held.generation, completion)).toBe(true);
    expect(await claimOne(store)).toMatchObject({ attempts: 0, priority: 0 });
  });
}

test("Q3: the fence of a lease that has ended is refused by the writer and by the inventory, and a live one is not", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  await store.queue.enqueue([row("a")]);
  const entry = { id: "Deployment/x", uid: "", state: "pending", detail: "{}" } as const;
  const old = await claimOne(store);
  await put(store, keyOf("while-live"), { fence: old.fence });
  await store.inventory.record("a", { put: [entry] }, old.fence);
  await leasesEnd(lab);
  const refused = async (): Promise<void> => {
    expect(await store.writer.write(writeOf(keyOf("late"), { fence: old.fence }))).toEqual({ outcome: "lease-lost" });
    await expect(store.inventory.record("a", { put: [{ ...entry, uid: "late" }], remove: [] }, old.fence)).rejects.toMatchObject({ code: "TP_LEASE_LOST" });
    await expect(store.inventory.record("a", { remove: [entry.id] }, old.fence)).rejects.toMatchObject({ code: "TP_LEASE_LOST" });
  };
  await refused(); // nobody else holds the key yet
  const next = await claimOne(store);
  await refused(); // and now somebody does
  await put(store, keyOf("next"), { fence: next.fence });
  expect(await store.inventory.list("a")).toEqual([entry]);
  expect(await store.reader.get(keyOf("late"))).toBeUndefined();
  await store.queue.complete(next.fence, next.generation, settled);
  expect(await store.writer.write(writeOf(keyOf("late"), { fence: next.fence }))).toEqual({ outcome: "lease-lost" });
});

test("Q3: what was judged under a lease is committed before that lease is ended for the next holder, however slow the commit", async () => {
  await using lab = await openLab();
  const slow = await lab.open();
  const next = await lab.open();
  await using blocker = openDatabase(lab.connection);
  await slow.queue.enqueue([row("a"), row("blocked", { queue: "others" })]);
  const old = await claimOne(slow);
  const order: string[] = [];
  let late: Promise<unknown> | undefined;
  let taken: Promise<Claim> | undefined;
  await blocker.transaction(async (tx) => {
    await tx.query({ name: "", text: "SELECT 1 FROM work WHERE key = 'blocked' FOR UPDATE" }, []);
    // judged now, under the live lease; then it waits for a row that is locked
    late = slow.writer
      .write(writeOf(keyOf("late"), { fence: old.fence, wake: [{ queue: "others", key: "blocked" }] }))
      .then((result) => order.push(result.outcome));
    await until(
      "the write to wait",
      async () => (await lab.sql("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")).length > 0,
    );
    await leasesEnd(lab);
    taken = claimOne(next).then((claimed) => (order.push("claimed"), claimed));
    await until(
      "the claim to wait, or to come back",
      async () =>
        order.length > 0 || (await lab.sql("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")).length > 1,
    );
  });
  await Promise.all([late, taken]);
  expect(order).toEqual(["written", "claimed"]);
});

test("Q4: a lease ends by itself, its key is claimed again under a newer fence, and the loser's completion, renewal and cursor are refused", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  await store.queue.enqueue([row("a")]);
  const old = await claimOne(store);
  expect(await claim(store)).toEqual([]);
  await leasesEnd(lab);
  const next = await claimOne(store);
  expect(next.fence.token).toBeGreaterThan(old.fence.token);
  for (const completion of [settled, { kind: "failed", delayMs: 0 }, { kind: "again", delayMs: 0, priority: 1, waiting: false }] satisfies Completion[]) {
    expect(await store.queue.complete(old.fence, old.generation, completion)).toBe(false);
  }
  expect([...(await store.queue.renew([old.fence], longMs))]).toEqual([]);
  expect(await store.queue.advance(old.fence, "x")).toBe(false);
  expect(await store.queue.complete(next.fence, next.generation, settled)).toBe(true);
  expect(await store.queue.complete(next.fence, next.generation, settled)).toBe(false);
});

test("Q4: a lease that ended by itself counts as a failure, so a key that kills its process does not pass for healthy", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  await store.queue.enqueue([row("a")]);
  const attempts: number[] = [];
  for (let round = 0; round < 3; round++) {
    attempts.push((await claimOne(store)).attempts);
    await leasesEnd(lab);
  }
  expect(attempts).toEqual([0, 1, 2]);
});

test("Q4: keys whose leases ran out are claimed even when only they are due, and more of them than one claim takes", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  await store.queue.enqueue(Array.from({ length: 30 }, (_, n) => row(`key-${n}`)));
  expect(await claim(store, { limit: 30 })).toHaveLength(30);
  await leasesEnd(lab);
  const again = [...(await claim(store)), ...(await claim(store, { fair: true })), ...(await claim(store))];
  expect(new Set(keysOf(again)).size).toBe(30);
});

test("Q4: renewal prolongs live leases only, and names them", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  await store.queue.enqueue([row("dead")]);
  const dead = await claimOne(store);
  await leasesEnd(lab);
  await store.queue.enqueue([row("live", { priority: 0 }), row("done", { priority: 0 })]);
  const [live, done] = await claim(store, { limit: 2, leaseMs: 20_000 });
  if (live === undefined || done === undefined) throw new Error("two were due");
  await store.queue.complete(done.fence, done.generation, settled);
  const wrongToken = { ...live.fence, token: live.fence.token + 1_000 };
  expect([...(await store.queue.renew([dead.fence, live.fence, done.fence, wrongToken], longMs))]).toEqual([`things|${live.fence.key}`]);
  const rows = await lab.sql<{ key: string }>("SELECT key FROM work WHERE due_at > clock_timestamp() + interval '30 seconds'");
  expect(rows.map((entry) => entry.key)).toEqual([live.fence.key]);
});

test("Q4: renewals and enqueues of the same keys in any order never deadlock", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const keys = Array.from({ length: 40 }, (_, n) => `key-${n}`);
  await store.queue.enqueue(keys.map((key) => row(key)));
  const fences = (await claim(store, { limit: 40 })).map((held) => held.fence);
  await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      n % 2 === 0
        ? store.queue.renew(n % 4 === 0 ? fences : fences.toReversed(), longMs)
        : store.queue.enqueue((n % 4 === 1 ? keys : keys.toReversed()).map((key) => row(key))),
    ),
  );
  const rows = await lab.sql<{ deadlocks: string }>("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()");
  expect(Number(rows[0]?.deadlocks)).toBe(0);
});

test("Q5: a person's change goes before a controller's and that before a periodic check; within a priority the oldest first", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const priorities: readonly Priority[] = [2, 1, 0];
  for (const priority of priorities) await store.queue.enqueue([row(`p${priority}-new`, { priority }), row(`p${priority}-old`, { priority })]);
  for (const priority of priorities) await age(lab, `p${priority}-old`, 60);
  const order: string[] = [];
  for (let n = 0; n < 6; n++) order.push(...keysOf(await claim(store, { limit: 1 })));
  expect(order).toEqual(["p0-old", "p0-new", "p1-old", "p1-new", "p2-old", "p2-new"]);
});

test("Q5: a claim that is filled by one priority leaves the rows below it to others", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  await using other = openDatabase(lab.connection);
  await store.queue.enqueue([row("high", { priority: 0 }), row("low", { priority: 2 })]);
  await other.transaction(async (tx) => {
    // as if the first worker's claim of one row had not yet committed
    await tx.query({ name: "", text: "SELECT 1 FROM work WHERE key = 'high' FOR UPDATE" }, []);
    expect(keysOf(await claim(store, { limit: 1 }))).toEqual(["low"]);
  });
});

test("Q5: a key enqueued again takes the more urgent of both priorities", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  await store.queue.enqueue([row("a", { priority: 2 })]);
  await store.queue.enqueue([row("a", { priority: 0 })]);
  await store.queue.enqueue([row("a", { priority: 1 })]);
  expect((await claimOne(store)).priority).toBe(0);
});

test("Q5: under a flood of urgent keys, the aging lane (fair) reaches a periodic check", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  await store.queue.enqueue([row("check", { priority: 2 })]);
  await age(lab, "check", 30);
  const fairClaimEvery = 8;
  let claims = 0;
  for (let found = false; !found && claims < 100; claims++) {
    await store.queue.enqueue(Array.from({ length: 5 }, (_, n) => row(`flood-${claims}-${n}`, { priority: 0 })));
    found = keysOf(await claim(store, { limit: 5, fair: claims % fairClaimEvery === fairClaimEvery - 1 })).includes("check");
  }
  expect(claims).toBe(fairClaimEvery);
});

test("Q5, Q6: keys that always fail do not starve healthy ones: their backoff stands in the row, and they come back when it is over", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const failing = Array.from({ length: 50 }, (_, n) => `failing-${n}`);
  await store.queue.enqueue(failing.map((key) => row(key)));
  const healthy = Array.from({ length: 20 }, (_, n) => `healthy-${n}`);
  await store.queue.enqueue(healthy.map((key) => row(key)));
  const done: string[] = [];
  let claims = 0;
  for (; done.length < healthy.length && claims < 100; claims++) {
    for (const { fence, generation } of await claim(store)) {
      if (fence.key.startsWith("healthy")) done.push(fence.key);
      expect(await store.queue.complete(fence, generation, fence.key.startsWith("healthy") ? settled : { kind: "failed", delayMs: 3_600_000 })).toBe(true);
    }
  }
  expect(claims).toBe(7); // 70 rows in tens: each failing key was tried once
  const rows = await lab.sql<{ attempts: number; hours: string }>("SELECT attempts, extract(epoch FROM due_at - now()) / 3600 AS hours FROM work");
  expect(rows).toHaveLength(failing.length);
  for (const entry of rows) {
    expect(entry.attempts).toBe(1);
    expect(Number(entry.hours)).toBeCloseTo(1, 1);
  }
  await age(lab, "failing-3", 3_600);
  expect(await claimOne(store)).toMatchObject({ fence: { key: "failing-3" }, attempts: 1 });
});

test("Q6: attempts count up with each failure and begin anew with a change, which also ends the backoff", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  await store.queue.enqueue([row("a")]);
  for (let attempts = 0; attempts < 3; attempts++) {
    const held = await claimOne(store);
    expect(held.attempts).toBe(attempts);
    await store.queue.complete(held.fence, held.generation, { kind: "failed", delayMs: attempts === 2 ? longMs : 0 });
  }
  expect(await claim(store)).toEqual([]);
  await store.queue.enqueue([row("a")]);
  expect((await claimOne(store)).attempts).toBe(0);
});

test("Q7: the beginning of a wait is kept as long as the key waits, and forgotten when it does not", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  await store.queue.enqueue([row("a")]);
  const step = async (completion: Completion): Promise<number | undefined> => {
    const held = await claimOne(store);
    await store.queue.complete(held.fence, held.generation, completion);
    return held.waitingSinceMs;
  };
  const wait: Completion = { kind: "again", delayMs: 0, priority: 1, waiting: true };
  expect(await step(wait)).toBeUndefined();
  const since = await step(wait);
  expect(Math.abs((since ?? 0) - systemClock.now())).toBeLessThan(60_000);
  expect(await step({ kind: "failed", delayMs: 0 })).toBe(since);
  expect(await step({ kind: "again", delayMs: 0, priority: 1, waiting: false })).toBe(since);
  expect(await step(settled)).toBeUndefined();
});

test("nextDueMs tells when to look again: now for a due row, the end of a lease for a held one, nothing for an empty queue", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  expect(await store.queue.nextDueMs(["things"])).toBeUndefined();
  await store.queue.enqueue([row("later", { delayMs: 100_000, priority: 2 }), row("other", { queue: "others" })]);
  expect(await store.queue.nextDueMs(["things"])).toBeGreaterThan(60_000);
  await store.queue.enqueue([row("held", { priority: 0 })]);
  expect(await store.queue.nextDueMs(["things"])).toBe(0);
  await claimOne(store, 30_000);
  const next = (await store.queue.nextDueMs(["things"])) ?? 0;
  expect(next).toBeGreaterThan(10_000);
  expect(next).toBeLessThanOrEqual(30_000);
});

test("D3: whoever adds work gives the workers a hint, in this process and in others", async () => {
  await using lab = await openLab();
  const here = await lab.open({ notify: true, pollMs: longMs });
  const there = await lab.open({ notify: true, pollMs: longMs });
  await until(
    "both to listen",
    async () => (await lab.sql("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%' AND state = 'idle'")).length === 2,
  );
  await Promise.all([here.reader.currentRv(), there.reader.currentRv()]); // the hint that follows the connection has been given by then
  const hints = { here: 0, there: 0 };
  using _here = here.onWork(() => hints.here++);
  using _there = there.onWork(() => hints.there++);
  await here.queue.enqueue([row("a")]);
  expect(hints.here).toBe(1);
  await until("the hint in the other process", () => hints.there > 0);
});

test("Q3: a run that was given up at its deadline ends behind the writes that it still has on the way: the next holder sees all of them, or they are refused", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  const other = await lab.open();
  await store.queue.enqueue([row("k")]);
  const claimed = await claimOne(store);
  let ended = false;
  const writing = Promise.withResolvers<void>();
  // A late write: it has the counter's row and was judged in time, and its commit is slow.
  const late = store.database.transaction(async (tx) => {
    await tx.query({ name: "", text: "UPDATE counter SET rv = rv + 1 WHERE id = 1" }, []);
    writing.resolve();
    await until("the end of the lease to wait for the counter's row", async () => {
      const waiting = await lab.sql("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'");
      return waiting.length > 0;
    });
    expect(ended).toBe(false);
    expect(await claim(other), "nobody else has the key meanwhile").toEqual([]);
  });
  await writing.promise;
  const completing = store.queue.complete(claimed.fence, claimed.generation, { kind: "failed", delayMs: 0, abandoned: true }).then((held) => {
    ended = true;
    return held;
  });
  await late;
  expect(await completing).toBe(true);
  expect(keysOf(await claim(other))).toEqual(["k"]);
  expect(await store.writer.write(writeOf(keyOf("later"), { fence: claimed.fence }))).toEqual({ outcome: "lease-lost" });
});

test("Q4: leases whose claim was never heard of are given back by the process itself; those that it works under stay, and those of others too", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  await store.queue.enqueue([row("known"), row("lost"), row("other")]);
  const known = await claimOne(store);
  const [lost] = await claim(store, { limit: 1 });
  await claim(store, { limit: 1, owner: "somebody else" });
  await store.queue.releaseForgotten("me", [known.fence]);
  expect(keysOf(await claim(store))).toEqual([lost?.fence.key]);
  if (lost !== undefined) expect(await store.writer.write(writeOf(keyOf("late"), { fence: lost.fence }))).toEqual({ outcome: "lease-lost" });
});
