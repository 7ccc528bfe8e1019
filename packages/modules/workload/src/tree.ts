import { namespaceSetName } from "@threeport/module-environment";
import { readEntry, resourceSetKind, treeOfEntries, type Cluster, type Entry, type ResourceSet, type TreeNode } from "@threeport/cluster";
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

/** The instance, its sets, their objects, and what these own. */
export async function instanceTree(options: InsightOptions, name: { readonly namespace: string; readonly name: string }): Promise<{ root: TreeNode }> {
  const instance = await readInstance(options, name);
  const { targetNamespace } = instance.status ?? {};
  const { runtime } = instance.spec;
  const sets = await Promise.all([
    ...(targetNamespace === undefined || runtime === undefined
      ? []
      : [readSet(options, { namespace: name.namespace, name: namespaceSetName({ runtime, targetNamespace }) })]),
    readSet(options, name),
  ]);
  const children = await Promise.all(sets.flatMap((set) => (set === undefined ? [] : [setNode(options, set)])));
  return { root: { ...nodeOf(instance), children } };
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

async function setNode(options: InsightOptions, set: ResourceSet): Promise<TreeNode> {
  const [entries, cluster] = await Promise.all([entriesOf(options, set), options.cluster(set.spec.runtime)]);
  return { ...nodeOf(set), children: treeOfEntries(entries, cluster, options.nowMs()) };
}

function nodeOf(object: KubeObject): Omit<TreeNode, "children"> {
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

/** The inventory of a set: what it has put into its runtime, with the state of each object. */
export async function setInventory(
  options: InsightOptions,
  name: { readonly namespace: string; readonly name: string },
): Promise<{ items: readonly object[] }> {
  const set = await readSet(options, name);
  if (set === undefined)
    throw new PlatformError("TP_NOT_FOUND", {
      message: `resourcesets.threeport.io "${name.name}" not found`,
      detail: { kind: resourceSetKind.plural, group: resourceSetKind.group, name: name.name },
    });
  return { items: (await entriesOf(options, set)).map(({ id, uid, state, detail: { digest: _, ...detail } }) => ({ id, uid, state, ...detail })) };
}
