/** A worker process: claims keys, copies `wanted` to `done` under its fence, and now and then outlives its lease. Its parent kills it at any moment. */
import { systemClock } from "@threeport/platform";
import { isErrorCode } from "@threeport/resource";
import type { Claim } from "../queue.ts";
import type { Store } from "../store.ts";
import { dice, type Dice } from "./dice.ts";
import { keyOf, openLabStore, writeOf } from "./lab.ts";
import { runProgram } from "./spawn.ts";

export interface WorkerInput {
  readonly seed: number;
  readonly leaseMs: number;
}

const workers = 4;
const limit = 3;
/** One run in so many outlives its lease, and tries to write nevertheless. */
const oversleepsOneIn = 15;

await runProgram<WorkerInput>(async ({ input, connection, print }) => {
  await using store = await openLabStore(connection, { notify: true });
  print("ready");
  await Promise.all(Array.from({ length: workers }, (_, index) => work(store, dice(input.seed + index), input)));
});

async function work(store: Store, chance: Dice, { leaseMs }: WorkerInput): Promise<never> {
  for (;;) {
    try {
      const claims = await store.queue.claim({ owner: String(process.pid), queues: ["wanted"], limit, leaseMs, fair: chance.chance(0.2) });
      for (const claim of claims) await reconcile(store, chance, claim, leaseMs);
      if (claims.length === 0) await systemClock.sleep(5);
    } catch (error) {
      if (!isErrorCode(error, "TP_DATABASE_UNAVAILABLE")) throw error; // after a long pause the database has closed a transaction; the leases end by themselves
    }
  }
}

async function reconcile(store: Store, chance: Dice, claim: Claim, leaseMs: number): Promise<void> {
  const { fence } = claim;
  const wanted = await store.reader.get(keyOf(fence.key, "wanted"));
  const done = await store.reader.get(keyOf(fence.key, "done"));
  await systemClock.sleep(chance.below(oversleepsOneIn) === 0 ? leaseMs * 1.5 : chance.below(5));
  const number = /number (\d+)/.exec(wanted?.body ?? "")?.[1] ?? "0";
  const result = await store.writer.write(
    writeOf(keyOf(fence.key, "done"), { expectRv: done?.rv ?? 0, prevBody: done?.body, data: `number ${number} token ${fence.token}`, fence }),
  );
  try {
    await store.inventory.record(fence.key, { put: [{ id: "thing", uid: String(fence.token), state: "applied", detail: "{}" }] }, fence);
  } catch (error) {
    if (!isErrorCode(error, "TP_LEASE_LOST")) throw error;
  }
  if (chance.chance(0.1)) await store.queue.renew([fence], leaseMs);
  await store.queue.complete(fence, claim.generation, result.outcome === "written" ? { kind: "settled" } : { kind: "failed", delayMs: chance.below(20) });
}
