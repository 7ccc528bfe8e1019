import { parseWorkKey } from "@threeport/store";
import type { SimCluster } from "../cluster.ts";
import type { Again, Controller } from "../controller.ts";
import { runPod } from "../kubelet/run-pod.ts";
import { fieldsOf, podKind } from "./owned.ts";
import { schedule, scheduleFitting, scheduleWaiting } from "./schedule.ts";

/** At these keys several pods look again: those that wait for a node, those that lack a ConfigMap or a Secret, and all of them. */
const waitingKey = "/";
const unstartedKey = "/unstarted";
export const everyPodKey = "/every";

/** What becomes of a pod: the scheduler gives it a node, and that node's kubelet runs it. */
export const podController: Controller = {
  name: "pods",
  watches: [
    { resource: "nodes", keys: () => [waitingKey] },
    { resource: "pods" },
    { resource: "persistentvolumeclaims", keys: () => [waitingKey] },
    { resource: "configmaps", keys: () => [unstartedKey] },
    { resource: "secrets", keys: () => [unstartedKey] },
  ],
  async reconcile(cluster, { text }) {
    switch (text) {
      case waitingKey:
        cluster.room.see(await cluster.objects.list({ apiVersion: "v1", kind: "Node" }));
        await scheduleWaiting(cluster);
        return undefined;
      case unstartedKey:
        for (const key of cluster.unstarted) cluster.wake("pods", key);
        return undefined;
      case everyPodKey:
        for (const key of cluster.room.held()) cluster.wake("pods", key);
        return undefined;
      default:
        return lookAtPod(cluster, text);
    }
  },
};

async function lookAtPod(cluster: SimCluster, key: string): Promise<Again | undefined> {
  const { room } = cluster;
  const pod = await cluster.objects.get({ ...podKind, ...parseWorkKey(key) });
  const phase = fieldsOf(pod?.["status"])["phase"];
  if (pod === undefined || phase === "Succeeded" || phase === "Failed") {
    room.waiting.delete(key);
    cluster.unstarted.delete(key);
    if (pod === undefined) cluster.logs.forget(key);
    if (room.release(key)) await scheduleFitting(cluster);
    return undefined;
  }
  if (pod.metadata.deletionTimestamp !== undefined) return undefined;
  const spec = fieldsOf(pod["spec"]);
  if (typeof spec["nodeName"] !== "string") {
    room.release(key); // of one of the same name that went a moment ago
    await schedule(cluster, pod, key);
    return undefined;
  }
  room.hold(key, { node: spec["nodeName"], uid: pod.metadata.uid, spec });
  return runPod(cluster, pod, room.node(spec["nodeName"]));
}
