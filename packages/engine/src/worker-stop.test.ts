import { expect, test } from "vitest";
import { settled, type Reconciler } from "./index.ts";
import { gate, openTestPlane, until } from "./testing/index.ts";
import { floorKind, made, testKinds } from "./testing/test-kinds.ts";

test("a stop lets a run end that heeds its signal, and the next process takes the key up at once, not when the lease ends", async () => {
  await using plane = await openTestPlane({ kinds: testKinds });
  const began = gate();
  const heeding: Reconciler = {
    queue: floorKind.resource,
    target: { apiVersion: floorKind.apiVersion, kind: floorKind.kind },
    async reconcile(_key, { clock, signal }) {
      began.open();
      await clock.sleep(60_000, signal);
      return settled;
    },
  };
  const stopped = await plane.startReplica({ reconcilers: () => [heeding], leaseMs: 60_000 });
  await plane.objects.create(made(floorKind, "ground"));
  await began.opened;
  const startedMs = performance.now();
  await stopped[Symbol.asyncDispose]();
  const attempts: number[] = [];
  const next: Reconciler = {
    queue: floorKind.resource,
    async reconcile(_key, { claim }) {
      attempts.push(claim.attempts);
      return settled;
    },
  };
  await using _second = await plane.startReplica({ reconcilers: () => [next] });
  await until("the next process to take it", () => attempts.length === 1);
  expect(performance.now() - startedMs, "far from the lease of a minute").toBeLessThan(15_000);
  expect(attempts, "our stop is not the key's failure").toEqual([0]);
  const floor = await plane.objects.get({ ...floorKind, namespace: "default", name: "ground" });
  expect(floor?.["status"], "nobody was told of a failure").toBeUndefined();
});

test("a stop lets a run that is about to write finish its write", async () => {
  await using plane = await openTestPlane({ kinds: testKinds });
  const began = gate();
  const door = gate();
  const writing: Reconciler = {
    queue: floorKind.resource,
    async reconcile({ name, namespace }, { objects }) {
      const mine = await objects.get({ ...floorKind, namespace, name });
      began.open();
      await door.opened;
      if (mine !== undefined) await objects.patchStatus({ ...mine, status: { note: "done" } });
      return settled;
    },
  };
  const stopping = await plane.startReplica({ reconcilers: () => [writing] });
  await plane.objects.create(made(floorKind, "ground"));
  await began.opened;
  const stopped = stopping[Symbol.asyncDispose]();
  door.open();
  await stopped;
  expect((await plane.objects.get({ ...floorKind, namespace: "default", name: "ground" }))?.["status"]).toEqual({ note: "done" });
  expect((await plane.rows(floorKind.resource)).rows).toBe(0);
});

test("a run that ignores its signal does not hold up the stop for ever", async () => {
  await using plane = await openTestPlane({ kinds: testKinds });
  const began = gate();
  const deaf: Reconciler = {
    queue: floorKind.resource,
    async reconcile() {
      began.open();
      await new Promise(() => {});
      return settled;
    },
  };
  const stopping = await plane.startReplica({ reconcilers: () => [deaf] });
  await plane.objects.create(made(floorKind, "ground"));
  await began.opened;
  const startedMs = performance.now();
  await stopping[Symbol.asyncDispose]();
  expect(performance.now() - startedMs).toBeLessThan(9_000); // the server ends itself after ten
});
