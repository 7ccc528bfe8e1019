import { expect, test } from "vitest";
import type { KubeObject, ObjectMeta, StoredObject } from "@threeport/resource";
import { houseReconcilers, openTestPlane, until, type TestPlane } from "./testing/index.ts";
import { fenceKind, floorKind, groundKind, made, roofKind, testKinds, wallKind } from "./testing/test-kinds.ts";

type Kind = typeof floorKind;

const targetOf = (kind: Kind, name: string) => ({ apiVersion: kind.apiVersion, kind: kind.kind, namespace: "default", name });

async function openPlane(): Promise<TestPlane & AsyncDisposable> {
  const plane = await openTestPlane({ kinds: testKinds, controlled: [] });
  const replica = await plane.startReplica({ reconcilers: houseReconcilers });
  return {
    ...plane,
    async [Symbol.asyncDispose]() {
      await replica[Symbol.asyncDispose]();
      await plane[Symbol.asyncDispose]();
    },
  };
}

function ownedBy(...owners: readonly KubeObject[]): Pick<ObjectMeta, "ownerReferences"> {
  return {
    ownerReferences: owners.map((owner) => ({
      apiVersion: owner.apiVersion,
      kind: owner.kind,
      name: owner.metadata.name,
      uid: owner.metadata.uid ?? "",
      blockOwnerDeletion: true,
    })),
  };
}

async function gone(plane: TestPlane, kind: Kind, name: string): Promise<void> {
  await until(`${kind.kind} ${name} to go`, async () => (await plane.objects.get(targetOf(kind, name))) === undefined);
}

/** All that was queued for the collector has been looked at. */
async function quiet(plane: TestPlane): Promise<void> {
  await until("the collector to be done", async () => (await plane.rows("$gc")).rows === 0 && (await plane.rows("$fanout")).rows === 0);
}

test("background: what an owner owns goes after it, through two levels", async () => {
  await using plane = await openPlane();
  const roof = await plane.objects.create(made(roofKind, "a"));
  const wall = await plane.objects.create(made(wallKind, "a", {}, ownedBy(roof)));
  await plane.objects.create(made(floorKind, "a", {}, ownedBy(wall)));
  await plane.objects.create(made(floorKind, "stranger"));
  await plane.objects.delete(targetOf(roofKind, "a"), { propagationPolicy: "Background" });
  expect(await plane.objects.get(targetOf(roofKind, "a")), "the owner does not wait").toBeUndefined();
  await gone(plane, wallKind, "a");
  await gone(plane, floorKind, "a");
  expect(await plane.objects.get(targetOf(floorKind, "stranger"))).toBeDefined();
});

test("foreground: the owner stays until those that block it have gone", async () => {
  await using plane = await openPlane();
  const roof = await plane.objects.create(made(roofKind, "a"));
  const wall = await plane.objects.create(made(wallKind, "a", {}, { ...ownedBy(roof), finalizers: ["test.threeport.io/held"] }));
  await plane.objects.delete(targetOf(roofKind, "a"), { propagationPolicy: "Foreground" });
  // The collector asks the wall to go in the foreground too, and lets it go itself when nothing blocks it.
  const held = await until("the wall to be held by its own finalizer alone", async () => {
    const found = await plane.objects.get(targetOf(wallKind, "a"));
    return found?.metadata.deletionTimestamp !== undefined && found.metadata.finalizers?.join() === "test.threeport.io/held" ? found : undefined;
  });
  expect(held.metadata.uid).toBe(wall.metadata.uid);
  expect((await plane.objects.get(targetOf(roofKind, "a")))?.metadata.finalizers).toEqual(["foregroundDeletion"]);
  await plane.objects.commit<StoredObject>(held, { ...held, metadata: { ...held.metadata, finalizers: [] } });
  await gone(plane, wallKind, "a");
  await gone(plane, roofKind, "a");
});

test("orphan: the ties are cut, and what was owned stays", async () => {
  await using plane = await openPlane();
  const roof = await plane.objects.create(made(roofKind, "a"));
  for (const name of ["one", "two"]) await plane.objects.create(made(wallKind, name, {}, ownedBy(roof)));
  await plane.objects.delete(targetOf(roofKind, "a"), { propagationPolicy: "Orphan" });
  await gone(plane, roofKind, "a");
  await quiet(plane);
  for (const name of ["one", "two"]) {
    const wall = await plane.objects.get(targetOf(wallKind, name));
    expect(wall?.metadata.deletionTimestamp).toBeUndefined();
    expect(wall?.metadata.ownerReferences).toBeUndefined();
  }
});

for (const policy of ["Background", "Foreground"] as const) {
  test(`what has two owners stays when one of them is deleted in the ${policy.toLowerCase()}, and goes with the last`, async () => {
    await using plane = await openPlane();
    const first = await plane.objects.create(made(roofKind, "first"));
    const second = await plane.objects.create(made(roofKind, "second"));
    const shared = await plane.objects.create(made(wallKind, "shared", {}, ownedBy(first, second)));
    await plane.objects.delete(targetOf(roofKind, "first"), { propagationPolicy: policy });
    await gone(plane, roofKind, "first");
    await quiet(plane);
    const still = await plane.objects.get(targetOf(wallKind, "shared"));
    expect(still?.metadata.uid).toBe(shared.metadata.uid);
    expect(still?.metadata.deletionTimestamp).toBeUndefined();
    await plane.objects.delete(targetOf(roofKind, "second"), { propagationPolicy: policy });
    await gone(plane, wallKind, "shared");
    await gone(plane, roofKind, "second");
  });
}

test("K5: an owner's name that was used again owns nothing of the first one's", async () => {
  await using plane = await openTestPlane({ kinds: testKinds, controlled: [] });
  const first = await plane.objects.create(made(roofKind, "a"));
  await plane.objects.create(made(wallKind, "of-the-first", {}, ownedBy(first)));
  await plane.objects.delete(targetOf(roofKind, "a"));
  const second = await plane.objects.create(made(roofKind, "a"));
  await plane.objects.create(made(wallKind, "of-the-second", {}, ownedBy(second)));
  // Only now somebody collects: by name, the owner looks as if it had never gone.
  await using _replica = await plane.startReplica({ reconcilers: houseReconcilers });
  await gone(plane, wallKind, "of-the-first");
  await quiet(plane);
  expect(await plane.objects.get(targetOf(wallKind, "of-the-second"))).toBeDefined();
});

test("an object whose owner had gone before it was created goes too", async () => {
  await using plane = await openPlane();
  const roof = await plane.objects.create(made(roofKind, "a"));
  await plane.objects.delete(targetOf(roofKind, "a"));
  await plane.objects.create(made(wallKind, "late", {}, ownedBy(roof)));
  await gone(plane, wallKind, "late");
});

test("an owner of a kind that this server does not know proves nothing", async () => {
  await using plane = await openPlane();
  const owner = { apiVersion: "elsewhere.example.com/v1", kind: "Thing", metadata: { name: "t", uid: "8f9c8f5e-0000-7000-8000-000000000000" } };
  const wall = await plane.objects.create(made(wallKind, "a", {}, ownedBy(owner)));
  await plane.store.queue.enqueue([{ queue: "$gc", key: `${wallKind.resource}|default|a`, priority: 0, mask: 0, delayMs: 0 }]);
  await quiet(plane);
  expect((await plane.objects.get(targetOf(wallKind, "a")))?.metadata.uid).toBe(wall.metadata.uid);
});

test("§5.7: what is in use is refused, and taken along with its users by a foreground deletion", async () => {
  await using plane = await openPlane();
  await plane.objects.create(made(groundKind, "g"));
  await plane.objects.create(made(fenceKind, "one", { uses: "g" }, { finalizers: ["test.threeport.io/slow"] }));
  await plane.objects.create(made(fenceKind, "two", { uses: "g" }));
  await plane.objects.create(made(fenceKind, "elsewhere"));
  await expect(plane.objects.delete(targetOf(groundKind, "g"))).rejects.toMatchObject({ code: "TP_IN_USE" });
  await plane.objects.delete(targetOf(groundKind, "g"), { propagationPolicy: "Foreground" });
  await gone(plane, fenceKind, "two");
  expect((await plane.objects.get(targetOf(groundKind, "g")))?.metadata.finalizers, "it waits for the user that is held").toEqual(["foregroundDeletion"]);
  let held: StoredObject | undefined;
  await until("the collector to be done with the user that is held", async () => {
    held = await plane.objects.get<StoredObject>(targetOf(fenceKind, "one"));
    return held?.metadata.finalizers?.join() === "test.threeport.io/slow";
  });
  if (held === undefined) return;
  expect(held.metadata.deletionTimestamp).toBeDefined();
  const { finalizers: _, ...metadata } = held.metadata;
  await plane.objects.commit<StoredObject>(held, { ...held, metadata });
  await gone(plane, fenceKind, "one");
  await gone(plane, groundKind, "g");
  expect(await plane.objects.get(targetOf(fenceKind, "elsewhere"))).toBeDefined();
});

test("S5: a change of a shared object wakes each of its owners, also when they are of one kind", async () => {
  await using plane = await openTestPlane({ kinds: testKinds, controlled: [roofKind.resource] });
  const looked: string[] = [];
  await using _replica = await plane.startReplica({
    reconcilers: (tools) => [
      ...houseReconcilers(tools),
      {
        queue: roofKind.resource,
        async reconcile(key) {
          looked.push(key.name);
          return { kind: "settled" };
        },
      },
    ],
  });
  const owners = await Promise.all(["a", "b", "c"].map((name) => plane.objects.create(made(roofKind, name))));
  const shared = await plane.objects.create(made(floorKind, "shared", {}, ownedBy(...owners)));
  await quiet(plane);
  await until("the owners to have been looked at", async () => ["a", "b", "c"].every((name) => looked.includes(name)));
  looked.length = 0;
  await plane.objects.patchStatus({ ...shared, status: { conditions: [{ type: "Ready", status: "True" }] } });
  await until("every owner to be woken", async () => ["a", "b", "c"].every((name) => looked.includes(name)));
});
