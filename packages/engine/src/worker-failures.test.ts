import { expect, test } from "vitest";
import { PlatformError, type StoredObject } from "@threeport/resource";
import { settled, type Reconciler } from "./index.ts";
import { gate, openTestPlane, until, type TestPlane } from "./testing/index.ts";
import { conditionOf, floorKind, made, testKinds } from "./testing/test-kinds.ts";

const ground = { apiVersion: floorKind.apiVersion, kind: floorKind.kind, namespace: "default", name: "ground" };

/** Fails with the given errors one after another, then settles. */
function failing(errors: readonly Error[], more: Partial<Reconciler> = {}): { reconciler: Reconciler; attempts: number[]; atMs: number[] } {
  const attempts: number[] = [];
  const atMs: number[] = [];
  const reconciler: Reconciler = {
    queue: floorKind.resource,
    target: { apiVersion: floorKind.apiVersion, kind: floorKind.kind },
    ...more,
    async reconcile(_key, { claim }) {
      attempts.push(claim.attempts);
      atMs.push(performance.now());
      const error = errors[attempts.length - 1];
      if (error !== undefined) throw error;
      return settled;
    },
  };
  return { reconciler, attempts, atMs };
}

async function events(plane: TestPlane): Promise<readonly StoredObject[]> {
  return plane.objects.list({ apiVersion: "v1", kind: "Event" }, { namespace: "default" });
}

test("retry never: the object says Stalled with the reason and a sentence, an event tells it, and the key is not tried again soon", async () => {
  await using plane = await openTestPlane({ kinds: testKinds });
  const { reconciler, attempts } = failing([
    new PlatformError("TP_INVALID", { message: "spec.text must be a color; write red or green", detail: { conditionReason: "ColorUnknown" } }),
  ]);
  await using replica = await plane.startReplica({ reconcilers: () => [reconciler] });
  await plane.objects.create(made(floorKind, "ground", { text: "x" }));
  const stalled = await until("Stalled", async () => {
    const floor = await plane.objects.get(ground);
    return conditionOf(floor, "Stalled")?.status === "True" ? floor : undefined;
  });
  expect(conditionOf(stalled, "Stalled")).toMatchObject({
    reason: "ColorUnknown",
    message: "spec.text must be a color; write red or green",
    observedGeneration: 1,
  });
  expect(conditionOf(stalled, "Ready")?.status).toBe("False");
  expect(conditionOf(stalled, "Reconciling")?.status).toBe("False");
  expect((await until("the event", async () => (await events(plane))[0]))["message"]).toBe("spec.text must be a color; write red or green");
  await until("the lease to end", async () => ((await replica.store.queue.nextDueMs([floorKind.resource])) ?? 0) > 60_000);
  expect(attempts).toEqual([0]);
});

test("retry never: a change of the object is tried at once, however long the wait was", async () => {
  await using plane = await openTestPlane({ kinds: testKinds });
  const { reconciler, attempts } = failing([new PlatformError("TP_INVALID")]);
  await using replica = await plane.startReplica({ reconcilers: () => [reconciler] });
  await plane.objects.create(made(floorKind, "ground"));
  await until("the long wait", async () => ((await replica.store.queue.nextDueMs([floorKind.resource])) ?? 0) > 60_000);
  const floor = await plane.objects.get<StoredObject>(ground);
  if (floor === undefined) throw new Error("it is gone");
  await plane.objects.commit(floor, { ...floor, spec: { text: "red" } });
  await until("the second run", () => attempts.length === 2);
});

test("Q6: retry backoff: the object says Reconciling, and the growing wait stands in the row", async () => {
  await using plane = await openTestPlane({ kinds: testKinds });
  const unreachable = new PlatformError("TP_RUNTIME_UNREACHABLE", { message: "nobody answers at 10.0.0.1" });
  const { reconciler, attempts, atMs } = failing([unreachable, unreachable]);
  await using _replica = await plane.startReplica({ reconcilers: () => [reconciler] });
  await plane.objects.create(made(floorKind, "ground"));
  const told = await until(
    "Reconciling",
    async () => conditionOf(await plane.objects.get(ground), "Reconciling")?.status === "True" && plane.objects.get(ground),
  );
  expect(conditionOf(told, "Ready")).toMatchObject({ status: "False", reason: "RuntimeUnreachable", message: "nobody answers at 10.0.0.1" });
  await until("the failure to stand in the row", async () => (await plane.rows(floorKind.resource)).failing === 1);
  await until("the third run", () => attempts.length === 3);
  expect(attempts).toEqual([0, 1, 2]);
  expect((atMs[1] ?? 0) - (atMs[0] ?? 0)).toBeGreaterThanOrEqual(240); // half of the first step of 500 ms is certain
  expect((atMs[2] ?? 0) - (atMs[1] ?? 0)).toBeGreaterThanOrEqual(490);
});

test("retry now: a stale copy is read again within moments, and nobody is told", async () => {
  await using plane = await openTestPlane({ kinds: testKinds });
  const conflict = new PlatformError("TP_VERSION_CONFLICT");
  const { reconciler, attempts, atMs } = failing([conflict, conflict]);
  await using _replica = await plane.startReplica({ reconcilers: () => [reconciler] });
  await plane.objects.create(made(floorKind, "ground"));
  await until("the third run", () => attempts.length === 3);
  expect((atMs[2] ?? 0) - (atMs[0] ?? 0)).toBeLessThan(400); // backoff would be 750 ms at least
  expect(conditionOf(await plane.objects.get(ground), "Ready")).toBeUndefined();
  expect(await events(plane)).toEqual([]);
});

test("what nobody classified shows no internals to people, and is tried again", async () => {
  await using plane = await openTestPlane({ kinds: testKinds });
  const { reconciler, attempts } = failing([new TypeError("cannot read properties of undefined (reading 'secret-token')")]);
  await using _replica = await plane.startReplica({ reconcilers: () => [reconciler] });
  await plane.objects.create(made(floorKind, "ground"));
  const told = await until("a condition", async () => conditionOf(await plane.objects.get(ground), "Ready"));
  expect(told).toMatchObject({ status: "False", reason: "Internal" });
  expect(told.message).not.toContain("secret-token");
  await until("another run", () => attempts.length === 2);
});

test("F10: a run that hangs and ignores its signal frees its worker at the deadline, and what it writes later is refused", async () => {
  await using plane = await openTestPlane({ kinds: testKinds });
  const door = gate();
  const late = Promise.withResolvers<unknown>();
  let runs = 0;
  const reconciler: Reconciler = {
    queue: floorKind.resource,
    target: { apiVersion: floorKind.apiVersion, kind: floorKind.kind },
    deadlineMs: 200,
    async reconcile({ name, namespace }, { objects }) {
      if (name !== "ground") return settled;
      if (++runs > 1) return settled;
      const mine = await objects.get({ ...floorKind, namespace, name });
      await door.opened; // deaf for its signal
      const write = objects.apply({
        ...mine,
        apiVersion: floorKind.apiVersion,
        kind: floorKind.kind,
        metadata: { name, namespace },
        spec: { text: "too late" },
      });
      late.resolve(
        await write.then(
          () => "written",
          (error: unknown) => error,
        ),
      );
      return settled;
    },
  };
  await using replica = await plane.startReplica({ reconcilers: () => [reconciler], workers: 1 });
  await plane.objects.create(made(floorKind, "ground", { text: "as it was" }));
  await plane.objects.create(made(floorKind, "other"));
  const told = await until("the condition", async () => {
    const condition = conditionOf(await plane.objects.get(ground), "Ready");
    return condition?.reason === "Deadline" ? condition : undefined;
  });
  expect(told.message).toBe("the work did not end within 0.2 s and is tried again");
  await until("the only worker to do the others", async () => (await plane.rows(floorKind.resource)).rows === 0);
  expect(runs).toBe(2);
  door.open();
  expect(await late.promise).toMatchObject({ code: "TP_LEASE_LOST" });
  expect((await plane.objects.get(ground))?.["spec"]).toEqual({ text: "as it was" });
  expect(await replica.metrics.text()).toMatch(/threeport_reconcile_total\{queue="floors.test.threeport.io",result="TP_DEADLINE"\} 1/);
});
