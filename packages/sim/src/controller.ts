import type { StoredObject } from "@threeport/resource";
import type { SimCluster } from "./cluster.ts";

/** What a controller hears of. */
export interface ControllerWatch {
  /** The kind as the store names it: `pods`, `deployments.apps`. */
  readonly resource: string;
  /** Which keys a change of `object` (its last state, when it went) concerns. Without it: the object's own, `namespace/name`. See {@link controllerKey}. */
  readonly keys?: (object: StoredObject) => readonly string[];
}

export interface ControllerKey {
  /** "" for what is in no namespace. */
  readonly namespace: string;
  readonly name: string;
  readonly text: string;
}

/** When to look again although nothing changed, in virtual time. */
export interface Again {
  readonly afterMs: number;
}

/**
 * What a cluster does by itself: a function of a key, as the platform's own reconcilers are. It reads what it needs, brings the cluster to what the key
 * asks for, and says when it wants to look again; events are not told. Runs one at a time, on virtual time, with the cluster's seeded chance. A write
 * that lost a race is tried again by itself; another error too, later each time.
 */
export interface Controller {
  readonly name: string;
  readonly watches: readonly ControllerWatch[];
  reconcile(cluster: SimCluster, key: ControllerKey): Promise<Again | undefined>;
}

/** Keys of a watch that hands a change on to the object's controller of that kind: a Pod's to its ReplicaSet. */
export function controllerKey(kind: string): (object: StoredObject) => readonly string[] {
  return ({ metadata }) =>
    (metadata.ownerReferences ?? [])
      .filter((owner) => owner.controller === true && owner.kind === kind)
      .map((owner) => (metadata.namespace === undefined ? owner.name : `${metadata.namespace}/${owner.name}`));
}
