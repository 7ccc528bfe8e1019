import { expect, test } from "vitest";
import { recheck, settled, waiting, type Outcome, type Reconciler } from "./index.ts";
import { openTestPlane, until } from "./testing/index.ts";
import { floorKind, made, testKinds } from "./testing/test-kinds.ts";

/** Runs `outcomes` one after another, then settles; tells when each run began. */
function scripted(outcomes: readonly Outcome[]): { reconciler: Reconciler; runs: { atMs: number; waitingSinceMs: number | undefined; priority: number }[] } {
  const runs: { atMs: number; waitingSinceMs: number | undefined; priority: number }[] = [];
  const reconciler: Reconciler = {
    queue: floorKind.resource,
    async reconcile(_key, { claim }) {
      runs.push({ atMs: performance.now(), waitingSinceMs: claim.waitingSinceMs, priority: claim.priority });
      return outcomes[runs.length - 1] ?? settled;
    },
  };
  return { reconciler, runs };
}

test("a settled key leaves the queue, and only a change brings it back", async () => {
  await using plane = await openTestPlane({ kinds: testKinds });
  const { reconciler, runs } = scripted([]);
  await using _replica = await plane.startReplica({ reconcilers: () => [reconciler] });
  const floor = await plane.objects.create(made(floorKind, "ground", { text: "one" }));
  await until("the row to leave", async () => (await plane.rows(floorKind.resource)).rows === 0 && runs.length === 1);
  await plane.objects.commit(floor, { ...floor, spec: { text: "two" } });
  await until("the second run", () => runs.length === 2);
  await until("the row to leave again", async () => (await plane.rows(floorKind.resource)).rows === 0);
});

test("a key that settles with a recheck comes back after that time as a periodic check", async () => {
  await using plane = await openTestPlane({ kinds: testKinds });
  const { reconciler, runs } = scripted([recheck(300)]);
  await using _replica = await plane.startReplica({ reconcilers: () => [reconciler] });
  await plane.objects.create(made(floorKind, "ground"));
  await until("two runs", () => runs.length === 2);
  expect((runs[1]?.atMs ?? 0) - (runs[0]?.atMs ?? 0)).toBeGreaterThanOrEqual(290);
  expect(runs[0]?.priority, "the change was a person's").toBe(0);
  expect(runs[1]?.priority, "the look after it is nobody's").toBe(2);
});

test("Q7: a wait keeps the time of its beginning over all its rechecks, and loses it when the key settles", async () => {
  await using plane = await openTestPlane({ kinds: testKinds });
  const { reconciler, runs } = scripted([waiting("the paint", 20), waiting("the paint", 20), recheck(20), settled]);
  await using _replica = await plane.startReplica({ reconcilers: () => [reconciler] });
  await plane.objects.create(made(floorKind, "ground"));
  await until("four runs", () => runs.length === 4);
  expect(runs[0]?.waitingSinceMs).toBeUndefined();
  expect(runs[1]?.waitingSinceMs).toBeTypeOf("number");
  expect(runs[2]?.waitingSinceMs).toBe(runs[1]?.waitingSinceMs);
  expect(runs[3]?.waitingSinceMs).toBeUndefined();
});

test("Q5: keys that wait hold no worker", async () => {
  await using plane = await openTestPlane({ kinds: testKinds });
  const seen = new Set<string>();
  const reconciler: Reconciler = {
    queue: floorKind.resource,
    async reconcile({ name }) {
      seen.add(name);
      return waiting("for ever", 60_000);
    },
  };
  await using _replica = await plane.startReplica({ reconcilers: () => [reconciler], workers: 1 });
  await Promise.all(Array.from({ length: 20 }, (_, index) => plane.objects.create(made(floorKind, `floor-${index}`))));
  await until("all twenty with one worker", () => seen.size === 20);
});

test("Q2: a change during a run causes exactly one more run", async () => {
  await using plane = await openTestPlane({ kinds: testKinds });
  const texts: (string | undefined)[] = [];
  const { promise: first, resolve: began } = Promise.withResolvers<void>();
  const { promise: go, resolve: goOn } = Promise.withResolvers<void>();
  const reconciler: Reconciler = {
    queue: floorKind.resource,
    async reconcile({ name, namespace }, { objects }) {
      const floor = await objects.get({ ...floorKind, namespace, name });
      texts.push((floor?.["spec"] as { text?: string } | undefined)?.text);
      began();
      await go;
      return settled;
    },
  };
  await using _replica = await plane.startReplica({ reconcilers: () => [reconciler] });
  let floor = await plane.objects.create(made(floorKind, "ground", { text: "0" }));
  await first;
  for (const text of ["1", "2", "3"]) floor = (await plane.objects.commit(floor, { ...floor, spec: { text } })) ?? floor;
  goOn();
  await until("the queue to be empty", async () => texts.length > 1 && (await plane.rows(floorKind.resource)).rows === 0);
  expect(texts).toEqual(["0", "3"]);
});
