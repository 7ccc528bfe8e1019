import { silentLogger, systemClock } from "@threeport/platform";
import fc from "fast-check";
import { expect, test } from "vitest";
import { keyOf, openLab, writeOf } from "../proofs/lab.ts";
import type { Claim, Completion } from "../queue.ts";
import type { WorkStore } from "../store.ts";
import { fanoutQueue, formatKey, type Fence, type Priority } from "../types.ts";
import { openMemoryWorkStore } from "./memory-store.ts";

const keys = ["a", "b", "c"] as const;
const longMs = 3_600_000;
const names = fc.constantFrom(...keys);
const priority = fc.constantFrom<Priority>(0, 1, 2);

const command = fc.oneof(
  fc.record({ do: fc.constant("enqueue" as const), key: names, priority, delayMs: fc.constantFrom(0, longMs), mask: fc.constantFrom(0, 1, 2) }),
  // A lease of 0 ms has run out when the next command comes.
  fc.record({ do: fc.constant("claim" as const), leaseMs: fc.constantFrom(0, longMs), fair: fc.boolean() }),
  fc.record({
    do: fc.constant("complete" as const),
    at: fc.nat(5),
    completion: fc.constantFrom<Completion>(
      { kind: "settled" },
      { kind: "failed", delayMs: 0 },
      { kind: "failed", delayMs: longMs },
      { kind: "failed", delayMs: 0, abandoned: true },
      { kind: "again", delayMs: 0, priority: 2, waiting: true },
      { kind: "again", delayMs: longMs, priority: 1, waiting: false },
    ),
  }),
  fc.record({ do: fc.constant("renew" as const), at: fc.nat(5) }),
  fc.record({ do: fc.constant("advance" as const), at: fc.nat(5), cursor: fc.constantFrom("x", "y") }),
  fc.record({ do: fc.constant("write" as const), at: fc.nat(5) }),
  fc.record({ do: fc.constant("record" as const), at: fc.nat(5), remove: fc.boolean() }),
  fc.record({ do: fc.constant("release" as const), all: fc.boolean() }),
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** One store with what was claimed of it so far, in order. */
interface Side {
  readonly store: WorkStore;
  readonly claimed: Claim[];
}

/** What a command answers, without the numbers of leases, which each store gives in its own order. */
async function act({ store, claimed }: Side, given: Command, prefix: string, step: number): Promise<unknown> {
  const queue = `queue-${prefix}`;
  const fenceAt = (at: number): Fence => claimed[at]?.fence ?? { queue, key: "none", token: 1 };
  switch (given.do) {
    case "enqueue":
      return store.queue.enqueue([{ queue, key: given.key, priority: given.priority, delayMs: given.delayMs, mask: given.mask }]);
    case "claim": {
      const found = await store.queue.claim({ owner: "me", queues: [queue], limit: 10, leaseMs: given.leaseMs, fair: given.fair });
      const sorted = found.toSorted((a, b) => (a.fence.key < b.fence.key ? -1 : 1));
      claimed.unshift(...sorted);
      return sorted.map(({ fence, waitingSinceMs, ...claim }) => ({ ...claim, key: fence.key, waits: waitingSinceMs !== undefined }));
    }
    case "complete":
      return store.queue.complete(fenceAt(given.at), claimed[given.at]?.generation ?? 1, given.completion);
    case "renew":
      return [...(await store.queue.renew([fenceAt(given.at)], longMs))];
    case "advance":
      return store.queue.advance(fenceAt(given.at), given.cursor);
    case "write":
      return (await store.writer.write(writeOf(keyOf(`${prefix}-${step}`), { fence: fenceAt(given.at) }))).outcome;
    case "record": {
      const change = given.remove ? { remove: ["x"] } : { put: [{ id: "x", uid: `${step}`, state: "applied", detail: "{}" } as const] };
      const recorded = await store.inventory.record(`owner-${prefix}`, change, fenceAt(given.at)).then(
        () => "recorded",
        (error: { code?: string }) => error.code,
      );
      return [recorded, await store.inventory.list(`owner-${prefix}`)];
    }
    case "release":
      return store.queue.releaseForgotten("me", given.all ? [] : claimed.slice(0, 1).map(({ fence }) => fence));
  }
}

test("Q1 to Q6: the queue and the inventory in memory answer every sequence as PostgreSQL's do", { timeout: 120_000 }, async () => {
  await using lab = await openLab();
  const database = await lab.open();
  await using memory = await openMemoryWorkStore({ clock: systemClock, log: silentLogger });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 4, maxLength: 25 }), async (commands) => {
      const prefix = `run-${run++}`;
      const sides: readonly [Side, Side] = [
        { store: memory, claimed: [] },
        { store: database, claimed: [] },
      ];
      for (const [step, given] of commands.entries()) {
        const [here, there] = [await act(sides[0], given, prefix, step), await act(sides[1], given, prefix, step)];
        expect(here, `step ${step}: ${JSON.stringify(given)}`).toEqual(there);
      }
      const depth = async ({ store }: Side) => (await store.queue.depth()).filter(({ queue }) => queue === `queue-${prefix}`);
      expect(await depth(sides[0])).toEqual(await depth(sides[1]));
    }),
    { numRuns: 60 },
  );
});

test("S5: a change makes one fan-out row, which wakes who waits for it in pages; a saved store goes on with all of it, under numbers far ahead", async () => {
  await using memory = await openMemoryWorkStore({ clock: systemClock, log: silentLogger });
  const target = keyOf("target");
  const created = await memory.writer.write(writeOf(target));
  if (created.outcome !== "written") throw new Error("the target was not written");
  for (const name of ["one", "two", "three"])
    await memory.writer.write(writeOf(keyOf(name), { references: [{ path: "spec.to", wakerQueue: "things", wakerKey: name, target, waitsFor: 1 }] }));
  let hints = 0;
  using _heard = memory.onWork(() => hints++);
  await memory.writer.write(writeOf(target, { expectRv: created.rv, prevBody: created.body, changes: 1, priority: 0 }));
  expect(hints).toBe(1);

  await using restored = await openMemoryWorkStore({ clock: systemClock, log: silentLogger, saved: memory.save() });
  expect(await restored.reader.currentRv()).toBe((await memory.reader.currentRv()) + 2 ** 40);
  const [claim] = await restored.queue.claim({ owner: "me", queues: [fanoutQueue], limit: 10, leaseMs: longMs, fair: false });
  expect(claim?.fence).toMatchObject({ key: formatKey(target) });
  if (claim === undefined) throw new Error("there is no fan-out row");
  const cursor = await restored.references.expand(claim, 2);
  expect(cursor).toBeDefined();
  expect(await restored.references.expand({ ...claim, cursor: cursor ?? "" }, 2)).toBeUndefined();
  const woken = await restored.queue.claim({ owner: "me", queues: ["things"], limit: 10, leaseMs: longMs, fair: false });
  expect(woken.map(({ fence, priority: inherited }) => [fence.key, inherited]).toSorted()).toEqual([
    ["one", 0],
    ["three", 0],
    ["two", 0],
  ]);
});
