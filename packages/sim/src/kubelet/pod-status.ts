import type { StoredObject } from "@threeport/resource";
import type { SimCluster } from "../cluster.ts";
import { conditionAt, fieldsOf, setStatus, type Fields } from "../controllers/owned.ts";

/** Writes what follows from the statuses of the containers. */
export async function setPodStatus(
  cluster: SimCluster,
  pod: StoredObject,
  { phase, containerStatuses }: { readonly phase: string; readonly containerStatuses: readonly Fields[] },
): Promise<void> {
  const nowMs = cluster.time.now();
  const ended = phase === "Succeeded" || phase === "Failed";
  const unready = containerStatuses.filter(({ ready }) => ready !== true).map(({ name }) => String(name));
  const condition = (type: string, on: boolean): Fields =>
    conditionAt(
      pod,
      {
        type,
        status: on ? "True" : "False",
        reason: on ? "" : ended ? "PodCompleted" : "ContainersNotReady",
        message: on || ended ? "" : `containers with unready status: [${unready.join(" ")}]`,
      },
      nowMs,
    );
  const ready = !ended && unready.length === 0;
  await setStatus(cluster, pod, {
    ...fieldsOf(pod["status"]),
    phase,
    conditions: [condition("PodScheduled", true), condition("Initialized", true), condition("ContainersReady", ready), condition("Ready", ready)],
    containerStatuses,
  });
}
