import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "@threeport/platform";
import type { KubeObject, StoredObject } from "@threeport/resource";
import { targetOf, type WatchEvent } from "@threeport/client";
import { until } from "@threeport/engine/testing";
import { treeOfEntries } from "./index.ts";
import { configMap, describeWithKubernetes, fresh, openFaultProxy, openSetPlane, startApiServer, type TestApiServer } from "./testing/index.ts";

/** Short, so that what a killed process held is free again soon. */
const leaseMs = 1_000;

describeWithKubernetes("faults between us and a cluster", () => {
  let server: TestApiServer;
  beforeAll(async () => {
    server = await startApiServer();
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  const live = (document: KubeObject): Promise<StoredObject | undefined> => server.live(document);
  const valueOf = async (document: KubeObject): Promise<string | undefined> => ((await live(document))?.["data"] as { key?: string } | undefined)?.key;
  /** As the cluster tells them, beginning with what there is. */
  const changesOf = ({ metadata }: KubeObject): Promise<AsyncIterable<WatchEvent<StoredObject>>> =>
    server.client.openWatch("/api/v1/namespaces/default/configmaps", { fieldSelector: `metadata.name=${metadata.name}` });
  const applyOf =
    (name: string) =>
    (call: { method: string; path: string }): boolean =>
      call.method === "PATCH" && call.path.endsWith(`/configmaps/${name}`);

  test("F6: a cluster that is away fails fast and is named; another one is unaffected; when it is back, everything goes on by itself and nothing was deleted", async () => {
    await using proxy = await openFaultProxy(server);
    await using sets = await openSetPlane({ runtimes: { one: proxy.kubeconfig, two: server.kubeconfig } });
    await using _replica = await sets.startReplica();
    const [here, there] = [configMap("default", fresh("here"), { key: "1" }), configMap("default", fresh("there"), { key: "1" })];
    await sets.create("away", [here]);
    await sets.create("beside", [there], { runtime: "two" });
    await Promise.all([sets.ready("away"), sets.ready("beside")]);
    const uid = (await live(here))?.metadata.uid;

    await proxy.down();
    const startedMs = performance.now();
    await sets.change("away", () => ({ objects: [configMap("default", here.metadata.name, { key: "2" })] }));
    const told = await sets.reason("away", "RuntimeUnreachable");
    expect(performance.now() - startedMs, "a refused connection needs no time-out").toBeLessThan(5_000);
    expect(told.message).toContain("127.0.0.1");
    expect(told.message).toContain("connection refused");
    await sets.change("beside", () => ({ objects: [configMap("default", there.metadata.name, { key: "2" })] }));
    const besideMs = performance.now();
    await until("the other cluster", async () => (await valueOf(there)) === "2");
    expect(performance.now() - besideMs).toBeLessThan(3_000);

    await proxy.up();
    await until("the change", async () => (await valueOf(here)) === "2");
    await sets.ready("away");
    expect((await live(here))?.metadata.uid, "nothing was made anew").toBe(uid);
  });

  test("F6: a set that is deleted while its cluster is away waits, and takes its objects along when it is back", async () => {
    await using proxy = await openFaultProxy(server);
    await using sets = await openSetPlane({ runtimes: { one: proxy.kubeconfig } });
    await using _replica = await sets.startReplica();
    const document = configMap("default", fresh("leaving"));
    await sets.create("leaving", [document]);
    await sets.ready("leaving");
    await proxy.down();
    await sets.delete("leaving");
    await sets.reason("leaving", "RuntimeUnreachable");
    await proxy.up();
    await sets.gone("leaving");
    expect(await live(document)).toBeUndefined();
  });

  test("F3: watches that broke are taken up again: drift after the break is mended", async () => {
    await using proxy = await openFaultProxy(server);
    await using sets = await openSetPlane({ runtimes: { one: proxy.kubeconfig } });
    await using _replica = await sets.startReplica();
    const [edited, deleted] = [configMap("default", fresh("edited"), { key: "declared" }), configMap("default", fresh("deleted"))];
    await sets.create("watched", [edited, deleted]);
    await sets.ready("watched");
    await proxy.down();
    await server.client.patch(targetOf(edited), { data: { key: "edited while nobody looked" } });
    await server.client.delete(targetOf(deleted));
    await proxy.up();
    await until("both to be as declared", async () => (await valueOf(edited)) === "declared" && (await live(deleted)) !== undefined);
  });

  test("F2: the cluster made the object and the answer was lost: the next run finds it by our mark, and makes nothing twice", async () => {
    await using proxy = await openFaultProxy(server);
    await using sets = await openSetPlane({ runtimes: { one: proxy.kubeconfig } });
    await using _replica = await sets.startReplica();
    const document = configMap("default", fresh("lost"));
    const lost = proxy.loseAnswers(applyOf(document.metadata.name), 2); // the client tries once more by itself
    const set = await sets.create("lost", [document]);
    await lost;
    const made = await live(document);
    expect(made, "the cluster has it").toBeDefined();
    await sets.ready("lost");
    const entries = await sets.inventory(set);
    expect(entries.map((entry) => [entry.state, entry.uid])).toEqual([["applied", made?.metadata.uid]]);
    expect((await live(document))?.metadata.uid).toBe(made?.metadata.uid);
  });

  test("§5.5, F11: an object whose answer was lost and which is no longer wanted is found by its pending entry, and removed", async () => {
    await using proxy = await openFaultProxy(server);
    await using sets = await openSetPlane({ runtimes: { one: proxy.kubeconfig } });
    const [wanted, unwanted] = [configMap("default", fresh("wanted")), configMap("default", fresh("unwanted"))];
    await using first = await sets.startReplica({ leaseMs });
    const lost = proxy.loseAnswers(applyOf(unwanted.metadata.name), 2);
    const set = await sets.create("changed-mind", [unwanted]);
    await lost;
    await first.kill();
    expect((await sets.inventory(set)).map((entry) => [entry.state, entry.uid])).toEqual([["pending", ""]]);
    expect(await live(unwanted)).toBeDefined();
    await sets.change("changed-mind", () => ({ objects: [wanted] }));
    await using _second = await sets.startReplica({ leaseMs });
    await until("nothing to be orphaned", async () => (await live(unwanted)) === undefined && (await live(wanted)) !== undefined);
    await sets.ready("changed-mind");
    expect((await sets.inventory(set)).map((entry) => entry.detail.name)).toEqual([wanted.metadata.name]);
  });

  test("§5.5: killed between the write-ahead and the apply: the pending entry stands, and the next process makes the object once", async () => {
    await using proxy = await openFaultProxy(server);
    await using sets = await openSetPlane({ runtimes: { one: proxy.kubeconfig } });
    const document = configMap("default", fresh("between"));
    await using first = await sets.startReplica({ leaseMs });
    const held = [proxy.hold(applyOf(document.metadata.name)), proxy.hold(applyOf(document.metadata.name))]; // the client tries once more by itself
    const set = await sets.create("between", [document]);
    await held[0]?.arrived;
    const killed = first.kill();
    expect((await sets.inventory(set)).map((entry) => [entry.state, entry.uid])).toEqual([["pending", ""]]);
    for (const request of held) request.release("drop");
    await killed;
    expect(await live(document)).toBeUndefined();
    await using _second = await sets.startReplica({ leaseMs });
    await sets.ready("between");
    expect((await sets.inventory(set)).map((entry) => entry.uid)).toEqual([(await live(document))?.metadata.uid]);
  });

  test("§5.5: a write of a dead process that reaches the cluster late changes nothing in the end: one object, one entry", async () => {
    await using proxy = await openFaultProxy(server);
    await using sets = await openSetPlane({ runtimes: { one: proxy.kubeconfig } });
    const document = configMap("default", fresh("late"), { key: "1" });
    await using first = await sets.startReplica({ leaseMs });
    const held = proxy.hold(applyOf(document.metadata.name));
    const set = await sets.create("late", [document]);
    await held.arrived;
    await first.cut();
    await sets.change("late", () => ({ objects: [configMap("default", document.metadata.name, { key: "2" })] }));
    await using _second = await sets.startReplica({ leaseMs });
    await until("the newer state", async () => (await valueOf(document)) === "2");
    const values = await changesOf(document);
    held.release("forward"); // the old state, from the grave
    const seen: unknown[] = [];
    for await (const { object } of values) {
      seen.push((object["data"] as { key?: string }).key);
      if (seen.length > 1 && seen.at(-1) === "2") break;
    }
    expect(seen).toEqual(["2", "1", "2"]);
    await first.kill();
    await sets.ready("late");
    expect((await sets.inventory(set)).map((entry) => [entry.state, entry.uid])).toEqual([["applied", (await live(document))?.metadata.uid]]);
  });

  test("F4: a create of a lost run that reaches the cluster after its object is not wanted any more is removed, and no picture shows it meanwhile", async () => {
    await using proxy = await openFaultProxy(server);
    await using sets = await openSetPlane({ runtimes: { one: proxy.kubeconfig } });
    const [wanted, unwanted] = [configMap("default", fresh("wanted")), configMap("default", fresh("ghost"))];
    await using first = await sets.startReplica({ leaseMs });
    const held = proxy.hold(applyOf(unwanted.metadata.name));
    const set = await sets.create("late-create", [unwanted]);
    await held.arrived;
    await first.cut();
    await sets.change("late-create", () => ({ objects: [wanted] }));
    await using _second = await sets.startReplica({ leaseMs });
    await sets.ready("late-create");
    expect(await live(unwanted), "the call is still on its way").toBeUndefined();
    const entries = await sets.inventory(set);
    expect(entries.map((entry) => entry.detail.name).toSorted(), "it is still looked for").toEqual([unwanted.metadata.name, wanted.metadata.name].toSorted());
    expect(treeOfEntries(entries, undefined, systemClock.now()).map(({ name }) => name)).toEqual([wanted.metadata.name]);
    const changes = await changesOf(unwanted);
    held.release("forward");
    const seen: string[] = [];
    for await (const { type } of changes) {
      seen.push(type);
      if (type === "DELETED") break;
    }
    expect(seen[0], "the cluster made it").toBe("ADDED");
    await first.kill();
    await sets.ready("late-create");
    expect(await live(unwanted)).toBeUndefined();
  });

  test("§5.7: a set that is deleted after its process was killed between write-ahead and apply leaves nothing behind", async () => {
    await using proxy = await openFaultProxy(server);
    await using sets = await openSetPlane({ runtimes: { one: proxy.kubeconfig } });
    const document = configMap("default", fresh("orphan"));
    await using first = await sets.startReplica({ leaseMs });
    const lost = proxy.loseAnswers(applyOf(document.metadata.name), 2);
    const set = await sets.create("orphan", [document]);
    await lost;
    await first.kill();
    await sets.delete("orphan");
    await using _second = await sets.startReplica({ leaseMs });
    await sets.gone("orphan");
    expect(await live(document)).toBeUndefined();
    expect(await sets.inventory(set)).toEqual([]);
  });

  test("C4: a cluster that answers nothing at all holds up no other one, and goes on when it answers", { timeout: 90_000 }, async () => {
    await using proxy = await openFaultProxy(server);
    await using sets = await openSetPlane({ runtimes: { one: proxy.kubeconfig, two: server.kubeconfig } });
    await using _replica = await sets.startReplica();
    const there = configMap("default", fresh("there"));
    const names = Array.from({ length: 20 }, (_, index) => `silent-${index}`);
    const held = names.map(() => proxy.hold(({ method }) => method === "PATCH"));
    await Promise.all(names.map((name) => sets.create(name, [configMap("default", fresh("silent"))])));
    await held[0]?.arrived;
    const startedMs = performance.now();
    await sets.create("quick", [there], { runtime: "two" });
    await sets.ready("quick");
    expect(performance.now() - startedMs, "a call to the silent one may take twenty").toBeLessThan(8_000);
    for (const request of held) request.release("forward");
    for (const name of names) await sets.ready(name);
  });

  test("stopping in the middle of an apply writes no refusal: nobody is told that the cluster said no", async () => {
    await using proxy = await openFaultProxy(server);
    await using sets = await openSetPlane({ runtimes: { one: proxy.kubeconfig } });
    const document = configMap("default", fresh("stopped"));
    const first = await sets.startReplica();
    const held = proxy.hold(applyOf(document.metadata.name));
    await sets.create("stopped", [document]);
    await held.arrived;
    await first[Symbol.asyncDispose]();
    held.release("drop");
    const events = await sets.plane.objects.list({ apiVersion: "v1", kind: "Event" });
    expect(events.filter((event) => event["type"] === "Warning")).toEqual([]);
    await using _second = await sets.startReplica();
    await sets.ready("stopped");
  });

  const storms = [
    { name: "429 with Retry-After", answer: { status: 429, headers: { "retry-after": "1" } } },
    { name: "503 without", answer: { status: 503 } },
    { name: "500", answer: { status: 500 } },
  ];
  test.for(storms)("F6: a storm of $name is waited out: no hammering, no refusal, no repair by deleting, and all goes on by itself", async ({ answer }) => {
    await using proxy = await openFaultProxy(server);
    await using sets = await openSetPlane({ runtimes: { one: proxy.kubeconfig } });
    await using _replica = await sets.startReplica();
    const document = configMap("default", fresh("storm"), { key: "1" });
    const name = fresh("storm");
    await sets.create(name, [document]);
    await sets.ready(name);
    const uid = (await live(document))?.metadata.uid;
    const stormMs = 3_000;
    {
      using _storm = proxy.answer(({ path }) => path.includes("/api/v1/namespaces/"), answer);
      const from = proxy.calls.length;
      await sets.change(name, () => ({ objects: [configMap("default", document.metadata.name, { key: "2" })] }));
      await until("the storm to be told", async () => {
        const ready = (await sets.get(name))?.status?.conditions?.find((condition) => condition.type === "Ready");
        return ready?.status === "False";
      });
      await systemClock.sleep(stormMs); // what is asked meanwhile is counted
      expect(proxy.calls.length - from, "calls in a storm").toBeLessThan(40);
      expect(proxy.calls.slice(from).some((call) => call.method === "DELETE")).toBe(false);
    }
    await until("the change", async () => (await valueOf(document)) === "2");
    await sets.ready(name);
    expect((await live(document))?.metadata.uid).toBe(uid);
  });

  test("F6: a cluster whose every answer takes seconds still gets what is wanted, one by one, and holds up no other", { timeout: 60_000 }, async () => {
    await using proxy = await openFaultProxy(server);
    await using sets = await openSetPlane({ runtimes: { one: proxy.kubeconfig, two: server.kubeconfig } });
    await using _replica = await sets.startReplica();
    const [here, there] = [configMap("default", fresh("slow")), configMap("default", fresh("quick"))];
    using _slow = proxy.slow(() => true, 2_500);
    await sets.create("slow", [here]);
    const startedMs = performance.now();
    await sets.create("quick", [there], { runtime: "two" });
    await sets.ready("quick");
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    await until("the object of the slow one", async () => (await live(here)) !== undefined, 40_000);
  });
});
