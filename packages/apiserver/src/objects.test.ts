import { expect, test } from "vitest";
import { isErrorCode, type KubeObject } from "@threeport/resource";
import { createObjects } from "./objects.ts";
import { shelf, widget } from "./testing/paths.ts";
import { openTestApi } from "./testing/test-api.ts";

const target = { apiVersion: "test.threeport.io/v1alpha1", kind: "Widget", namespace: "default", name: "a" };
const inDefault = (object: KubeObject): KubeObject => ({ ...object, metadata: { ...object.metadata, namespace: "default" } });

test("in process, objects are read and written under the same admission as over HTTP", async () => {
  await using api = await openTestApi();
  expect(await api.objects.get(target)).toBeUndefined();
  await expect(api.objects.create(inDefault(widget("a", { shelf: "nowhere" })))).rejects.toSatisfy((error) => isErrorCode(error, "TP_INVALID"));
  await expect(api.objects.create(inDefault(widget("a", { colour: "red" })))).rejects.toSatisfy((error) => isErrorCode(error, "TP_BAD_REQUEST"));
  const made = await api.objects.create(inDefault(widget("a", { size: 2 })));
  expect([await api.objects.get(target), await api.objects.list({ apiVersion: target.apiVersion, kind: "Widget" })]).toEqual([made, [made]]);
  await expect(api.objects.create(inDefault(widget("a")))).rejects.toSatisfy((error) => isErrorCode(error, "TP_ALREADY_EXISTS"));
  await expect(api.objects.get({ apiVersion: "v9", kind: "Nothing", name: "x" })).rejects.toSatisfy((error) => isErrorCode(error, "TP_NOT_FOUND"));
});

test("apply creates, then changes only what differs, and keeps what others added to the metadata", async () => {
  await using api = await openTestApi();
  const wanted = inDefault(widget("a", { size: 2 }, { labels: { ours: "yes" } }));
  const first = await api.objects.apply(wanted);
  expect((await api.objects.apply(wanted)).metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  await api.call("PATCH", "/apis/test.threeport.io/v1alpha1/namespaces/default/widgets/a", {
    body: { metadata: { labels: { theirs: "yes" }, finalizers: ["test.threeport.io/theirs"] } },
  });
  const second = await api.objects.apply({ ...wanted, spec: { size: 3 } });
  expect(second).toMatchObject({ spec: { size: 3 }, metadata: { labels: { ours: "yes", theirs: "yes" }, finalizers: ["test.threeport.io/theirs"] } });
  const applied = await Promise.all(Array.from({ length: 10 }, () => api.objects.apply(inDefault(widget("together")))));
  expect(new Set(applied.map((object) => object.metadata.uid)).size).toBe(1);
});

test("K4: commit and patchStatus hold for the version that was read", async () => {
  await using api = await openTestApi();
  const read = await api.objects.create(inDefault(widget("a", { size: 1 })));
  const newer = await api.objects.commit(read, { ...read, spec: { size: 2 } });
  expect(newer).toMatchObject({ spec: { size: 2 }, metadata: { generation: 2 } });
  await expect(api.objects.commit(read, { ...read, spec: { size: 3 } })).rejects.toSatisfy((error) => isErrorCode(error, "TP_VERSION_CONFLICT"));
  await expect(api.objects.patchStatus({ ...read, status: { ready: true } })).rejects.toSatisfy((error) => isErrorCode(error, "TP_VERSION_CONFLICT"));
  if (newer === undefined) throw new Error("the object is gone");
  expect(await api.objects.commit(newer, newer)).toBe(newer);
  expect(await api.objects.patchStatus({ ...newer, status: { ready: true } })).toMatchObject({
    spec: { size: 2 },
    status: { ready: true },
    metadata: { generation: 2 },
  });
});

test("K5: commit of a deleted object without its last finalizer removes it and answers undefined", async () => {
  await using api = await openTestApi();
  await api.objects.create(inDefault(widget("a", {}, { finalizers: ["test.threeport.io/hold"] })));
  await api.objects.delete(target);
  const marked = await api.objects.get(target);
  if (marked === undefined) throw new Error("the finalizer did not hold it");
  expect(await api.objects.commit(marked, { ...marked, metadata: { ...marked.metadata, finalizers: [] } })).toBeUndefined();
  expect(await api.objects.get(target)).toBeUndefined();
  await api.objects.delete(target); // what is not there need not be deleted
});

test("Q3: a write under a lease that is gone is refused, and nothing is written", async () => {
  await using api = await openTestApi();
  await api.objects.create(shelf("one"));
  const stale = createObjects(api.context, {
    user: { name: "engine", groups: ["system:masters"] },
    author: { priority: 1, fence: { queue: "shelves.test.threeport.io", key: "one", token: 1 } },
  });
  await expect(stale.apply(shelf("two"))).rejects.toSatisfy((error) => isErrorCode(error, "TP_LEASE_LOST"));
  await expect(stale.delete({ apiVersion: "test.threeport.io/v1alpha1", kind: "Shelf", name: "one" })).rejects.toSatisfy((error) =>
    isErrorCode(error, "TP_LEASE_LOST"),
  );
  expect((await api.objects.list({ apiVersion: "test.threeport.io/v1alpha1", kind: "Shelf" })).map((object) => object.metadata.name)).toEqual(["one"]);
});
