import { expect, test } from "vitest";
import { settled, waiting, type Reconciler } from "./index.ts";
import { gate, houseReconcilers, openTestPlane, until } from "./testing/index.ts";
import { floorKind, made, roofKind, testKinds, wallKind, type MadeObject } from "./testing/test-kinds.ts";

test("F9, F10: a queue whose keys all hang takes no more workers than it may, and the others go on", async () => {
  await using plane = await openTestPlane({ kinds: testKinds });
  const door = gate();
  let now = 0;
  let most = 0;
  const slow: Reconciler = {
    queue: floorKind.resource,
    async reconcile() {
      most = Math.max(most, ++now);
      await door.opened;
      now--;
      return settled;
    },
  };
  const quick = new Set<string>();
  const others: Reconciler = {
    queue: wallKind.resource,
    async reconcile({ name }) {
      quick.add(name);
      return settled;
    },
  };
  // All keys stand in the queue before the engine looks: one claim could take them all.
  await Promise.all(Array.from({ length: 30 }, (_, index) => plane.objects.create(made(floorKind, `slow-${index}`))));
  await using _replica = await plane.startReplica({ reconcilers: () => [slow, others], workers: 8 });
  await until("the slow queue to have what it may", () => now === 4);
  await Promise.all(Array.from({ length: 30 }, (_, index) => plane.objects.create(made(wallKind, `quick-${index}`))));
  await until("the quick queue to be done", () => quick.size === 30);
  expect(most, "half of the workers, the default").toBe(4);
  door.open();
  await until("the slow queue to be done", () => now === 0);
});

test("a limit of one means one key at a time", async () => {
  await using plane = await openTestPlane({ kinds: testKinds });
  let now = 0;
  let most = 0;
  let runs = 0;
  const single: Reconciler = {
    queue: floorKind.resource,
    parallel: 1,
    async reconcile(_key, { clock }) {
      most = Math.max(most, ++now);
      await clock.sleep(1);
      now--;
      runs++;
      return settled;
    },
  };
  await Promise.all(Array.from({ length: 20 }, (_, index) => plane.objects.create(made(floorKind, `one-${index}`))));
  await using _replica = await plane.startReplica({ reconcilers: () => [single] });
  await until("all of them", () => runs === 20);
  expect(most).toBe(1);
});

test("Q5: a person's change overtakes a flood of periodic checks", async () => {
  await using plane = await openTestPlane({ kinds: testKinds });
  const order: string[] = [];
  const reconciler: Reconciler = {
    queue: floorKind.resource,
    async reconcile({ name }) {
      order.push(name);
      return settled;
    },
  };
  const flood = Array.from({ length: 300 }, (_, index) => ({ queue: floorKind.resource, key: `default/check-${index}`, priority: 2, mask: 0, delayMs: 0 }));
  await plane.store.queue.enqueue(flood);
  await plane.objects.create(made(floorKind, "urgent"));
  await using _replica = await plane.startReplica({ reconcilers: () => [reconciler], workers: 1 });
  await until("all of them", () => order.length === 301);
  expect(order.indexOf("urgent")).toBeLessThan(10);
});

test("Q5: work inherits the priority of the change that caused it through a chain of three kinds, down by objects and up by waiting", async () => {
  await using plane = await openTestPlane({ kinds: testKinds });
  const runs: { kind: string; priority: number }[] = [];
  /** Makes the object that it rests on, and copies its status up. */
  const builder = (kind: typeof roofKind, below: typeof roofKind | undefined): Reconciler => ({
    queue: kind.resource,
    async reconcile({ name, namespace }, { objects, claim }) {
      runs.push({ kind: kind.kind, priority: claim.priority });
      const mine = await objects.get<MadeObject>({ ...kind, namespace, name });
      if (mine === undefined) return settled;
      let note = mine.metadata.annotations?.["note"] ?? mine.spec.text ?? "";
      if (below !== undefined) {
        const made_ = await objects.apply<MadeObject>(
          made(
            below,
            name,
            { ...mine.spec, uses: name },
            { ownerReferences: [{ apiVersion: kind.apiVersion, kind: kind.kind, name, uid: mine.metadata.uid, controller: true }] },
          ),
        );
        note = (made_["status"] as { note?: string } | undefined)?.note ?? "";
        if (note === "") return waiting(`${below.kind} ${name}`, 60_000);
      }
      await objects.patchStatus({ ...mine, status: { note, conditions: [{ type: "Ready", status: "True", reason: note, message: note }] } });
      return settled;
    },
  });
  await using _replica = await plane.startReplica({
    reconcilers: (tools) => [...houseReconcilers(tools), builder(roofKind, wallKind), builder(wallKind, floorKind), builder(floorKind, undefined)],
  });
  const noteOf = async (): Promise<string | undefined> =>
    ((await plane.objects.get({ ...roofKind, namespace: "default", name: "house" }))?.["status"] as { note?: string } | undefined)?.note;

  /** A key that was woken twice runs twice: what comes next begins when nothing is left of what was. */
  const atRest = async (): Promise<void> => {
    const queues = [roofKind.resource, wallKind.resource, floorKind.resource, "$fanout", "$gc"];
    await until("all work to be done", async () =>
      (await Promise.all(queues.map(async (queue) => (await plane.rows(queue)).rows))).every((rows) => rows === 0),
    );
  };

  const roof = await plane.objects.create<MadeObject>(made(roofKind, "house", { text: "tiles", uses: "house" }));
  await until("the way down and up again", async () => (await noteOf()) === "tiles");
  await atRest();
  expect(new Set(runs.map((run) => run.kind))).toEqual(new Set(["Roof", "Wall", "Floor"]));
  expect(runs.filter((run) => run.priority !== 0)).toEqual([]);

  runs.length = 0;
  await plane.store.queue.enqueue([{ queue: roofKind.resource, key: "default/house", priority: 2, mask: 0, delayMs: 0 }]);
  await until("the periodic check", () => runs.length > 0);
  await atRest();
  expect(runs, "nothing changed, so nobody else is looked at").toEqual([{ kind: "Roof", priority: 2 }]);

  runs.length = 0;
  const floor = await plane.objects.get<MadeObject & { metadata: { uid: string } }>({ ...floorKind, namespace: "default", name: "house" });
  if (floor === undefined) throw new Error("the floor is gone");
  await plane.objects.commit(roof, roof); // equal: no work
  // What the builder above has no opinion on: another text it would put back, perhaps before the floor is looked at.
  await plane.objects.commit(floor, { ...floor, metadata: { ...floor.metadata, annotations: { note: "planks" } } });
  await until("a change at the bottom to be seen at the top", async () => (await noteOf()) === "planks");
  expect(runs.every((run) => run.priority === 0)).toBe(true);
});
