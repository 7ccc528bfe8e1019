import type { StoredObject } from "@threeport/resource";
import { expect, test } from "vitest";
import { conditionOf, fieldsOf, isActive, isReady } from "../controllers/owned.ts";
import { deployment, openScene, template, workload, type Scene } from "../testing/scene.ts";

const node = async (scene: Scene, name: string): Promise<StoredObject> =>
  (await scene.cluster.objects.get({ apiVersion: "v1", kind: "Node", name })) as StoredObject;
const condition = async (scene: Scene, name: string, type: string) => conditionOf(await node(scene, name), type);
const places = async (scene: Scene): Promise<unknown[]> =>
  (await scene.pods())
    .filter(isActive)
    .map((pod) => fieldsOf(pod["spec"])["nodeName"])
    .toSorted();
const two = [{ name: "a" }, { name: "b" }];

test("a node whose disk is full says so, takes nothing new, and evicts its pods one after another", async () => {
  await using scene = await openScene({ nodes: two });
  await scene.create(deployment("web", { replicas: 4 }));
  await scene.create(workload("DaemonSet", "agent", { selector: { matchLabels: { app: "agent" } }, template: template("agent") }));
  await scene.seconds(5);
  const fault = scene.simulation.faults.add({ kind: "disk-pressure", node: "a" });
  await scene.seconds(1);
  expect(await condition(scene, "a", "DiskPressure")).toMatchObject({ status: "True", reason: "KubeletHasDiskPressure", message: "kubelet has disk pressure" });
  expect(fieldsOf((await node(scene, "a"))["spec"])["taints"]).toMatchObject([{ key: "node.kubernetes.io/disk-pressure", effect: "NoSchedule" }]);
  const evicted = async () => (await scene.pods()).filter((pod) => fieldsOf(pod["status"])["reason"] === "Evicted");
  expect(await evicted()).toHaveLength(1);
  await scene.seconds(30);
  expect(await evicted()).toHaveLength(2);
  expect((await evicted())[0]).toMatchObject({
    status: {
      phase: "Failed",
      message: expect.stringMatching(
        /^The node was low on resource: ephemeral-storage\. Threshold quantity: 10Gi, available: 4Gi\. Container main was using 20Gi/,
      ),
      containerStatuses: [{ state: { terminated: { exitCode: 137 } } }],
    },
  });
  expect(conditionOf((await evicted())[0] as StoredObject, "DisruptionTarget")).toMatchObject({ status: "True", reason: "TerminationByKubelet" });
  expect(await scene.events("Evicted")).toHaveLength(2);
  expect(await places(scene)).toEqual(["a", "b", "b", "b", "b", "b"]);
  fault[Symbol.dispose]();
  await scene.seconds(1);
  expect(await condition(scene, "a", "DiskPressure")).toMatchObject({ status: "False", reason: "KubeletHasNoDiskPressure" });
  expect(fieldsOf((await node(scene, "a"))["spec"])["taints"] ?? []).toEqual([]);
});

test("a lost node is told by its conditions; its pods are not ready, and after five minutes others take their place", async () => {
  await using scene = await openScene({ nodes: two });
  await scene.create(deployment("web", { replicas: 2 }));
  await scene.seconds(5);
  scene.simulation.faults.add({ kind: "node-lost", node: "b", cluster: "one" });
  scene.simulation.faults.add({ kind: "node-lost", cluster: "another" });
  await scene.seconds(5);
  expect(await condition(scene, "b", "Ready")).toMatchObject({
    status: "Unknown",
    reason: "NodeStatusUnknown",
    message: "Kubelet stopped posting node status.",
  });
  expect(await condition(scene, "a", "Ready")).toMatchObject({ status: "True", reason: "KubeletReady" });
  expect(fieldsOf((await node(scene, "b"))["spec"])["taints"]).toMatchObject([
    { key: "node.kubernetes.io/unreachable", effect: "NoSchedule" },
    { key: "node.kubernetes.io/unreachable", effect: "NoExecute" },
  ]);
  expect((await scene.pods()).filter(isReady)).toHaveLength(1);
  expect((await scene.events("NodeNotReady")).map((event) => event["message"]).toSorted()).toEqual(["Node b status is now: NodeNotReady", "Node is not ready"]);
  await scene.seconds(280);
  expect(await places(scene)).toEqual(["a", "b"]);
  await scene.seconds(30);
  expect(await places(scene)).toEqual(["a", "a"]);
  expect((await scene.pods()).filter(isReady)).toHaveLength(2);
});

test("a node that comes back in time keeps its pods", async () => {
  await using scene = await openScene({ nodes: two });
  await scene.create(deployment("web", { replicas: 2 }));
  await scene.seconds(5);
  const before = (await scene.pods()).map(({ metadata }) => metadata.uid);
  scene.simulation.faults.add({ kind: "node-lost" });
  await scene.seconds(60);
  expect((await scene.pods()).filter(isReady)).toHaveLength(0);
  scene.simulation.faults.clear();
  await scene.seconds(400);
  expect((await scene.pods()).filter(isReady).map(({ metadata }) => metadata.uid)).toEqual(before);
});
