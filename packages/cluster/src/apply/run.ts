import type { ReconcileContext, ReconcileKey } from "@threeport/engine";
import type { ResourceSet } from "../kinds/resource-set.ts";
import type { SetIdentity } from "../marks.ts";

/** One look at one set. */
export interface Run {
  readonly set: ResourceSet;
  readonly identity: SetIdentity;
  readonly key: ReconcileKey;
  readonly context: ReconcileContext;
}

/** Calls to one cluster at the same time on behalf of one set: quick for large sets, polite to small API servers. */
export const applyParallel = 8;
