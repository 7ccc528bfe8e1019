import { afterAll, beforeAll, expect, test } from "vitest";
import { systemRandom } from "@threeport/platform";
import type { KubeObject, StoredObject } from "@threeport/resource";
import { until } from "@threeport/engine/testing";
import {
  configMap,
  customResourceDefinition,
  deployment,
  describeWithKubernetes,
  fresh,
  namespaceDocument,
  openFaultProxy,
  openSetPlane,
  startApiServer,
  type FaultProxy,
  type SetPlane,
  type TestApiServer,
} from "./testing/index.ts";

describeWithKubernetes("a ResourceSet in a real cluster", () => {
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

  test("C3: namespace, definition of a kind, object of that kind, settings and workload come in one set, whatever their order in it", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const namespace = fresh("order");
    const kind = `Gadget${systemRandom.suffix(4)}`;
    const definition = customResourceDefinition(kind);
    // Nobody reports on gadgets; without the annotation that would be waited for.
    const gadget: KubeObject = {
      apiVersion: "example.com/v1",
      kind,
      metadata: { name: "g", annotations: { "threeport.io/ignore-healthcheck": "true" } },
      spec: { size: 3 },
    };
    // No pod runs here; whether a Deployment is healthy is told elsewhere.
    const plain = deployment(namespace, "app");
    const app: KubeObject = { ...plain, metadata: { ...plain.metadata, annotations: { "threeport.io/ignore-healthcheck": "true" } } };
    const from = proxy.writes.length;
    await sets.create("all", [app, gadget, configMap(namespace, "settings"), definition, namespaceDocument(namespace)], { targetNamespace: namespace });
    const set = await sets.ready("all");
    const writes = proxy.writes.slice(from).map((write) => write.split("/").at(-2));
    expect(writes).toEqual(["namespaces", "customresourcedefinitions", "configmaps", "deployments", `${kind.toLowerCase()}s`]);
    expect((await live({ ...gadget, metadata: { name: "g", namespace } }))?.["spec"]).toEqual({ size: 3 });
    expect(set.status?.counts).toEqual({ total: 5, applied: 5, healthy: 5 });
    expect((await sets.inventory(set)).map((entry) => entry.state)).toEqual(["applied", "applied", "applied", "applied", "applied"]);
    // The kind is followed from the run on in which it came: drift of its objects is noticed without anybody's help.
    await server.client.patch({ apiVersion: "example.com/v1", kind, namespace, name: "g" }, { spec: { size: 4 } });
    await until(
      "the drift to be mended",
      async () => ((await live({ ...gadget, metadata: { name: "g", namespace } }))?.["spec"] as { size?: number } | undefined)?.size === 3,
    );
  });

  test("C1: objects carry the owner, the control plane and the way back, and one field manager of ours", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const document = configMap("default", fresh("marked"), { a: "1" }, { labels: { team: "blue" } });
    const set = await sets.create("marked", [document]);
    await sets.ready("marked");
    const found = await live(document);
    expect(found?.metadata.labels).toEqual({
      team: "blue",
      "threeport.io/owner": `${sets.controlPlaneId}.${set.metadata.uid}`,
      "threeport.io/control-plane": sets.controlPlaneId,
    });
    expect(found?.metadata.annotations).toEqual({ "threeport.io/resource-set": "default/marked" });
    expect((found?.metadata.managedFields as { manager: string; operation: string }[]).map(({ manager, operation }) => ({ manager, operation }))).toEqual([
      { manager: `threeport-${sets.controlPlaneId}`, operation: "Apply" },
    ]);
  });

  test("K3: a set that is as it should be writes nothing into the cluster, and nothing into the store", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const document = configMap("default", fresh("quiet"));
    await sets.create("quiet", [document]);
    const settled = await sets.ready("quiet");
    await until("the queue to be quiet", async () => (await sets.plane.rows("resourcesets.threeport.io")).due === 0);
    const from = proxy.writes.length;
    const before = await sets.get("quiet");
    const found = await live(document);
    await sets.plane.store.queue.enqueue([{ queue: "resourcesets.threeport.io", key: "default/quiet", priority: 2, mask: 0, delayMs: 0 }]);
    await until(
      "the periodic check",
      async () =>
        (await sets.plane.rows("resourcesets.threeport.io")).due === 0 &&
        ((await sets.plane.store.queue.nextDueMs(["resourcesets.threeport.io"])) ?? 0) > 1_000,
    );
    expect(await sets.get("quiet")).toEqual(before);
    expect(proxy.writes.slice(from)).toEqual([]);
    expect((await live(document))?.metadata.resourceVersion).toBe(found?.metadata.resourceVersion);
    expect(settled.status?.observedGeneration).toBe(1);
  });

  test("C2: later applies change our fields only: what others added stays, and what left our document goes", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const name = fresh("shared");
    await sets.create("shared", [configMap("default", name, { ours: "1", leaving: "x" })]);
    await sets.ready("shared");
    await server.client.patch(
      { apiVersion: "v1", kind: "ConfigMap", namespace: "default", name },
      { data: { theirs: "yes" }, metadata: { annotations: { "example.com/note": "kept" } } },
      { fieldManager: "somebody" },
    );
    await sets.change("shared", () => ({ objects: [configMap("default", name, { ours: "2" })] }));
    const found = await until("the change", async () => {
      const now = await live(configMap("default", name));
      return (now?.["data"] as { ours?: string } | undefined)?.ours === "2" ? now : undefined;
    });
    expect(found["data"]).toEqual({ ours: "2", theirs: "yes" });
    expect(found.metadata.annotations?.["example.com/note"]).toBe("kept");
  });

  test("C2: replicas belong to the autoscaler that targets an object, and ignored fields to whoever else sets them", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const name = fresh("scaled");
    const statefulSet = (image: string): KubeObject => ({
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { name, namespace: "default", annotations: { "threeport.io/ignore-fields": "spec.serviceName, spec.template.metadata.annotations" } },
      spec: {
        replicas: 1,
        serviceName: "not-ours",
        selector: { matchLabels: { app: name } },
        template: { metadata: { labels: { app: name }, annotations: { restarted: "never" } }, spec: { containers: [{ name: "main", image }] } },
      },
    });
    const autoscaler: KubeObject = {
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: { name, namespace: "default" },
      spec: { minReplicas: 2, maxReplicas: 9, scaleTargetRef: { apiVersion: "apps/v1", kind: "StatefulSet", name } },
    };
    await sets.create("scaled", [statefulSet("example.com/app:1"), autoscaler]);
    const first = await until("the workload", () => live(statefulSet("")));
    expect((first["spec"] as { serviceName?: string }).serviceName ?? "").toBe("");
    await server.client.patch(
      { apiVersion: "apps/v1", kind: "StatefulSet", namespace: "default", name, subresource: "scale" },
      { spec: { replicas: 7 } },
      { fieldManager: "autoscaler" },
    );
    await sets.change("scaled", () => ({ objects: [statefulSet("example.com/app:2"), autoscaler] }));
    const second = await until("the new image", async () => {
      const found = await live(statefulSet(""));
      return JSON.stringify(found).includes("app:2") ? found : undefined;
    });
    expect((second?.["spec"] as { replicas?: number } | undefined)?.replicas).toBe(7);
  });

  test("C3: objects of a higher wave come when all of the lower ones are healthy, not before", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const first = deployment("default", fresh("first"));
    const second = configMap("default", fresh("second"), {}, { annotations: { "threeport.io/wave": "1" } });
    const set = await sets.create("waves", [second, first]);
    await until("the first wave", async () => (await sets.inventory(set)).some((entry) => entry.state === "applied"));
    const told = await until("a status", async () => (await sets.get("waves"))?.status?.counts);
    expect(told).toMatchObject({ total: 2, applied: 1 });
    expect(await live(second)).toBeUndefined();
    const available = [
      { type: "Available", status: "True", reason: "MinimumReplicasAvailable", message: "" },
      { type: "Progressing", status: "True", reason: "NewReplicaSetAvailable", message: "" },
    ];
    await server.client.patch(
      { apiVersion: "apps/v1", kind: "Deployment", namespace: "default", name: first.metadata.name, subresource: "status" },
      { status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1, conditions: available } },
    );
    await sets.ready("waves");
    expect(await live(second)).toBeDefined();
  });

  test("500 objects of one set are there, counted, and go again", { timeout: 90_000 }, async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const prefix = fresh("many");
    const set = await sets.create(
      "many",
      Array.from({ length: 500 }, (_, index) => configMap("default", `${prefix}-${index}`)),
    );
    const ready = await sets.ready("many");
    expect(ready.status?.counts).toEqual({ total: 500, applied: 500, healthy: 500 });
    const selector = { labelSelector: `threeport.io/owner=${sets.controlPlaneId}.${set.metadata.uid}` };
    expect((await server.client.list({ apiVersion: "v1", kind: "ConfigMap" }, selector)).items).toHaveLength(500);
    await sets.delete("many");
    await sets.gone("many");
    expect((await server.client.list({ apiVersion: "v1", kind: "ConfigMap" }, selector)).items).toEqual([]);
    expect(await sets.inventory(set)).toEqual([]);
  });
});
