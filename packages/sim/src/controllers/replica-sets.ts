import type { StoredObject } from "@threeport/resource";
import type { SimCluster } from "../cluster.ts";
import { controllerKey, type Again, type Controller } from "../controller.ts";
import { tellEvent } from "./events.ts";
import { makePod, refusedAgain } from "./make-pod.ts";
import { conditionAt, conditionOf, fieldsOf, isActive, isReady, numberOf, ownedBy, podFrom, podKind, readySince, setStatus, type Fields } from "./owned.ts";

/** Letters of the end of a pod's name; as upstream, five. */
const suffixLength = 5;
/** Pods that are made or removed at once. */
const atOnceMax = 50;

export const replicaSetController: Controller = {
  name: "replica-sets",
  watches: [{ resource: "replicasets.apps" }, { resource: "pods", keys: controllerKey("ReplicaSet") }],
  async reconcile(cluster, { namespace, name }) {
    const set = await cluster.objects.get({ apiVersion: "apps/v1", kind: "ReplicaSet", namespace, name });
    if (set === undefined || set.metadata.deletionTimestamp !== undefined) return undefined;
    const pods = (await ownedBy(cluster, podKind, set)).filter(isActive);
    const refused = await bring(cluster, set, pods);
    return tell(cluster, set, { pods, refused });
  },
};

/** What the cluster says to a pod that it does not take. */
async function bring(cluster: SimCluster, set: StoredObject, pods: readonly StoredObject[]): Promise<string | undefined> {
  const wanted = numberOf(fieldsOf(set["spec"])["replicas"], 1);
  let refused: string | undefined;
  for (let count = pods.length; count < Math.min(wanted, pods.length + atOnceMax) && refused === undefined; count++)
    refused = await makePod(cluster, podFrom(set, `${set.metadata.name}-${cluster.random.suffix(suffixLength)}`));
  // Those that serve nobody go first, then the youngest.
  const surplus = pods
    .toSorted((a, b) => Number(isReady(a)) - Number(isReady(b)) || ((a.metadata.creationTimestamp ?? "") < (b.metadata.creationTimestamp ?? "") ? 1 : -1))
    .slice(0, Math.min(atOnceMax, Math.max(0, pods.length - wanted)));
  for (const { metadata } of surplus)
    await cluster.objects.delete({ ...podKind, namespace: metadata.namespace ?? "", name: metadata.name }, { uid: metadata.uid });
  return refused;
}

interface Outcome {
  readonly pods: readonly StoredObject[];
  readonly refused: string | undefined;
}

async function tell(cluster: SimCluster, set: StoredObject, { pods, refused }: Outcome): Promise<Again | undefined> {
  const ready = pods.filter(isReady);
  const steadyMs = numberOf(fieldsOf(set["spec"])["minReadySeconds"], 0) * 1_000;
  const nowMs = cluster.time.now();
  const available = ready.filter((pod) => readySince(pod) + steadyMs <= nowMs);
  const status: Fields = {
    replicas: pods.length,
    fullyLabeledReplicas: pods.length,
    ...(ready.length === 0 ? {} : { readyReplicas: ready.length }),
    ...(available.length === 0 ? {} : { availableReplicas: available.length }),
    observedGeneration: set.metadata.generation ?? 0,
    ...(refused === undefined ? {} : { conditions: [failureOf(cluster, set, refused)] }),
  };
  await setStatus(cluster, set, status);
  if (refused !== undefined) {
    await tellEvent(cluster, set, { type: "Warning", reason: "FailedCreate", message: `Error creating: ${refused}`, component: "replicaset-controller" });
    return refusedAgain(cluster, failureOf(cluster, set, refused)["lastTransitionTime"]);
  }
  const next = Math.min(...ready.filter((pod) => !available.includes(pod)).map((pod) => readySince(pod) + steadyMs));
  return Number.isFinite(next) ? { afterMs: Math.max(1, next - nowMs) } : undefined;
}

/** As upstream, the first refusal stays until there is none. */
function failureOf(cluster: SimCluster, set: StoredObject, message: string): Fields {
  return (
    conditionOf(set, "ReplicaFailure") ?? conditionAt(set, { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message }, cluster.time.now())
  );
}
