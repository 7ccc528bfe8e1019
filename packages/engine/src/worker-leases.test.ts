import { expect, test } from "vitest";
import { settled, type Reconciler } from "./index.ts";
import { gate, openTestPlane, pausableClock, until } from "./testing/index.ts";
import { floorKind, made, testKinds, type TestObject } from "./testing/test-kinds.ts";

const target = { apiVersion: floorKind.apiVersion, kind: floorKind.kind, namespace: "default", name: "ground" };

test("Q1, Q3, F4: a process that was suspended past its lease writes nothing any more: object, status, inventory and finalizer are refused", async () => {
  await using plane = await openTestPlane({ kinds: testKinds });
  const clock = pausableClock();
  const began = gate();
  const door = gate();
  const outcomes = Promise.withResolvers<unknown[]>();
  const old: Reconciler = {
    queue: floorKind.resource,
    async reconcile({ name, namespace }, { objects, inventory, signal }) {
      const mine = await objects.get({ ...floorKind, namespace, name });
      if (mine === undefined || name !== "ground") return settled;
      began.open();
      await door.opened;
      const writes = [
        () => objects.apply({ ...mine, metadata: { name, namespace }, spec: { text: "old" } }),
        () => objects.patchStatus({ ...mine, status: { note: "old" } }),
        () => objects.commit(mine, { ...mine, metadata: { ...mine.metadata, finalizers: ["test.threeport.io/old"] } }),
        () => objects.create(made(floorKind, "made-too-late")),
        () => objects.delete({ ...floorKind, namespace, name: "neighbour" }),
        () => inventory.record("somebody", { put: [{ id: "thing", uid: "", state: "pending", detail: "{}" }] }),
      ];
      const seen: unknown[] = [];
      for (const write of writes)
        seen.push(
          await write().then(
            () => "written",
            (error: unknown) => (error as { code?: string }).code,
          ),
        );
      outcomes.resolve([...seen, signal.aborted]);
      return settled;
    },
  };
  const taken = gate();
  const fresh: Reconciler = {
    queue: floorKind.resource,
    async reconcile({ name }) {
      if (name === "ground") taken.open();
      return settled;
    },
  };
  await using sleeper = await plane.startReplica({ reconcilers: () => [old], clock, leaseMs: 400 });
  await plane.objects.create(made(floorKind, "ground", { text: "mine" }));
  await began.opened;
  clock.pause();
  await using _other = await plane.startReplica({ reconcilers: () => [fresh], leaseMs: 400 });
  await taken.opened;
  await plane.objects.create(made(floorKind, "neighbour"));
  const before = await plane.objects.get(target);
  clock.resume();
  door.open();
  expect(await outcomes.promise).toEqual(["TP_LEASE_LOST", "TP_LEASE_LOST", "TP_LEASE_LOST", "TP_LEASE_LOST", "TP_LEASE_LOST", "TP_LEASE_LOST", true]);
  expect(await plane.objects.get(target)).toEqual(before);
  expect(await plane.objects.get({ ...target, name: "made-too-late" })).toBeUndefined();
  expect(await plane.objects.get({ ...target, name: "neighbour" })).toBeDefined();
  expect(await sleeper.store.inventory.list("somebody")).toEqual([]);
});

test("Q1: a lease that cannot be renewed aborts its run before it ends, so that nothing outside is done twice at the same time", async () => {
  await using plane = await openTestPlane({ kinds: testKinds });
  const leaseMs = 900;
  const aborted = Promise.withResolvers<{ code: string; afterMs: number }>();
  const began = gate();
  const reconciler: Reconciler = {
    queue: floorKind.resource,
    async reconcile(_key, { signal }) {
      const startedMs = performance.now();
      began.open();
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      aborted.resolve({ code: (signal.reason as { code: string }).code, afterMs: performance.now() - startedMs });
      return settled;
    },
  };
  await using replica = await plane.startReplica({ reconcilers: () => [reconciler], leaseMs });
  await plane.objects.create(made(floorKind, "ground"));
  await began.opened;
  await replica.cut();
  const { code, afterMs } = await aborted.promise;
  expect(code).toBe("TP_LEASE_LOST");
  expect(afterMs).toBeLessThan(leaseMs);
});

test("Q4: an engine that was killed in the middle of its work loses no key: another one finishes all of them", async () => {
  await using plane = await openTestPlane({ kinds: testKinds });
  const stuck: Reconciler = {
    queue: floorKind.resource,
    async reconcile(_key, { signal }) {
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true }));
      return settled;
    },
  };
  await using victim = await plane.startReplica({ reconcilers: () => [stuck], workers: 8, leaseMs: 600 });
  await Promise.all(Array.from({ length: 12 }, (_, index) => plane.objects.create(made(floorKind, `floor-${index}`))));
  await until("keys to be under way", async () => (await plane.rows(floorKind.resource)).due < 12);
  await victim.kill();
  const done = new Set<string>();
  const finishing: Reconciler = {
    queue: floorKind.resource,
    async reconcile({ name }) {
      done.add(name);
      return settled;
    },
  };
  await using _second = await plane.startReplica({ reconcilers: () => [finishing], leaseMs: 600 });
  await until("all keys", async () => done.size === 12 && (await plane.rows(floorKind.resource)).rows === 0);
});

test("Q1, Q2: a key that runs again before the answer to the end of its last run has come keeps its lease", async () => {
  await using plane = await openTestPlane({ kinds: testKinds });
  const leaseMs = 400;
  const late = gate();
  const changed = gate();
  let runs = 0;
  const second = Promise.withResolvers<string>();
  const reconciler: Reconciler = {
    queue: floorKind.resource,
    async reconcile({ name }, { inventory, clock }) {
      if (name !== "ground") return settled;
      if (++runs === 1) {
        await changed.opened; // so it is due again as soon as this run ends
        return settled;
      }
      late.open();
      await clock.sleep(3 * leaseMs);
      second.resolve(
        await inventory.record("somebody", { put: [{ id: "thing", uid: "", state: "pending", detail: "{}" }] }).then(
          () => "recorded",
          (error: unknown) => (error as { code?: string }).code ?? "",
        ),
      );
      return settled;
    },
  };
  await using _replica = await plane.startReplica({
    reconcilers: () => [reconciler],
    leaseMs,
    meets: (store) => ({
      ...store,
      queue: {
        ...store.queue,
        async complete(...end) {
          const answer = await store.queue.complete(...end);
          await late.opened;
          return answer;
        },
      },
    }),
  });
  const object = await plane.objects.create<TestObject>(made(floorKind, "ground", { text: "one" }));
  await until("the first run", () => runs === 1);
  await plane.objects.commit(object, { ...object, spec: { text: "two" } });
  changed.open();
  expect(await second.promise).toBe("recorded");
});
