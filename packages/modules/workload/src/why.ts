// Why a deployment is as it is: from the instance down to the object that caused it. Reads what is known; asks the cluster nothing.
import { environmentKind, namespaceSetName } from "@threeport/module-environment";
import { causeChain, type CauseStep } from "@threeport/cluster";
import { isReadyNow } from "@threeport/engine";
import type { KubeObject } from "@threeport/resource";
import { type WorkloadInstance } from "./kinds/index.ts";
import { dependencySteps } from "./dependency-insight.ts";
import { entriesOf, readInstance, readSet, stepOfObject, type InsightOptions } from "./insight.ts";

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

/** What is not well: the namespace comes before what is in it, and what a workload needs before itself. */
async function below(options: InsightOptions, instance: WorkloadInstance): Promise<CauseStep[]> {
  const { targetNamespace, resourceSet } = instance.status ?? {};
  const { runtime } = instance.spec;
  if (runtime === undefined) return [];
  const namespace = instance.metadata.namespace ?? "";
  const place = targetNamespace === undefined ? [] : [namespaceSetName({ runtime, targetNamespace })];
  const inPlace = await belowSets(options, { runtime, namespace, names: place });
  if (inPlace.length > 0) return inPlace;
  const dependencies = await dependencySteps(options, namespace, instance.status?.claims ?? []);
  return dependencies.length > 0 ? dependencies : belowSets(options, { runtime, namespace, names: resourceSet === undefined ? [] : [resourceSet] });
}

async function belowSets(
  options: InsightOptions,
  { runtime, namespace, names }: { readonly runtime: string; readonly namespace: string; readonly names: readonly string[] },
): Promise<CauseStep[]> {
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
