// The scheduler: gives a pod the emptiest node that takes it, or says why there is none and tries again when something changed.
import type { StoredObject } from "@threeport/resource";
import { parseWorkKey } from "@threeport/store";
import type { SimCluster } from "../cluster.ts";
import { unschedulableAnywhere, unschedulableMessage } from "../nodes/obstacles.ts";
import { tellEvent } from "./events.ts";
import { conditionAt, conditionOf, fieldsOf, podKind, setStatus, type Fields } from "./owned.ts";

/** Gives the pod its node. */
export async function schedule(cluster: SimCluster, pod: StoredObject, key: string): Promise<void> {
  const { room } = cluster;
  const spec = fieldsOf(pod["spec"]);
  const problem = await volumeProblem(cluster, pod);
  const placed = problem === undefined ? room.place(spec) : undefined;
  if (placed !== undefined && "node" in placed) {
    room.waiting.delete(key);
    room.hold(key, { node: placed.node.name, uid: pod.metadata.uid, spec });
    await cluster.objects.commit<StoredObject>(pod, { ...pod, spec: { ...spec, nodeName: placed.node.name } });
    return; // its change is heard
  }
  room.waiting.set(key, spec);
  await refuse(cluster, pod, placed === undefined ? unschedulableAnywhere(room.nodes.length, problem ?? "") : unschedulableMessage(placed.obstacles));
}

/** Pods that found no node look again, in the order in which they began to wait: nodes or claims have changed. */
export async function scheduleWaiting(cluster: SimCluster): Promise<void> {
  for (const key of [...cluster.room.waiting.keys()]) await scheduleAgain(cluster, key);
}

/** The same when a pod has gone: only those are read that there is room for now. */
export async function scheduleFitting(cluster: SimCluster): Promise<void> {
  for (const [key, spec] of [...cluster.room.waiting]) if ("node" in cluster.room.place(spec)) await scheduleAgain(cluster, key);
}

async function scheduleAgain(cluster: SimCluster, key: string): Promise<void> {
  const pod = await cluster.objects.get({ ...podKind, ...parseWorkKey(key) });
  const isWaiting = pod !== undefined && pod.metadata.deletionTimestamp === undefined && fieldsOf(pod["spec"])["nodeName"] === undefined;
  if (isWaiting) await schedule(cluster, pod, key);
  else cluster.room.waiting.delete(key);
}

async function refuse(cluster: SimCluster, pod: StoredObject, message: string): Promise<void> {
  if (conditionOf(pod, "PodScheduled")?.["message"] === message) return;
  const scheduled = conditionAt(pod, { type: "PodScheduled", status: "False", reason: "Unschedulable", message }, cluster.time.now());
  await setStatus(cluster, pod, { ...fieldsOf(pod["status"]), phase: "Pending", conditions: [scheduled] });
  await tellEvent(cluster, pod, { type: "Warning", reason: "FailedScheduling", message, component: "default-scheduler", action: "Scheduling" });
}

/** What is wrong with the claims that the pod names, wherever it went. */
async function volumeProblem(cluster: SimCluster, pod: StoredObject): Promise<string | undefined> {
  const volumes = (fieldsOf(pod["spec"])["volumes"] as readonly Fields[] | undefined) ?? [];
  let unbound = false;
  for (const volume of volumes) {
    const name = fieldsOf(volume["persistentVolumeClaim"])["claimName"];
    if (typeof name !== "string") continue;
    const claim = await cluster.objects.get({ apiVersion: "v1", kind: "PersistentVolumeClaim", namespace: pod.metadata.namespace ?? "", name });
    if (claim === undefined) return `persistentvolumeclaim "${name}" not found`;
    if (claim.metadata.deletionTimestamp !== undefined) return `persistentvolumeclaim "${name}" is being deleted`;
    unbound ||= fieldsOf(claim["status"])["phase"] !== "Bound";
  }
  return unbound ? "pod has unbound immediate PersistentVolumeClaims" : undefined;
}
