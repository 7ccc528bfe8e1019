import { rfc3339 } from "@threeport/platform";
import type { StoredObject } from "@threeport/resource";
import type { SimCluster } from "../cluster.ts";
import { tellEvent } from "../controllers/events.ts";
import { fieldsOf, setStatus, type Fields } from "../controllers/owned.ts";
import { containersIn } from "../nodes/amounts.ts";

/** Ends a pod because its node's disk is full, in a kubelet's words. */
export async function evict(cluster: SimCluster, pod: StoredObject, node: string): Promise<void> {
  const now = rfc3339(cluster.time.now());
  const status = fieldsOf(pod["status"]);
  const containers = containersIn(fieldsOf(pod["spec"]), "containers");
  const usages = containers.map((container) => {
    const request = fieldsOf(fieldsOf(container["resources"])["requests"])["ephemeral-storage"] ?? "0";
    return `Container ${String(container["name"])} was using 20Gi, request is ${String(request)}, has larger consumption of ephemeral-storage. `;
  });
  const message = `The node was low on resource: ephemeral-storage. Threshold quantity: 10Gi, available: 4Gi. ${usages.join("")}`;
  const known = ((status["conditions"] as readonly Fields[] | undefined) ?? []).filter(({ type }) => type !== "DisruptionTarget");
  const conditions = [
    { type: "DisruptionTarget", status: "True", reason: "TerminationByKubelet", message, lastTransitionTime: now },
    ...known.map((each) =>
      each["type"] === "Ready" || each["type"] === "ContainersReady" ? { ...each, status: "False", reason: "PodFailed", lastTransitionTime: now } : each,
    ),
  ];
  const statuses = (status["containerStatuses"] as readonly Fields[] | undefined) ?? [];
  const containerStatuses = statuses.map((each) => {
    const startedAt = fieldsOf(fieldsOf(each["state"])["running"])["startedAt"] ?? now;
    return { ...each, ready: false, started: false, state: { terminated: { exitCode: 137, reason: "Error", startedAt, finishedAt: now } } };
  });
  await setStatus(cluster, pod, {
    ...status,
    phase: "Failed",
    reason: "Evicted",
    message,
    conditions,
    ...(statuses.length === 0 ? {} : { containerStatuses }),
  });
  await tellEvent(cluster, pod, { type: "Warning", reason: "Evicted", message, component: "kubelet", host: node });
}
