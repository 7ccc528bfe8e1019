import type { KubeObject, StoredObject } from "@threeport/resource";
import type { Entry } from "./apply/entry.ts";
import type { Cluster } from "./connection/cluster.ts";
import { assess } from "./health/index.ts";
import { idOf } from "./identity.ts";

/** One object in the tree that `tptctl tree` shows. */
export interface TreeNode {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly state?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly children: readonly TreeNode[];
}

/** The objects of a set with what they own, as far as it is known; `cluster` is undefined while there is no connection. */
export function treeOfEntries(entries: readonly Entry[], cluster: Cluster | undefined, nowMs: number): TreeNode[] {
  // What is not wanted any more and was never seen is no part of the picture, though its late coming is still waited for.
  const shown = entries.filter((entry) => entry.detail.absentSince === undefined || entry.state === "pruning");
  return shown.map((entry) => {
    const { apiVersion, kind, name, namespace, verdict, refusal } = entry.detail;
    const told = refusal === undefined ? verdict : { state: "Degraded", ...refusal };
    return {
      apiVersion,
      kind,
      name,
      ...(namespace === undefined ? {} : { namespace }),
      state: entry.state === "pruning" ? "Terminating" : (told?.state ?? "Unknown"),
      ...(told === undefined ? {} : { reason: told.reason, message: told.message }),
      children: cluster === undefined || entry.uid === "" ? [] : childrenOf(cluster, entry.uid, nowMs),
    };
  });
}

function childrenOf(cluster: Cluster, uid: string, nowMs: number): TreeNode[] {
  return cluster.cache
    .descendants(uid)
    .filter((child) => (child.metadata.ownerReferences ?? []).some((owner) => owner.uid === uid) && !isRetired(child))
    .map((child) => nodeOf(cluster, child, nowMs))
    .toSorted((a, b) => a.name.localeCompare(b.name));
}

function nodeOf(cluster: Cluster, object: StoredObject, nowMs: number): TreeNode {
  const id = idOf(object);
  const verdict = assess({ object, id, children: cluster.cache.descendants(object.metadata.uid), now: nowMs });
  return { ...id, state: verdict.state, reason: verdict.reason, message: verdict.message, children: childrenOf(cluster, object.metadata.uid, nowMs) };
}

/** ReplicaSets of earlier revisions stay behind with no pods: they tell nothing. */
function isRetired(object: KubeObject): boolean {
  return object.kind === "ReplicaSet" && (object["spec"] as { replicas?: number } | undefined)?.replicas === 0;
}

/** Pods that belong to these entries, by what is known of the cluster now. */
export function podsOfEntries(entries: readonly Entry[], cluster: Cluster): StoredObject[] {
  const pods = entries.flatMap((entry) => {
    if (entry.uid === "") return [];
    const self = cluster.cache.byUid(entry.uid);
    return [...(self?.kind === "Pod" ? [self] : []), ...cluster.cache.descendants(entry.uid).filter((object) => object.kind === "Pod")];
  });
  return pods.toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name));
}
