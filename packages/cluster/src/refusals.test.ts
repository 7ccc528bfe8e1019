import { afterAll, beforeAll, expect, test } from "vitest";
import { systemRandom } from "@threeport/platform";
import type { KubeObject, StoredObject } from "@threeport/resource";
import { targetOf } from "@threeport/client";
import { until } from "@threeport/engine/testing";
import {
  configMap,
  customResourceDefinition,
  describeWithKubernetes,
  fresh,
  namespaceDocument,
  openFaultProxy,
  openSetPlane,
  startApiServer,
  type SetPlane,
  type TestApiServer,
} from "./testing/index.ts";

describeWithKubernetes("what a cluster refuses", () => {
  let server: TestApiServer;
  beforeAll(async () => {
    server = await startApiServer({ controllers: ["resourcequota", "endpointslice"] });
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  const open = (): Promise<SetPlane> => openSetPlane({ runtimes: { one: server.kubeconfig } });
  const live = (document: KubeObject): Promise<StoredObject | undefined> => server.live(document);
  const anywhere = (kind: string, name: string, namespace?: string): KubeObject => ({
    apiVersion: "example.com/v1",
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), annotations: { "threeport.io/ignore-healthcheck": "true" } },
    spec: { size: 1 },
  });

  const scopes = [
    { scope: "Namespaced", namespace: undefined, because: "where the object goes is only known when its kind is" },
    { scope: "Namespaced", namespace: "default", because: "the document says where" },
    { scope: "Cluster", namespace: undefined, because: "it has no namespace" },
    { scope: "Cluster", namespace: "default", because: "the document is wrong about its own kind, as documents are" },
  ] as const;
  for (const { scope, namespace, because } of scopes) {
    test(`a kind that the cluster does not know is named; once a definition comes (${scope}), the object of ${namespace ?? "no namespace"} comes too (${because})`, async () => {
      await using sets = await open();
      await using _replica = await sets.startReplica();
      const kind = `Late${systemRandom.suffix(4)}`;
      const set = await sets.create("early", [anywhere(kind, "thing", namespace), configMap("default", fresh("sibling"))]);
      const condition = await sets.reason("early", "UnknownKind");
      expect(condition.message).toContain(`${kind} in example.com/v1`);
      expect(condition.message).toContain("CustomResourceDefinition");
      const definition = customResourceDefinition(kind, scope);
      await sets.create("definition", [definition]);
      await sets.ready("definition");
      await sets.ready("early");
      const thing = anywhere(kind, "thing", scope === "Namespaced" ? "default" : undefined);
      const found = await until("the test's own client to know the kind", () => live(thing));
      expect(found.metadata.labels?.["threeport.io/owner"]).toBe(`${sets.controlPlaneId}.${set.metadata.uid}`);
      const entries = await sets.inventory(set);
      expect(
        entries.map((entry) => entry.state),
        "the entry of the time before is gone",
      ).toEqual(["applied", "applied"]);
      await sets.delete("early");
      await sets.gone("early");
      expect(await live(thing)).toBeUndefined();
    });
  }

  test("a document that does not fit its schema is explained with the field", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const service: KubeObject = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: fresh("wrong"), namespace: "default" },
      spec: { ports: [{ port: "eighty" }], selector: { app: "x" } },
    };
    const autoscaler: KubeObject = {
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: { name: fresh("wrong"), namespace: "default" },
      spec: { minReplicas: 3, maxReplicas: 1, scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "x" } },
    };
    await sets.create("typed", [service]);
    expect((await sets.reason("typed", "SchemaInvalid")).message).toMatch(/spec\.ports/);
    await sets.create("ranged", [autoscaler]);
    expect((await sets.reason("ranged", "SchemaInvalid")).message).toContain("spec.maxReplicas");
    // A corrected document is taken at once, however often the wrong one was refused.
    await sets.change("ranged", () => ({ objects: [{ ...autoscaler, spec: { ...(autoscaler["spec"] as object), maxReplicas: 5 } }] }));
    await until("the corrected one", () => live(autoscaler));
  });

  test("a quota that is used up is named with what is asked for and what is allowed, and raising it lets the object in", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const namespace = fresh("narrow");
    const quota: KubeObject = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "few", namespace }, spec: { hard: { "count/secrets": "0" } } };
    await server.client.create({ apiVersion: "v1", kind: "Namespace" }, namespaceDocument(namespace));
    await server.client.create(targetOf(quota), quota);
    await until("the quota to be counted", async () => ((await live(quota))?.["status"] as { hard?: object } | undefined)?.hard !== undefined);
    const secret: KubeObject = { apiVersion: "v1", kind: "Secret", metadata: { name: "one", namespace }, stringData: { password: "never-to-be-told" } };
    await sets.create("over", [secret]);
    const condition = await sets.reason("over", "QuotaExceeded");
    expect(condition.message).toContain('quota "few"');
    expect(condition.message).toContain("count/secrets=0");
    expect(JSON.stringify(await sets.get("over").then((set) => set?.status))).not.toContain("never-to-be-told");
    await server.client.patch(targetOf(quota), { spec: { hard: { "count/secrets": "5" } } });
    await sets.ready("over");
  });

  test("a namespace that is being deleted takes nothing in, and the set says so", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const namespace = fresh("leaving");
    await server.client.create({ apiVersion: "v1", kind: "Namespace" }, namespaceDocument(namespace)); // nobody runs that would finish its deletion
    await server.client.delete(targetOf(namespaceDocument(namespace)));
    await sets.create("late", [configMap(namespace, "settings")]);
    expect((await sets.reason("late", "NamespaceTerminating")).message).toContain(namespace);
  });

  test("a namespace that is not there is named", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const namespace = fresh("nowhere");
    await sets.create("homeless", [configMap(namespace, "settings")]);
    expect((await sets.reason("homeless", "NamespaceMissing")).message).toContain(namespace);
    await server.client.create({ apiVersion: "v1", kind: "Namespace" }, namespaceDocument(namespace));
    await sets.ready("homeless");
  });

  test("an object that was deleted and remade by somebody while we were away is theirs: it is refused, and left as it is", async () => {
    await using sets = await open();
    await using first = await sets.startReplica({ leaseMs: 1_000 }); // killed below: what it held is soon free
    const document = configMap("default", fresh("remade"), { key: "ours" });
    await sets.create("remade", [document]);
    await sets.ready("remade");
    await first.kill();
    await server.client.delete(targetOf(document));
    await server.client.create(targetOf(document), configMap("default", document.metadata.name, { key: "theirs" }));
    await using _second = await sets.startReplica();
    await sets.plane.store.queue.enqueue([{ queue: "resourcesets.threeport.io", key: "default/remade", priority: 2, mask: 0, delayMs: 0 }]);
    expect((await sets.reason("remade", "OwnedByAnother")).message).toContain(document.metadata.name);
    expect((await live(document))?.["data"]).toEqual({ key: "theirs" });
    // A later change of ours is still not by force.
    await sets.change("remade", () => ({ objects: [configMap("default", document.metadata.name, { key: "ours again" })] }));
    await until("the run after the change", async () => (await sets.get("remade"))?.status?.observedGeneration === 2);
    expect((await live(document))?.["data"]).toEqual({ key: "theirs" });
  });

  test("an object that was remade with our marks, as from a backup, is ours again under its new uid", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const document = configMap("default", fresh("restored"), { key: "ours" });
    const set = await sets.create("restored", [document]);
    await sets.ready("restored");
    const before = await live(document);
    const from = fresh("restored");
    await server.client.delete(targetOf(document));
    const copy: KubeObject = {
      ...document,
      metadata: { ...document.metadata, labels: before?.metadata.labels ?? {}, annotations: before?.metadata.annotations ?? {} },
      data: { key: from },
    };
    await server.client.create(targetOf(document), copy).catch(() => {}); // the set may have been quicker
    await until("the declared value under another uid", async () => {
      const now = await live(document);
      return (
        (now?.["data"] as { key?: string } | undefined)?.key === "ours" &&
        now?.metadata.uid !== before?.metadata.uid &&
        (await sets.inventory(set))[0]?.uid === now?.metadata.uid
      );
    });
    await sets.ready("restored");
  });

  test("an immutable field is explained", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const name = fresh("fixed");
    const job = (image: string): KubeObject => ({
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name, namespace: "default" },
      spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "main", image }] } } },
    });
    const set = await sets.create("fixed", [job("example.com/app:1")]);
    await until("it to be applied", async () => (await sets.inventory(set))[0]?.state === "applied");
    await sets.change("fixed", () => ({ objects: [job("example.com/app:2")] }));
    expect((await sets.reason("fixed", "ImmutableField")).message).toContain("spec.template");
  });

  test("C2: the manager that made the object in the same moment is named: a first apply is without force", async () => {
    await using proxy = await openFaultProxy(server);
    await using sets = await openSetPlane({ runtimes: { one: proxy.kubeconfig } });
    await using _replica = await sets.startReplica();
    const name = fresh("race");
    const held = proxy.hold(({ method, path }) => method === "PATCH" && path.endsWith(`/configmaps/${name}`));
    await sets.create("race", [configMap("default", name, { key: "ours" })]);
    await held.arrived;
    await server.client.apply(configMap("default", name, { key: "theirs" }), { fieldManager: "gitops" });
    held.release("forward");
    const condition = await until("the conflict", async () => {
      const events = await sets.plane.objects.list({ apiVersion: "v1", kind: "Event" });
      return events.find((event) => event["reason"] === "FieldManagerConflict");
    });
    expect(condition["message"]).toContain('"gitops"');
    expect(condition["message"]).toContain(".data.key");
    expect((await live(configMap("default", name)))?.["data"]).toEqual({ key: "theirs" });
  });

  test("C4: a Service that leads to no pod is a warning, and none any more when a pod is behind it", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const name = fresh("service");
    const service: KubeObject = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace: "default" },
      spec: { selector: { app: name }, ports: [{ port: 80 }] },
    };
    await sets.create(name, [service]);
    await sets.ready(name);
    const warnings = async (): Promise<readonly string[]> => (await sets.get(name))?.status?.warnings ?? [];
    await until("the warning", async () => (await warnings()).some((warning) => warning.includes(name) && warning.includes("selector matches no pod")));
    const account = { apiVersion: "v1", kind: "ServiceAccount", namespace: "default" };
    await server.client.create(account, { ...account, metadata: { name: "default" } });
    const node = { apiVersion: "v1", kind: "Node" };
    await server.client.create(node, { ...node, metadata: { name: "none" } });
    const pod = { apiVersion: "v1", kind: "Pod", namespace: "default" };
    await server.client.create(pod, {
      ...pod,
      metadata: { name, labels: { app: name } },
      spec: { nodeName: "none", containers: [{ name: "main", image: "example.com/app:1" }] },
    });
    await server.client.patch(
      { ...pod, name, subresource: "status" },
      { status: { phase: "Running", podIP: "10.1.2.3", podIPs: [{ ip: "10.1.2.3" }], conditions: [{ type: "Ready", status: "True" }] } },
    );
    await until("no warning", async () => (await warnings()).length === 0);
  });
});
