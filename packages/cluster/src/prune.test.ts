import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubeObject, StoredObject } from "@threeport/resource";
import { targetOf } from "@threeport/client";
import { until } from "@threeport/engine/testing";
import {
  configMap,
  deployment,
  describeWithKubernetes,
  fresh,
  openFaultProxy,
  openSetPlane,
  startApiServer,
  type FaultProxy,
  type SetPlane,
  type TestApiServer,
} from "./testing/index.ts";

describeWithKubernetes("what leaves a set", () => {
  let server: TestApiServer;
  let proxy: FaultProxy;
  beforeAll(async () => {
    server = await startApiServer();
    proxy = await openFaultProxy(server);
  });
  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  const open = (): Promise<SetPlane> => openSetPlane({ runtimes: { one: proxy.kubeconfig } });
  const live = (document: KubeObject): Promise<StoredObject | undefined> => server.live(document);

  test("C3: an object that left the list is removed, the others stay as they were", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const [stays, leaves] = [configMap("default", fresh("stays")), configMap("default", fresh("leaves"))];
    const set = await sets.create("shrinking", [stays, leaves]);
    await sets.ready("shrinking");
    const before = await live(stays);
    await sets.change("shrinking", () => ({ objects: [stays] }));
    await until("the removal", async () => (await live(leaves)) === undefined);
    expect((await sets.ready("shrinking")).status?.counts).toEqual({ total: 1, applied: 1, healthy: 1 });
    expect((await live(stays))?.metadata.resourceVersion).toBe(before?.metadata.resourceVersion);
    expect((await sets.inventory(set)).map((entry) => entry.detail.name)).toEqual([stays.metadata.name]);
  });

  test("C3: removal is by uid: a stranger's object that took the name meanwhile stays", async () => {
    await using sets = await open();
    const [stays, replaced] = [configMap("default", fresh("stays")), configMap("default", fresh("replaced"))];
    await using first = await sets.startReplica({ leaseMs: 1_000 }); // killed below: what it held is soon free
    await sets.create("careful", [stays, replaced]);
    await sets.ready("careful");
    await first.kill(); // nobody mends what follows
    await server.client.delete(targetOf(replaced));
    const stranger = await server.client.create<StoredObject>(targetOf(replaced), configMap("default", replaced.metadata.name, { from: "a stranger" }));
    await sets.change("careful", () => ({ objects: [stays] }));
    await using _second = await sets.startReplica();
    const set = await sets.ready("careful");
    await until("the inventory to forget it", async () => (await sets.inventory(set)).length === 1);
    expect((await live(replaced))?.metadata.uid).toBe(stranger.metadata.uid);
  });

  test("C3: not even a stranger's object that copied our labels is removed: the uid decides", async () => {
    await using sets = await open();
    const [stays, copied] = [configMap("default", fresh("stays")), configMap("default", fresh("copied"))];
    await using first = await sets.startReplica({ leaseMs: 1_000 }); // killed below: what it held is soon free
    await sets.create("copied", [stays, copied]);
    await sets.ready("copied");
    await first.kill();
    const ours = await live(copied);
    await server.client.delete(targetOf(copied));
    const copy = await server.client.create<StoredObject>(targetOf(copied), {
      ...copied,
      metadata: { ...copied.metadata, labels: ours?.metadata.labels, annotations: ours?.metadata.annotations },
    });
    await sets.delete("copied");
    await using _second = await sets.startReplica();
    await sets.gone("copied");
    expect((await live(copied))?.metadata.uid).toBe(copy.metadata.uid);
    expect(await live(stays)).toBeUndefined();
  });

  test("F12: a set that became empty removes nothing, and says so", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const kept = configMap("default", fresh("kept"));
    const set = await sets.create("emptied", [kept]);
    await sets.ready("emptied");
    await sets.change("emptied", () => ({ objects: [] }));
    const told = await until("the warning", async () => {
      const now = await sets.get("emptied");
      return now?.status?.observedGeneration === 2 ? now : undefined;
    });
    expect(told.status?.warnings).toEqual(["the set is empty, and an empty set removes nothing: delete the set to remove its objects"]);
    expect(await live(kept)).toBeDefined();
    expect(await sets.inventory(set)).toHaveLength(1);
    await sets.delete("emptied");
    await sets.gone("emptied");
    expect(await live(kept), "deleting the set removes it").toBeUndefined();
  });

  test("prune: false leaves what left the list, and forgets it", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const [stays, left] = [configMap("default", fresh("stays")), configMap("default", fresh("left"))];
    const set = await sets.create("unpruned", [stays, left], { prune: false });
    await sets.ready("unpruned");
    await sets.change("unpruned", () => ({ objects: [stays] }));
    await until("the inventory to forget it", async () => (await sets.inventory(set)).length === 1);
    await sets.delete("unpruned");
    await sets.gone("unpruned");
    expect(await live(left)).toBeDefined();
    expect(await live(stays)).toBeUndefined();
  });

  test("an object that is still going when it is wanted again comes back", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const [stays, back] = [configMap("default", fresh("stays")), configMap("default", fresh("back"))];
    const set = await sets.create("regret", [stays, back]);
    await sets.ready("regret");
    await server.client.patch(targetOf(back), { metadata: { finalizers: ["test.example.com/slow"] } });
    const first = await live(back);
    await sets.change("regret", () => ({ objects: [stays] }));
    await until("it to be going", async () => (await live(back))?.metadata.deletionTimestamp !== undefined);
    expect((await sets.reason("regret", "Pruning")).status).toBe("False");
    expect((await sets.inventory(set)).map((entry) => entry.state).toSorted()).toEqual(["applied", "pruning"]);
    await sets.change("regret", () => ({ objects: [stays, back] }));
    await until("the run after the change", async () => (await sets.get("regret"))?.status?.observedGeneration === 3);
    await server.client.patch(targetOf(back), { metadata: { finalizers: null } });
    await until("the second life", async () => {
      const now = await live(back);
      return now !== undefined && now.metadata.uid !== first?.metadata.uid;
    });
    await sets.ready("regret");
  });

  test("§5.7: deleting works from the inventory, in reverse order; what asks to be orphaned stays", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const settings = configMap("default", fresh("settings"));
    const kept = configMap("default", fresh("data"), {}, { annotations: { "threeport.io/deletion-policy": "orphan" } });
    const workload = deployment("default", fresh("app"));
    const set = await sets.create("torn", [settings, kept, workload]);
    await until("all of them", async () => (await sets.inventory(set)).filter((entry) => entry.state === "applied").length === 3);
    const from = proxy.writes.length;
    await sets.delete("torn");
    await sets.gone("torn");
    expect(
      proxy.writes
        .slice(from)
        .filter((write) => write.startsWith("DELETE"))
        .map((write) => write.split("/").at(-1)),
    ).toEqual([workload.metadata.name, settings.metadata.name]);
    expect(await live(kept)).toBeDefined();
    expect(await live(settings)).toBeUndefined();
    expect(await sets.inventory(set)).toEqual([]);
  });

  test("Q7: a removal that takes longer than the set's deadline is Stalled and names what is held, and still ends when that goes", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const held = configMap("default", fresh("held"));
    await sets.create("holding", [held], { progressDeadlineSeconds: 1 });
    await sets.ready("holding");
    await server.client.patch(targetOf(held), { metadata: { finalizers: ["test.example.com/slow"] } });
    await sets.delete("holding");
    const stalled = await until("the removal to be stalled", async () => {
      const condition = (await sets.get("holding"))?.status?.conditions?.find(({ type }) => type === "Stalled");
      return condition?.status === "True" ? condition : undefined;
    });
    expect(stalled.reason).toBe("Deleting");
    expect(stalled.message).toContain(held.metadata.name);
    expect(stalled.message).toContain("finalizers");
    await server.client.patch(targetOf(held), { metadata: { finalizers: null } });
    await sets.gone("holding");
    expect(await live(held)).toBeUndefined();
  });

  test("§5.7: a set under deletion-policy orphan goes alone, without a word to its cluster", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const kept = configMap("default", fresh("kept"));
    await sets.create("orphaning", [kept], {}, { annotations: { "threeport.io/deletion-policy": "orphan" } });
    await sets.ready("orphaning");
    const from = proxy.writes.length;
    await sets.delete("orphaning");
    await sets.gone("orphaning");
    expect(await live(kept)).toBeDefined();
    expect(proxy.writes.slice(from)).toEqual([]);
  });

  test("F12: a set that loses most of its objects at once keeps them until somebody confirms exactly that", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const name = fresh("shrunk");
    const documents = Array.from({ length: 14 }, (_, index) => configMap("default", `${name}-${index}`));
    const remaining = async (): Promise<number> => (await Promise.all(documents.map(live))).filter((object) => object !== undefined).length;
    const set = await sets.create(name, documents);
    await sets.ready(name);
    // Two are few enough.
    await sets.change(name, () => ({ objects: documents.slice(0, 12) }));
    await sets.ready(name);
    await until("two to go", async () => (await remaining()) === 12);
    await sets.change(name, () => ({ objects: documents.slice(0, 2) }));
    const told = await sets.reason(name, "PruneNeedsConfirmation");
    const token = /threeport\.io\/confirm-prune=([0-9a-f]{8});/.exec(told.message)?.[1] ?? "";
    expect(told.message).toContain("10 objects left the set at once");
    expect(await remaining()).toBe(12);
    const annotate = async (value: string): Promise<void> => {
      await until("the annotation", async () => {
        const found = await sets.get(name);
        if (found === undefined) return undefined;
        const metadata = { ...found.metadata, annotations: { "threeport.io/confirm-prune": value } };
        return sets.plane.objects.commit(found, { ...found, metadata });
      });
    };
    // A confirmation of something else is none; a change that puts them back needs none.
    await annotate("00000000");
    await sets.change(name, () => ({ objects: documents.slice(0, 12) }));
    await sets.ready(name);
    expect(await remaining()).toBe(12);
    await sets.change(name, () => ({ objects: documents.slice(0, 2) }));
    await sets.reason(name, "PruneNeedsConfirmation");
    expect(await remaining()).toBe(12);
    await annotate(token);
    await sets.ready(name);
    await until("them to go", async () => (await remaining()) === 2);
    expect(await sets.inventory(set)).toHaveLength(2);
  });
});
