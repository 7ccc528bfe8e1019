// How nodes fare by the faults that were asked for: what their kubelets and the node controller say and do.
import { rfc3339 } from "@threeport/platform";
import { deepEqual, type StoredObject } from "@threeport/resource";
import { parseWorkKey } from "@threeport/store";
import type { SimCluster } from "../cluster.ts";
import type { Again, Controller } from "../controller.ts";
import { wellConditions } from "../nodes/make-node.ts";
import { tolerates, tolerationsOf, type Taint } from "../nodes/selection.ts";
import { evict } from "../kubelet/evict.ts";
import { tellEvent } from "./events.ts";
import { conditionOf, fieldsOf, podKind, setSpec, setStatus, type Fields } from "./owned.ts";

const nodeKind = { apiVersion: "v1", kind: "Node" };
/** All nodes look again at this key. */
export const everyNodeKey = "/every";
const unreachable = "node.kubernetes.io/unreachable";
const diskPressure = "node.kubernetes.io/disk-pressure";
/** From one eviction to the next. */
const evictionMs = 10_000;

export const nodeController: Controller = {
  name: "nodes",
  watches: [{ resource: "nodes" }],
  async reconcile(cluster, { name, text }) {
    if (text === everyNodeKey) {
      for (const { metadata } of await cluster.objects.list(nodeKind)) cluster.wake("nodes", metadata.name);
      return undefined;
    }
    const node = await cluster.objects.get({ ...nodeKind, name });
    if (node === undefined) return removeOrphans(cluster, name);
    if (node.metadata.deletionTimestamp !== undefined) return undefined;
    const faults = { lost: cluster.faults.node(name, "node-lost"), full: cluster.faults.node(name, "disk-pressure") };
    await setTaints(cluster, node, faults);
    await setConditions(cluster, (await cluster.objects.get({ ...nodeKind, name })) ?? node, faults);
    const steps = [faults.lost ? await removePods(cluster, name) : undefined, faults.full && !faults.lost ? await evictPods(cluster, node) : undefined];
    const next = Math.min(...steps.map((again) => again?.afterMs ?? Infinity));
    return Number.isFinite(next) ? { afterMs: next } : undefined;
  },
};

interface NodeFaults {
  readonly lost: boolean;
  readonly full: boolean;
}

async function setTaints(cluster: SimCluster, node: StoredObject, { lost, full }: NodeFaults): Promise<void> {
  const known = (fieldsOf(node["spec"])["taints"] as readonly Taint[] | undefined) ?? [];
  const wanted: Taint[] = [
    ...(lost
      ? [unreachable].flatMap((key) => [
          { key, effect: "NoSchedule" },
          { key, effect: "NoExecute" },
        ])
      : []),
    ...(full ? [{ key: diskPressure, effect: "NoSchedule" }] : []),
  ];
  const timed = wanted.map(
    (taint) => known.find(({ key, effect }) => key === taint.key && effect === taint.effect) ?? { ...taint, timeAdded: rfc3339(cluster.time.now()) },
  );
  const taints = [...known.filter(({ key }) => key !== unreachable && key !== diskPressure), ...timed];
  if (!deepEqual(taints, known)) await setSpec(cluster, node, { taints: taints.length === 0 ? undefined : taints });
}

/** Those of a kubelet; a node that somebody else made is left as it is while nothing is wrong with it. */
async function setConditions(cluster: SimCluster, node: StoredObject, { lost, full }: NodeFaults): Promise<void> {
  const status = fieldsOf(node["status"]);
  const known = status["conditions"] as readonly Fields[] | undefined;
  if (known === undefined) return;
  const now = rfc3339(cluster.time.now());
  const conditions = known.map((condition) => {
    const well = wellConditions.find(([type]) => type === condition["type"]);
    if (well === undefined) return condition;
    const [type, usual, usualReason, usualMessage] = well;
    const [value, reason, message] = lost
      ? ["Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."]
      : full && type === "DiskPressure"
        ? ["True", "KubeletHasDiskPressure", "kubelet has disk pressure"]
        : [usual, usualReason, usualMessage];
    return condition["status"] === value ? condition : { ...condition, status: value, reason, message, lastTransitionTime: now };
  });
  if (deepEqual(conditions, known)) return;
  const was = (type: string): unknown => known.find((each) => each["type"] === type)?.["status"];
  await setStatus(cluster, node, { ...status, conditions });
  cluster.room.see(await cluster.objects.list(nodeKind));
  for (const pod of cluster.room.podsOn(node.metadata.name)) cluster.wake("pods", pod);
  const tell = (type: "Normal" | "Warning", reason: string, message: string, component: string): Promise<void> =>
    tellEvent(cluster, node, { type, reason, message, component });
  if (lost && was("Ready") === "True") await tell("Normal", "NodeNotReady", `Node ${node.metadata.name} status is now: NodeNotReady`, "node-controller");
  if (full && was("DiskPressure") === "False") {
    await tell("Normal", "NodeHasDiskPressure", `Node ${node.metadata.name} status is now: NodeHasDiskPressure`, "kubelet");
    await tell("Warning", "EvictionThresholdMet", "Attempting to reclaim ephemeral-storage", "kubelet");
  }
}

/** Pods go with their node. */
async function removeOrphans(cluster: SimCluster, name: string): Promise<undefined> {
  for (const key of cluster.room.podsOn(name)) await cluster.objects.delete({ ...podKind, ...parseWorkKey(key) });
}

/** Pods of a node that is lost go when they have tolerated it for long enough. There is no kubelet to confirm it, and they go at once. */
async function removePods(cluster: SimCluster, name: string): Promise<Again | undefined> {
  const node = await cluster.objects.get({ ...nodeKind, name });
  const taints = (fieldsOf(node?.["spec"])["taints"] as readonly Taint[] | undefined) ?? [];
  const taint = taints.find(({ key, effect }) => key === unreachable && effect === "NoExecute");
  if (taint === undefined) return undefined;
  const sinceMs = Date.parse(taint.timeAdded ?? "");
  let nextMs = Infinity;
  for (const key of cluster.room.podsOn(name)) {
    const pod = await cluster.objects.get({ ...podKind, ...parseWorkKey(key) });
    if (pod === undefined) continue;
    const dueMs = sinceMs + toleratedMs(fieldsOf(pod["spec"]), taint);
    if (dueMs > cluster.time.now()) {
      nextMs = Math.min(nextMs, dueMs - cluster.time.now());
      continue;
    }
    await tellEvent(cluster, pod, {
      type: "Normal",
      reason: "TaintManagerEviction",
      message: `Marking for deletion Pod ${key}`,
      component: "taint-eviction-controller",
    });
    await cluster.objects.delete({ ...podKind, ...parseWorkKey(key) }, { uid: pod.metadata.uid });
  }
  return Number.isFinite(nextMs) ? { afterMs: nextMs } : undefined;
}

function toleratedMs(spec: Fields, taint: Taint): number {
  const fitting = tolerationsOf(spec).filter((each) => tolerates(each, taint));
  return fitting.length === 0
    ? 0
    : Math.min(...fitting.map(({ tolerationSeconds }) => (typeof tolerationSeconds === "number" ? tolerationSeconds * 1_000 : Infinity)));
}

/** One pod, and the next one later. Those that tolerate the pressure stay, although a real kubelet would take them too. */
async function evictPods(cluster: SimCluster, node: StoredObject): Promise<Again | undefined> {
  const taint = { key: diskPressure, effect: "NoSchedule" };
  const waitMs = (await lastEvictionMs(cluster, node.metadata.name)) + evictionMs - cluster.time.now();
  if (waitMs > 0) return { afterMs: waitMs };
  for (const key of cluster.room.podsOn(node.metadata.name)) {
    const pod = await cluster.objects.get({ ...podKind, ...parseWorkKey(key) });
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) continue;
    if (tolerationsOf(fieldsOf(pod["spec"])).some((each) => tolerates(each, taint))) continue;
    await evict(cluster, pod, node.metadata.name);
    return { afterMs: evictionMs };
  }
  return undefined;
}

/** By what the pods themselves tell. -Infinity where none was evicted there. */
async function lastEvictionMs(cluster: SimCluster, node: string): Promise<number> {
  const pods = await cluster.objects.list(podKind);
  const evicted = pods.filter((pod) => fieldsOf(pod["status"])["reason"] === "Evicted" && fieldsOf(pod["spec"])["nodeName"] === node);
  return Math.max(...evicted.map((pod) => Date.parse(String(conditionOf(pod, "DisruptionTarget")?.["lastTransitionTime"]))));
}
