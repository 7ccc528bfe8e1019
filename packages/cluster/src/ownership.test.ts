import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubeObject, StoredObject } from "@threeport/resource";
import { targetOf } from "@threeport/client";
import { until } from "@threeport/engine/testing";
import {
  configMap,
  describeWithKubernetes,
  fresh,
  namespaceDocument,
  openSetPlane,
  startApiServer,
  type SetPlane,
  type TestApiServer,
} from "./testing/index.ts";

describeWithKubernetes("whose an object in a cluster is", () => {
  let server: TestApiServer;
  beforeAll(async () => {
    server = await startApiServer();
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  const open = (): Promise<SetPlane> => openSetPlane({ runtimes: { one: server.kubeconfig } });
  const live = (document: KubeObject): Promise<StoredObject | undefined> => server.live(document);

  test("C2: an object that was there before is refused and named, and its siblings come all the same", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const theirs = configMap("default", fresh("theirs"), { from: "somebody" });
    await server.client.create(targetOf(theirs), theirs);
    const mine = configMap("default", fresh("mine"));
    const set = await sets.create("mixed", [configMap("default", theirs.metadata.name, { from: "us" }), mine]);
    const condition = await sets.reason("mixed", "OwnedByAnother");
    expect(condition.message).toContain(`ConfigMap default/${theirs.metadata.name}`);
    expect(condition.message).toContain("adopt");
    await until("the sibling", () => live(mine));
    expect((await live(theirs))?.["data"]).toEqual({ from: "somebody" });
    const told = await sets.get("mixed");
    expect(told?.status?.conditions?.find(({ type }) => type === "Stalled")?.status).toBe("True");
    expect(told?.status?.counts).toMatchObject({ total: 2, applied: 1 });
    expect(told?.status?.worst?.[0]).toMatchObject({ name: theirs.metadata.name, state: "Degraded", reason: "OwnedByAnother" });
    await sets.delete("mixed");
    await sets.gone("mixed");
    expect(await live(theirs), "what was refused is not ours to remove").toBeDefined();
    expect(await live(mine)).toBeUndefined();
    expect(await sets.inventory(set)).toEqual([]);
  });

  test("adopt: IfUnowned takes an object over that nobody has: its fields are ours, what others set beside them stays", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const theirs = configMap("default", fresh("adopted"), { a: "theirs", b: "theirs" });
    const before = await server.client.create<StoredObject>(targetOf(theirs), theirs, { fieldManager: "somebody" });
    await sets.create("taker", [configMap("default", theirs.metadata.name, { a: "ours" })], { adopt: "IfUnowned" });
    await sets.ready("taker");
    const after = await live(theirs);
    expect(after?.metadata.uid).toBe(before.metadata.uid);
    expect(after?.["data"]).toEqual({ a: "ours", b: "theirs" });
    await sets.delete("taker");
    await sets.gone("taker");
    expect(await live(theirs), "it was ours to the end").toBeUndefined();
  });

  test("a namespace that was there before us is used and left: it may hold what is not ours", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const name = fresh("inhabited");
    await server.client.create(targetOf(namespaceDocument(name)), namespaceDocument(name));
    const set = await sets.create("guest", [namespaceDocument(name), configMap(name, "settings")], { adopt: "IfUnowned" });
    await sets.ready("guest");
    expect((await sets.inventory(set)).find((entry) => entry.detail.kind === "Namespace")?.detail.adopted).toBe(true);
    await sets.change("guest", () => ({ objects: [namespaceDocument(name), configMap(name, "settings", { changed: "yes" })] }));
    await sets.ready("guest");
    await sets.delete("guest");
    await sets.gone("guest");
    expect(await live(configMap(name, "settings"))).toBeUndefined();
    expect((await live(namespaceDocument(name)))?.metadata.deletionTimestamp).toBeUndefined();
  });

  test("an object of another set is refused, naming that set, even when adoption is asked for", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const contested = fresh("contested");
    await sets.create("first", [configMap("default", contested, { from: "first" })]);
    await sets.ready("first");
    await sets.create("second", [configMap("default", contested, { from: "second" })], { adopt: "IfUnowned" });
    const condition = await sets.reason("second", "OwnedByAnother");
    expect(condition.message).toContain("the ResourceSet default/first");
    expect((await live(configMap("default", contested)))?.["data"]).toEqual({ from: "first" });
    await sets.delete("second");
    await sets.gone("second");
    expect(await live(configMap("default", contested))).toBeDefined();
  });

  test("when the other set lets go, the refused one gets its turn by itself", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const contested = fresh("handed");
    await sets.create("first", [configMap("default", contested, { from: "first" })]);
    await sets.ready("first");
    await sets.create("second", [configMap("default", contested, { from: "second" })]);
    await sets.reason("second", "OwnedByAnother");
    await sets.delete("first");
    await sets.ready("second");
    expect((await live(configMap("default", contested)))?.["data"]).toEqual({ from: "second" });
  });

  test("what a set left behind on purpose is taken by one that is made anew under its name", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const kept = (value: string): KubeObject => configMap("default", name, { key: value }, { annotations: { "threeport.io/deletion-policy": "orphan" } });
    const name = fresh("kept");
    await sets.create("anew", [kept("1")]);
    await sets.ready("anew");
    const uid = (await live(kept("1")))?.metadata.uid;
    await sets.delete("anew");
    await sets.gone("anew");
    expect((await live(kept("1")))?.metadata.uid, "it stays").toBe(uid);
    await sets.create("anew", [kept("2")]);
    await sets.ready("anew");
    const after = await live(kept("2"));
    expect([after?.metadata.uid, after?.["data"]]).toEqual([uid, { key: "2" }]);
  });

  test("an object of another control plane is refused and that control plane named", async () => {
    await using sets = await open();
    await using others = await open();
    await using _replica = await sets.startReplica();
    await using otherReplica = await others.startReplica();
    const contested = fresh("abroad");
    await others.create("theirs", [configMap("default", contested)]);
    await others.ready("theirs");
    await otherReplica[Symbol.asyncDispose]();
    await sets.create("ours", [configMap("default", contested)], { adopt: "IfUnowned" });
    expect((await sets.reason("ours", "OwnedByAnother")).message).toContain(`another control plane (${others.controlPlaneId})`);
  });

  test("C2: a field that somebody took over later is ours again after the next apply, by force; a first apply never forces", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const name = fresh("forced");
    await sets.create("forced", [configMap("default", name, { key: "ours" })]);
    await sets.ready("forced");
    await server.client.apply(configMap("default", name, { key: "theirs" }), { fieldManager: "somebody", force: true });
    await until("our value", async () => ((await live(configMap("default", name)))?.["data"] as { key?: string } | undefined)?.key === "ours");
  });

  test("§5.6: the runtime of a set cannot be changed, since its objects would be left behind", async () => {
    await using sets = await openSetPlane({ runtimes: { one: server.kubeconfig, two: server.kubeconfig } });
    const set = await sets.create("bound", [configMap("default", fresh("bound"))]);
    await expect(sets.plane.objects.commit(set, { ...set, spec: { ...set.spec, runtime: "two" } })).rejects.toMatchObject({
      code: "TP_INVALID",
      causes: [{ field: "spec.runtime" }],
    });
  });
});
