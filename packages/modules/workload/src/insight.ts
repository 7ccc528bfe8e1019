// What the tree and the causes of a deployment are made of.
import { readEntry, resourceSetKind, treeOfEntries, type CauseStep, type Cluster, type Entry, type ResourceSet, type TreeNode } from "@threeport/cluster";
import { findCondition } from "@threeport/engine";
import { PlatformError, type KubeObject, type Objects } from "@threeport/resource";
import type { InventoryEntry } from "@threeport/store";
import { workloadInstanceKind, type WorkloadInstance } from "./kinds/index.ts";

/** What tells about an instance beside the verbs needs. */
export interface InsightOptions {
  readonly objects: Objects;
  readonly inventory: (owner: string) => Promise<InventoryEntry[]>;
  /** The connection to a runtime if it can be had now. */
  readonly cluster: (runtime: string) => Promise<Cluster | undefined>;
  readonly nowMs: () => number;
}

export async function readInstance(options: InsightOptions, name: { readonly namespace: string; readonly name: string }): Promise<WorkloadInstance> {
  const instance = await options.objects.get<WorkloadInstance>({ apiVersion: workloadInstanceKind.apiVersion, kind: workloadInstanceKind.kind, ...name });
  if (instance === undefined)
    throw new PlatformError("TP_NOT_FOUND", {
      message: `workloadinstances.threeport.io "${name.name}" not found`,
      detail: { kind: workloadInstanceKind.plural, group: workloadInstanceKind.group, name: name.name },
    });
  return instance;
}

export async function readSet(options: InsightOptions, name: { readonly namespace: string; readonly name: string }): Promise<ResourceSet | undefined> {
  return options.objects.get<ResourceSet>({ apiVersion: resourceSetKind.apiVersion, kind: resourceSetKind.kind, ...name });
}

export async function entriesOf(options: InsightOptions, set: ResourceSet): Promise<Entry[]> {
  return (await options.inventory(set.metadata.uid ?? "")).map(readEntry);
}

export async function setNode(options: InsightOptions, set: ResourceSet): Promise<TreeNode> {
  const [entries, cluster] = await Promise.all([entriesOf(options, set), options.cluster(set.spec.runtime)]);
  return { ...nodeOf(set), children: treeOfEntries(entries, cluster, options.nowMs()) };
}

export function nodeOf(object: KubeObject): Omit<TreeNode, "children"> {
  const ready = findCondition(object, "Ready");
  const stalled = findCondition(object, "Stalled")?.status === "True";
  const state = ready === undefined ? "Progressing" : ready.status === "True" ? "Healthy" : stalled ? "Degraded" : "Progressing";
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    name: object.metadata.name,
    ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
    state,
    ...(ready === undefined ? {} : { reason: ready.reason, message: ready.message }),
  };
}

/** One object on the way to a cause. */
export function stepOfObject(object: KubeObject): CauseStep {
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
