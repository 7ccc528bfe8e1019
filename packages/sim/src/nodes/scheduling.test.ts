import type { KubeObject, StoredObject } from "@threeport/resource";
import { expect, test } from "vitest";
import { conditionOf, fieldsOf, isReady } from "../controllers/owned.ts";
import { deployment, openScene, template, workload, type Scene } from "../testing/scene.ts";
import { createRoom } from "./room.ts";

const pod = (name: string, spec: object = {}, requests: object = {}): KubeObject =>
  workload("Pod", name, { containers: [{ name: "main", image: "example.com/app:1", resources: { requests } }], ...spec });
const nodeOf = async (scene: Scene, name: string): Promise<unknown> => fieldsOf((await scene.get("Pod", name))?.["spec"])["nodeName"];
const whyNot = async (scene: Scene, name: string): Promise<unknown> => {
  const found = await scene.get("Pod", name);
  const scheduled = found === undefined ? undefined : conditionOf(found, "PodScheduled");
  expect(scheduled, name).toMatchObject({ status: "False", reason: "Unschedulable" });
  return scheduled?.["message"];
};
const afterwards = (nodes: number, fate: string): string => ` no new claims to deallocate, preemption: 0/${nodes} nodes are available: ${nodes} ${fate}.`;
const noVictims = (nodes: number): string => afterwards(nodes, "No preemption victims found for incoming pod");
const hopeless = (nodes: number): string => afterwards(nodes, "Preemption is not helpful for scheduling");
const three = (shape: object = {}) => ["a", "b", "c"].map((name) => ({ name, ...shape }));

test("pods fill the nodes evenly, one too many waits with the scheduler's words, and goes where room appears", async () => {
  await using scene = await openScene({ nodes: three({ cpu: "1", memory: "1Gi" }) });
  for (const name of ["p1", "p2", "p3"]) await scene.create(pod(name, {}, { cpu: "600m" }));
  await scene.create(pod("late", {}, { cpu: "600m" }));
  await scene.seconds(5);
  expect(await Promise.all(["p1", "p2", "p3"].map((name) => nodeOf(scene, name)))).toEqual(["a", "b", "c"]);
  expect(await whyNot(scene, "late")).toBe(`0/3 nodes are available: 3 Insufficient cpu.${noVictims(3)}`);
  expect(await scene.events("FailedScheduling")).toMatchObject([
    { involvedObject: { kind: "Pod", name: "late" }, type: "Warning", reportingComponent: "default-scheduler", action: "Scheduling" },
  ]);
  await scene.cluster.objects.delete({ apiVersion: "v1", kind: "Pod", namespace: "default", name: "p2" });
  await scene.seconds(5);
  expect(await nodeOf(scene, "late")).toBe("b");
  expect(await scene.get("Pod", "late")).toMatchObject({ status: { phase: "Running", hostIP: "10.0.0.2" } });
});

const refused = [
  { name: "more cpu than any has", spec: {}, requests: { cpu: "8" }, says: `3 Insufficient cpu.${hopeless(3)}` },
  { name: "more memory than there is", spec: {}, requests: { memory: "2Gi" }, says: `3 Insufficient memory.${hopeless(3)}` },
  { name: "a device that no node has", spec: {}, requests: { "example.com/gpu": "1" }, says: `3 Insufficient example.com/gpu.${hopeless(3)}` },
  { name: "a selector", spec: { nodeSelector: { disk: "ssd" } }, requests: {}, says: `3 node(s) didn't match Pod's node affinity/selector.${hopeless(3)}` },
];
for (const { name, spec, requests, says } of refused) {
  test(`what no node can give is told: ${name}`, async () => {
    await using scene = await openScene({ nodes: three({ cpu: "1", memory: "1Gi" }) });
    await scene.create(pod("p", spec, requests));
    await scene.seconds(1);
    expect(await whyNot(scene, "p")).toBe(`0/3 nodes are available: ${says}`);
  });
}

test("taints keep pods away that do not tolerate them, and reasons of nodes are counted one by one", async () => {
  const taint = { key: "team", value: "data", effect: "NoSchedule" };
  await using scene = await openScene({
    nodes: [
      { name: "own", taints: [taint] },
      { name: "small", cpu: "100m" },
    ],
  });
  await scene.create(pod("stranger", {}, { cpu: "200m" }));
  await scene.create(pod("friend", { tolerations: [{ key: "team", value: "data" }] }, { cpu: "200m" }));
  await scene.seconds(3);
  expect(await whyNot(scene, "stranger")).toBe(`0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s).${hopeless(2)}`);
  expect(await nodeOf(scene, "friend")).toBe("own");
  const own = await scene.cluster.objects.get({ apiVersion: "v1", kind: "Node", name: "own" });
  await scene.cluster.objects.commit(own as StoredObject, { ...(own as StoredObject), spec: {} });
  await scene.seconds(1);
  expect(await nodeOf(scene, "stranger")).toBe("own");
});

const affinities = [
  { operator: "In", values: ["ssd"], node: "fast" },
  { operator: "NotIn", values: ["ssd"], node: "slow" },
  { operator: "Exists", values: undefined, node: "fast" },
  { operator: "DoesNotExist", values: undefined, node: "slow" },
];
for (const { operator, values, node } of affinities) {
  test(`required node affinity with ${operator} finds its node`, async () => {
    await using scene = await openScene({ nodes: [{ name: "slow" }, { name: "fast", labels: { disk: "ssd" } }] });
    const terms = [{ matchExpressions: [{ key: "disk", operator, ...(values === undefined ? {} : { values }) }] }];
    await scene.create(pod("p", { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } } }));
    await scene.seconds(1);
    expect(await nodeOf(scene, "p")).toBe(node);
  });
}

test("a cordoned node takes nothing new", async () => {
  await using scene = await openScene({ nodes: [{ name: "only" }] });
  const only = (await scene.cluster.objects.get({ apiVersion: "v1", kind: "Node", name: "only" })) as StoredObject;
  await scene.cluster.objects.commit(only, { ...only, spec: { unschedulable: true } });
  await scene.create(pod("p"));
  await scene.seconds(1);
  expect(await whyNot(scene, "p")).toBe(`0/1 nodes are available: 1 node(s) were unschedulable.${hopeless(1)}`);
});

const claim = (name: string, storageClassName?: string): KubeObject =>
  workload("PersistentVolumeClaim", name, {
    accessModes: ["ReadWriteOnce"],
    resources: { requests: { storage: "1Gi" } },
    ...(storageClassName === undefined ? {} : { storageClassName }),
  });

test("a pod waits for its claim: missing, without any class, or of one that is not there; the default class binds at once", async () => {
  await using scene = await openScene();
  const using_ = (name: string) => pod(name, { volumes: [{ name: "data", persistentVolumeClaim: { claimName: name } }] });
  for (const name of ["missing", "classless", "unknown", "usual"]) await scene.create(using_(name));
  await scene.create(claim("classless", ""));
  await scene.create(claim("unknown", "nvme"));
  await scene.create(claim("usual"));
  await scene.seconds(3);
  expect(await whyNot(scene, "missing")).toBe(`0/3 nodes are available: persistentvolumeclaim "missing" not found.${hopeless(3)}`);
  expect(await whyNot(scene, "classless")).toBe(`0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.${hopeless(3)}`);
  expect(await whyNot(scene, "unknown")).toContain("unbound immediate");
  expect((await scene.events("ProvisioningFailed"))[0]?.["message"]).toBe('storageclass.storage.k8s.io "nvme" not found');
  expect(await scene.get("Pod", "usual")).toMatchObject({ status: { phase: "Running" } });
  await scene.create({ apiVersion: "storage.k8s.io/v1", kind: "StorageClass", metadata: { name: "nvme" }, provisioner: "example.com/disk" } as KubeObject);
  await scene.seconds(5);
  expect(await scene.get("Pod", "unknown")).toMatchObject({ status: { phase: "Running" } });
});

test("many small pods run on the usual nodes, spread evenly", async () => {
  await using scene = await openScene();
  await scene.create(deployment("web", { replicas: 150, template: template("web", "example.com/app:1") }));
  await scene.seconds(20);
  const pods = await scene.pods();
  expect(pods.filter((each) => fieldsOf(each["status"])["phase"] === "Running")).toHaveLength(150);
  const counts = ["node-1", "node-2", "node-3"].map((node) => pods.filter((each) => fieldsOf(each["spec"])["nodeName"] === node).length);
  expect(counts).toEqual([50, 50, 50]);
});

test("N1: a pod that takes the place of another one of its name takes its room too, and as much as it asks for itself", async () => {
  await using scene = await openScene({ nodes: [{ name: "only", cpu: "1" }] });
  const set = (cpu: string) => ({
    metadata: { labels: { app: "db" } },
    spec: { containers: [{ name: "main", image: "example.com/app:1", resources: { requests: { cpu } } }] },
  });
  await scene.create(workload("StatefulSet", "db", { replicas: 1, serviceName: "db", selector: { matchLabels: { app: "db" } }, template: set("800m") }));
  await scene.seconds(5);
  await scene.change("StatefulSet", "db", { template: set("500m") });
  await scene.seconds(5);
  expect(await nodeOf(scene, "db-0")).toBe("only");
  await scene.create(pod("beside", {}, { cpu: "500m" }));
  await scene.create(pod("more", {}, { cpu: "1m" }));
  await scene.seconds(1);
  expect(await nodeOf(scene, "beside")).toBe("only");
  expect(await whyNot(scene, "more")).toBe(`0/1 nodes are available: 1 Insufficient cpu.${noVictims(1)}`);
});

test("pods go with their node, and come again on another; a node that is made by hand takes pods", async () => {
  await using scene = await openScene({ nodes: [{ name: "old" }] });
  await scene.create(deployment("web", { replicas: 2 }));
  await scene.seconds(5);
  const made = await scene.create({ apiVersion: "v1", kind: "Node", metadata: { name: "new" } });
  await scene.cluster.objects.patchStatus({ ...made, status: { allocatable: { cpu: "4", memory: "8Gi", pods: "110" } } });
  await scene.cluster.objects.delete({ apiVersion: "v1", kind: "Node", name: "old" });
  await scene.seconds(5);
  const pods = await scene.pods();
  expect(pods.map((each) => [fieldsOf(each["spec"])["nodeName"], isReady(each)])).toEqual([
    ["new", true],
    ["new", true],
  ]);
});

test("N1: a pod that is told again is counted once, and what it took is free when it went", () => {
  const room = createRoom();
  const node = { apiVersion: "v1", kind: "Node", metadata: { name: "n" }, status: { allocatable: { cpu: "1", pods: "2" } } };
  room.see([node as unknown as StoredObject]);
  const spec = { containers: [{ resources: { requests: { cpu: "1" } } }] };
  for (let times = 0; times < 3; times++) room.hold("default/p", { node: "n", uid: "1", spec });
  expect("node" in room.place(spec)).toBe(false);
  expect([room.release("default/p"), room.release("default/p")]).toEqual([true, false]);
  expect("node" in room.place(spec)).toBe(true);
});
