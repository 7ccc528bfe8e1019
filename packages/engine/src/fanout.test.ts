import { expect, test } from "vitest";
import { settled, type Reconciler } from "./index.ts";
import { houseReconcilers, openTestPlane, until, type TestPlane } from "./testing/index.ts";
import { floorKind, made, testKinds, wallKind } from "./testing/test-kinds.ts";

/** Counts looks at walls. */
function lookout(): { reconciler: Reconciler; looks: Map<string, number> } {
  const looks = new Map<string, number>();
  const reconciler: Reconciler = {
    queue: wallKind.resource,
    async reconcile({ name }) {
      looks.set(name, (looks.get(name) ?? 0) + 1);
      return settled;
    },
  };
  return { reconciler, looks };
}

async function walls(plane: TestPlane, count: number): Promise<void> {
  const inFlight = 200; // groups of the writer stay full, its line stays short
  for (let from = 0; from < count; from += inFlight) {
    await Promise.all(
      Array.from({ length: Math.min(inFlight, count - from) }, (_, index) => plane.objects.create(made(wallKind, `wall-${from + index}`, { uses: "ground" }))),
    );
  }
}

async function changeFloor(plane: TestPlane, text: string): Promise<void> {
  const floor = await plane.objects.get<ReturnType<typeof made>>({ ...floorKind, namespace: "default", name: "ground" });
  if (floor === undefined) throw new Error("the floor is gone");
  await plane.objects.commit(floor, { ...floor, spec: { text } });
}

test("S5: one change wakes all of 2,000 objects that refer to it, each once", async () => {
  await using plane = await openTestPlane({ kinds: testKinds, controlled: [wallKind.resource] });
  const { reconciler, looks } = lookout();
  await plane.objects.create(made(floorKind, "ground"));
  await walls(plane, 2_000);
  await using _replica = await plane.startReplica({ reconcilers: (tools) => [...houseReconcilers(tools), reconciler] });
  await until("the first look at all", () => looks.size === 2_000);
  await until("the queue to be empty", async () => (await plane.rows(wallKind.resource)).rows === 0);
  looks.clear();
  await changeFloor(plane, "planks");
  await until("all of them", () => looks.size === 2_000);
  await until("the queue to be empty", async () => (await plane.rows(wallKind.resource)).rows === 0 && (await plane.rows("$fanout")).rows === 0);
  expect([...looks.values()].filter((count) => count !== 1)).toEqual([]);
});

test("S5: a change that nobody waits for wakes nobody", async () => {
  await using plane = await openTestPlane({ kinds: testKinds, controlled: [wallKind.resource] });
  const { reconciler, looks } = lookout();
  const floor = await plane.objects.create(made(floorKind, "ground"));
  await walls(plane, 3);
  await using _replica = await plane.startReplica({ reconcilers: (tools) => [...houseReconcilers(tools), reconciler] });
  await until("the first look", async () => looks.size === 3 && (await plane.rows(wallKind.resource)).rows === 0);
  looks.clear();
  await plane.objects.commit(floor, { ...floor, metadata: { ...floor.metadata, labels: { color: "red" } } });
  await plane.objects.create(made(wallKind, "last", { uses: "ground" })); // everything before it has been seen when it is
  await until("the last one", () => looks.has("last"));
  expect([...looks.keys()]).toEqual(["last"]);
});

test("D3: without any hint, from the store or from other processes, a poll finds every due key", async () => {
  await using plane = await openTestPlane({ kinds: testKinds, controlled: [wallKind.resource] });
  const { reconciler, looks } = lookout();
  await using _replica = await plane.startReplica({ reconcilers: (tools) => [...houseReconcilers(tools), reconciler], deaf: true, pollMs: 100 });
  await plane.objects.create(made(floorKind, "ground"));
  await walls(plane, 20);
  await until("the first look at all", () => looks.size === 20);
  looks.clear();
  await changeFloor(plane, "planks");
  await until("the fan-out", () => looks.size === 20);
  expect((await plane.rows("$fanout")).rows).toBe(0);
});

test("Q4: a fan-out that was killed half way is finished by another process", async () => {
  await using plane = await openTestPlane({ kinds: testKinds, controlled: [wallKind.resource] });
  const { reconciler, looks } = lookout();
  await plane.objects.create(made(floorKind, "ground"));
  await walls(plane, 700);
  await using first = await plane.startReplica({ reconcilers: (tools) => [...houseReconcilers(tools), reconciler], leaseMs: 600 });
  await until("the first look at all", async () => looks.size === 700 && (await plane.rows(wallKind.resource)).rows === 0);
  await first.kill();
  looks.clear();
  // A replica that expands one batch and dies: the row stays with its cursor, under a lease that ends.
  await changeFloor(plane, "planks");
  const claims = await plane.store.queue.claim({ owner: "short-lived", queues: ["$fanout"], limit: 10, leaseMs: 300, fair: false });
  const claim = claims.find((candidate) => candidate.fence.key.includes("floors"));
  if (claim === undefined) throw new Error("there is no fan-out row");
  const cursor = await plane.store.references.expand(claim, 500);
  expect(cursor).toBeDefined();
  expect(await plane.store.queue.advance(claim.fence, cursor ?? "")).toBe(true);
  await using _second = await plane.startReplica({ reconcilers: (tools) => [...houseReconcilers(tools), reconciler] });
  await until("all of them", async () => looks.size === 700 && (await plane.rows("$fanout")).rows === 0);
});
