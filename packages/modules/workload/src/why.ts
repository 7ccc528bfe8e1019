// Why a deployment is as it is: from the instance down to the object that caused it. Reads what is known; asks the cluster nothing.
import { environmentKind, namespaceSetName } from "@threeport/module-environment";
import { causeChain, type CauseStep } from "@threeport/cluster";
import { findCondition, isReadyNow } from "@threeport/engine";
import type { KubeObject } from "@threeport/resource";
import { type WorkloadInstance } from "./kinds/index.ts";
import { entriesOf, readInstance, readSet, type InsightOptions } from "./tree.ts";

export interface Why {
  readonly healthy: boolean;
  /** From the deployment down; the last one is the cause. */
  readonly chain: readonly CauseStep[];
}

export async function instanceWhy(options: InsightOptions, name: { readonly namespace: string; readonly name: string }): Promise<Why> {
  const instance = await readInstance(options, name);
  const own = stepOfObject(instance);
  if (isReadyNow(instance) && instance.metadata.deletionTimestamp === undefined) return { healthy: true, chain: [own] };
  return { healthy: false, chain: [own, ...(await below(options, instance))] };
}

/** The first set that is not well, and what is wrong in it: the namespace comes before what is in it. */
async function below(options: InsightOptions, instance: WorkloadInstance): Promise<CauseStep[]> {
  const { targetNamespace, resourceSet } = instance.status ?? {};
  const { runtime } = instance.spec;
  if (runtime === undefined) return [];
  const namespace = instance.metadata.namespace ?? "";
  const names = [
    ...(targetNamespace === undefined ? [] : [namespaceSetName({ runtime, targetNamespace })]),
    ...(resourceSet === undefined ? [] : [resourceSet]),
  ];
  for (const name of names) {
    const set = await readSet(options, { namespace, name });
    if (set === undefined || isReadyNow(set)) continue;
    const [entries, cluster] = await Promise.all([entriesOf(options, set), options.cluster(runtime)]);
    const unreachable = cluster === undefined ? await runtimeStep(options, runtime) : undefined;
    return [stepOfObject(set), ...(unreachable === undefined ? causeChain(entries, cluster, options.nowMs()) : [unreachable])];
  }
  return [];
}

async function runtimeStep({ objects }: InsightOptions, name: string): Promise<CauseStep | undefined> {
  const runtime = await objects.get<KubeObject>({ apiVersion: environmentKind.apiVersion, kind: "KubernetesRuntimeInstance", name });
  return runtime === undefined || isReadyNow(runtime) ? undefined : stepOfObject(runtime);
}

function stepOfObject(object: KubeObject): CauseStep {
  const ready = findCondition(object, "Ready");
  const stalled = findCondition(object, "Stalled")?.status === "True";
  const { name, namespace, uid } = object.metadata;
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    ...(uid === undefined ? {} : { uid }),
    state: ready?.status === "True" ? "Healthy" : stalled ? "Degraded" : "Progressing",
    reason: ready?.reason ?? "Pending",
    message: ready?.message ?? "It has not been looked at yet.",
    ...(ready === undefined ? {} : { since: Date.parse(ready.lastTransitionTime) }),
  };
}
