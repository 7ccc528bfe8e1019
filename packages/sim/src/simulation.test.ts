import { createClient, type KubeClient } from "@threeport/client";
import type { KubeObject, StoredObject } from "@threeport/resource";
import { expect, test } from "vitest";
import { controllerKey, type Controller } from "./controller.ts";
import { startSimulation, type Simulation, type SimulationOptions } from "./simulation.ts";

const startMs = Date.parse("2026-01-01T00:00:00Z");

async function simulate(options: SimulationOptions = {}, ...names: readonly string[]): Promise<Simulation> {
  const simulation = await startSimulation({ startMs, ...options });
  for (const name of names.length === 0 ? ["one"] : names) await simulation.addCluster(name);
  await simulation.time.settle();
  return simulation;
}

function clientOf(simulation: Simulation, name = "one"): KubeClient {
  const cluster = simulation.clusters.get(name);
  if (cluster === undefined) throw new Error(`there is no cluster ${name}`);
  return createClient({ server: cluster.server, caData: simulation.caPem, token: cluster.token });
}

function deployment(name: string, change: { readonly spec?: object; readonly metadata?: object } = {}): KubeObject {
  const labels = { app: name };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace: "default", ...change.metadata },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "main", image: "example.com/app:1" }] } },
      ...change.spec,
    },
  };
}

const configMaps = { apiVersion: "v1", kind: "ConfigMap" };
const inDefault = { ...configMaps, namespace: "default" };

test("clusters of one listener know nothing of each other: objects, tokens and definitions are each one's own", async () => {
  await using simulation = await simulate({}, "one", "two");
  await using one = clientOf(simulation, "one");
  await using two = clientOf(simulation, "two");
  await one.create(inDefault, { ...configMaps, metadata: { name: "only-here", namespace: "default" } });
  expect((await one.list(inDefault)).items).toHaveLength(1);
  expect((await two.list(inDefault)).items).toEqual([]);
  const stranger = simulation.clusters.get("two");
  await using wrong = createClient({ server: simulation.clusters.get("one")?.server ?? "", caData: simulation.caPem, token: stranger?.token ?? "" });
  await expect(wrong.list(inDefault)).rejects.toMatchObject({ code: "TP_UNAUTHORIZED" });
  await using nowhere = createClient({ server: `https://127.0.0.1:${simulation.port}/clusters/three`, caData: simulation.caPem, token: "x" });
  await expect(nowhere.request("/version")).rejects.toMatchObject({ message: expect.stringContaining("no simulated cluster three") as unknown });
});

test("a new cluster has what every Kubernetes has: its version, namespaces with a service account each, roles, and the kinds of workloads", async () => {
  await using simulation = await simulate({ gitVersion: "v1.33.2" });
  await using client = clientOf(simulation);
  expect((await client.request("/version")).body).toMatchObject({ major: "1", minor: "33", gitVersion: "v1.33.2" });
  const namespaces = await client.list({ apiVersion: "v1", kind: "Namespace" });
  expect(namespaces.items.map(({ metadata }) => metadata.name)).toEqual(["default", "kube-node-lease", "kube-public", "kube-system"]);
  const accounts = await client.list({ apiVersion: "v1", kind: "ServiceAccount" });
  expect(accounts.items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)).toContain("kube-system/default");
  const discovery = await client.discover();
  for (const [apiVersion, kind] of [
    ["apps/v1", "Deployment"],
    ["batch/v1", "CronJob"],
    ["autoscaling/v2", "HorizontalPodAutoscaler"],
    ["networking.k8s.io/v1", "Ingress"],
    ["policy/v1", "PodDisruptionBudget"],
    ["storage.k8s.io/v1", "StorageClass"],
    ["coordination.k8s.io/v1", "Lease"],
    ["rbac.authorization.k8s.io/v1", "ClusterRole"],
  ] as const)
    expect(await client.resourcePath({ group: apiVersion.split("/")[0] ?? "", version: apiVersion.split("/")[1] ?? "", kind }), kind).toContain(apiVersion);
  expect(discovery).toBeDefined();
});

test("a Deployment gets what kube-apiserver fills in, keeps a zero that was sent, and is refused where its selector changes or does not fit", async () => {
  await using simulation = await simulate();
  await using client = clientOf(simulation);
  const kind = { apiVersion: "apps/v1", kind: "Deployment" };
  const created = await client.create<StoredObject & { spec: Record<string, unknown> }>(
    { ...kind, namespace: "default" },
    deployment("web", { spec: { replicas: 0 } }),
  );
  expect(created.spec).toMatchObject({
    replicas: 0,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" } },
    template: {
      spec: {
        restartPolicy: "Always",
        dnsPolicy: "ClusterFirst",
        containers: [{ name: "main", terminationMessagePath: "/dev/termination-log", imagePullPolicy: "IfNotPresent", resources: {} }],
      },
    },
  });
  expect(created.metadata).toMatchObject({ generation: 1, creationTimestamp: "2026-01-01T00:00:00Z" });
  await expect(
    client.create({ ...kind, namespace: "default" }, deployment("other", { spec: { selector: { matchLabels: { app: "different" } } } })),
  ).rejects.toMatchObject({
    message: expect.stringContaining("spec.template.metadata.labels") as unknown,
  });
  const moved = deployment("web", { spec: { selector: { matchLabels: { app: "web", tier: "x" } } } });
  await expect(client.apply(moved, { fieldManager: "test", force: true })).rejects.toThrow();
});

test("a namespace that is deleted is emptied and goes; what an owner leaves behind is collected", async () => {
  await using simulation = await simulate();
  await using client = clientOf(simulation);
  await client.create({ apiVersion: "v1", kind: "Namespace" }, { apiVersion: "v1", kind: "Namespace", metadata: { name: "team" } });
  const owner = await client.create(inDefault, { ...configMaps, metadata: { name: "owner", namespace: "default" } });
  const ownerReferences = [{ ...configMaps, name: "owner", uid: owner.metadata.uid ?? "" }];
  await client.create(inDefault, { ...configMaps, metadata: { name: "owned", namespace: "default", ownerReferences } });
  await client.create({ ...configMaps, namespace: "team" }, { ...configMaps, metadata: { name: "inside", namespace: "team" } });
  await simulation.time.settle();
  const cluster = simulation.clusters.get("one");
  await cluster?.objects.delete({ ...configMaps, namespace: "default", name: "owner" });
  await cluster?.objects.delete({ apiVersion: "v1", kind: "Namespace", name: "team" });
  await simulation.time.advance(5_000);
  expect((await client.list(configMaps)).items).toEqual([]);
  expect((await client.list({ apiVersion: "v1", kind: "Namespace" })).items.map(({ metadata }) => metadata.name)).not.toContain("team");
});

test("controllers run on virtual time: nothing before it is due, then all of it, and an error is tried again", async () => {
  const seen: string[] = [];
  let failures = 2;
  const controller: Controller = {
    name: "test",
    watches: [{ resource: "configmaps" }, { resource: "secrets", keys: controllerKey("ConfigMap") }],
    async reconcile({ time }, { text }) {
      if (failures-- > 0) throw new Error("not yet");
      seen.push(`${text} after ${time.now() - startMs} ms`);
      return seen.length < 3 ? { afterMs: 60_000 } : undefined;
    },
  };
  await using simulation = await simulate({ controllers: [controller] });
  await simulation.clusters.get("one")?.objects.create({ ...configMaps, metadata: { name: "thing", namespace: "default" } });
  expect(seen).toEqual([]);
  await simulation.time.settle();
  expect(seen).toEqual([]);
  await simulation.time.advance(150);
  expect(seen).toEqual(["default/thing after 150 ms"]);
  await simulation.time.advance(3_600_000);
  expect(seen.slice(1)).toEqual(["default/thing after 60150 ms", "default/thing after 120150 ms"]);
  expect(simulation.time.now() - startMs).toBe(3_600_150);
});

test("the same seed gives the same cluster, another one another", async () => {
  const uidOf = async (seed: string): Promise<string> => {
    await using simulation = await simulate({ seed });
    const found = await simulation.clusters.get("one")?.objects.list({ apiVersion: "v1", kind: "ServiceAccount" });
    return JSON.stringify(found?.map(({ metadata }) => [metadata.namespace, metadata.uid]));
  };
  const first = await uidOf("a");
  expect(await uidOf("a")).toBe(first);
  expect(await uidOf("b")).not.toBe(first);
});

test("bound to real time, controllers run without being told", async () => {
  await using simulation = await simulate({ factor: 1_000 });
  await using client = clientOf(simulation);
  const accounts = await client.openWatch<StoredObject>("/api/v1/namespaces/late/serviceaccounts");
  await client.create({ apiVersion: "v1", kind: "Namespace" }, { apiVersion: "v1", kind: "Namespace", metadata: { name: "late" } });
  for await (const event of accounts) {
    expect(event.type === "ADDED" && event.object.metadata.name).toBe("default");
    break;
  }
});
