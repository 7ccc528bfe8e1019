import { expect, test } from "vitest";
import type { StoredObject } from "@threeport/resource";
import { houseReconcilers, openTestPlane, until } from "./testing/index.ts";
import { floorKind, made, testKinds, wallKind } from "./testing/test-kinds.ts";

const shop = { apiVersion: "v1", kind: "Namespace", name: "shop" };
const inShop = (kind: typeof floorKind, name: string) => made(kind, name, {}, { namespace: "shop" });

test("a namespace under deletion takes its contents along and then goes; nothing new comes in, and its neighbours stay", async () => {
  await using plane = await openTestPlane({ kinds: testKinds, controlled: [] });
  await plane.objects.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
  for (const name of ["a", "b", "c"]) await plane.objects.create(inShop(floorKind, name));
  await plane.objects.create({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings", namespace: "shop" } });
  await plane.objects.create(made(floorKind, "a"));
  await plane.objects.delete(shop);
  expect((await plane.objects.get(shop))?.["status"]).toEqual({ phase: "Terminating" });
  await expect(plane.objects.create(inShop(floorKind, "late"))).rejects.toMatchObject({ code: "TP_FORBIDDEN" });
  await using _replica = await plane.startReplica({ reconcilers: houseReconcilers });
  await until("the namespace to go", async () => (await plane.objects.get(shop)) === undefined);
  expect(await plane.objects.list(floorKind, { namespace: "shop" })).toEqual([]);
  expect(await plane.objects.list({ apiVersion: "v1", kind: "ConfigMap" }, { namespace: "shop" })).toEqual([]);
  expect(await plane.objects.list(floorKind, { namespace: "default" })).toHaveLength(1);
});

test("§5.7: Secrets stay until nothing else is left, since tearing down may need them", async () => {
  await using plane = await openTestPlane({ kinds: testKinds, controlled: [] });
  const secret = { apiVersion: "v1", kind: "Secret", namespace: "shop", name: "kubeconfig" };
  await plane.objects.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
  await plane.objects.create({ apiVersion: "v1", kind: "Secret", metadata: { name: "kubeconfig", namespace: "shop" }, data: {} });
  await plane.objects.create(made(wallKind, "held", {}, { namespace: "shop", finalizers: ["test.threeport.io/held"] }));
  await plane.objects.create(inShop(floorKind, "free"));
  await using _replica = await plane.startReplica({ reconcilers: houseReconcilers });
  await plane.objects.delete(shop);
  await until("what nothing holds to go", async () => (await plane.objects.list(floorKind, { namespace: "shop" })).length === 0);
  const held = await until("the wall to be asked", async () => {
    const found = await plane.objects.get<StoredObject>({ ...wallKind, namespace: "shop", name: "held" });
    return found?.metadata.deletionTimestamp === undefined ? undefined : found;
  });
  expect(await plane.objects.get(secret), "the wall still stands").toBeDefined();
  await plane.objects.commit<StoredObject>(held, { ...held, metadata: { ...held.metadata, finalizers: [] } });
  await until("the namespace to go", async () => (await plane.objects.get(shop)) === undefined);
  expect(await plane.objects.get(secret)).toBeUndefined();
});

test("a namespace of the same name can be made again, and is empty", async () => {
  await using plane = await openTestPlane({ kinds: testKinds, controlled: [] });
  await using _replica = await plane.startReplica({ reconcilers: houseReconcilers });
  const first = await plane.objects.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
  await plane.objects.create(inShop(floorKind, "a"));
  await plane.objects.delete(shop);
  await until("the namespace to go", async () => (await plane.objects.get(shop)) === undefined);
  const second = await plane.objects.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } });
  expect(second.metadata.uid).not.toBe(first.metadata.uid);
  expect(await plane.objects.list(floorKind, { namespace: "shop" })).toEqual([]);
});
