import { expect, test } from "vitest";
import { silentLogger, systemClock } from "@threeport/platform";
import { aliveMsDefault, beatMsDefault, keepPresence } from "./presence.ts";
import { keyOf, openLab, put, until, writeOf } from "./proofs/lab.ts";
import type { Store } from "./store.ts";

const beatMs = 20;
const aliveMs = 300;
const queues = ["q"];

function present(store: Store, owner: string, onEnded = () => {}): AsyncDisposable {
  return keepPresence({ database: store.database, clock: systemClock, log: silentLogger, owner, onEnded, beatMs, aliveMs });
}

async function claimOne(store: Store, owner: string) {
  const [claim] = await store.queue.claim({ owner, queues, limit: 1, leaseMs: 60_000, fair: false });
  return claim;
}

test("Q4: leases of a process that is no longer heard of end long before their time, the key runs elsewhere, and what it writes late is refused", async () => {
  await using lab = await openLab();
  const [one, other] = [await lab.open(), await lab.open()];
  await one.queue.enqueue([{ queue: "q", key: "k", priority: 1, mask: 0, delayMs: 0 }]);
  const lost = await claimOne(one, "killed");
  expect(lost).toBeDefined();
  await lab.sql("INSERT INTO process (owner, alive_until) VALUES ('killed', clock_timestamp() + interval '100 ms')");
  let ended = 0;
  await using _presence = present(other, "living", () => ended++);
  await until("the lease to be ended", () => ended > 0);
  const taken = await claimOne(other, "living");
  expect(taken).toMatchObject({ fence: { key: "k" }, attempts: 1 });
  const late = await one.writer.write(writeOf(keyOf("late"), { fence: lost?.fence }));
  expect(late).toEqual({ outcome: "lease-lost" });
  await put(other, keyOf("in-time"), { fence: taken?.fence });
  expect(await lab.sql("SELECT owner FROM process")).toEqual([{ owner: "living" }]);
});

test("who lives keeps its leases, whoever else looks, and leaves nothing behind when it stops", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  await store.queue.enqueue([{ queue: "q", key: "k", priority: 1, mask: 0, delayMs: 0 }]);
  let ended = 0;
  {
    await using _one = present(store, "one", () => ended++);
    await using _two = present(store, "two", () => ended++);
    const claim = await claimOne(store, "one");
    await systemClock.sleep(3 * aliveMs); // what must not happen has no state to wait for
    if (claim === undefined) throw new Error("nothing was claimed");
    await put(store, keyOf("mine"), { fence: claim.fence });
  }
  expect(ended).toBe(0);
  expect(await lab.sql("SELECT owner FROM process")).toEqual([]);
});

test("F15: a process whose event loop stood still for longer than half of its time is not taken for dead; with the defaults that is more than five seconds", async () => {
  await using lab = await openLab();
  const store = await lab.open();
  await using _presence = present(store, "stalled");
  await until("the process to be known", async () => (await lab.sql("SELECT 1 FROM process")).length > 0);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, aliveMs / 2);
  expect(await lab.sql("SELECT owner FROM process WHERE alive_until > clock_timestamp()")).toEqual([{ owner: "stalled" }]);
  expect(aliveMsDefault - beatMsDefault).toBeGreaterThan(5_000);
});
