import type { KubeObject, StoredObject } from "./object.ts";

/** Names one object. `apiVersion` and `kind` as in its body. */
export interface Target {
  readonly apiVersion: string;
  readonly kind: string;
  /** Absent for cluster-scoped kinds. */
  readonly namespace?: string;
  readonly name: string;
}

export interface ListQuery {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Only objects whose declared references name this one (S5): reads these alone, however many others there are. */
  readonly refersTo?: Target;
}

export interface DeleteQuery {
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan";
}

/**
 * How a reconciler sees the world of objects (design.md §4): in process it is the API pipeline without HTTP, outside it
 * is HTTP. Every write passes the same admission as a person's; inside a reconciler each carries the fence of the lease
 * it runs under, and fails with `TP_LEASE_LOST` when the lease has gone to another worker (Q3).
 */
export interface Objects {
  /** The object as last committed, or undefined. */
  get<T extends KubeObject = StoredObject>(target: Target): Promise<T | undefined>;
  /** All objects of a kind that match, from one snapshot, ordered by namespace and name. */
  list<T extends KubeObject = StoredObject>(kind: { apiVersion: string; kind: string }, query?: ListQuery): Promise<readonly T[]>;
  /**
   * Server-side apply (K7): creates the object or brings the fields that are given to what is given, whoever managed them; fields
   * that the caller applied before and does not give any more go. Give all that the caller has an opinion on, each time.
   */
  apply<T extends KubeObject = StoredObject>(object: KubeObject): Promise<T>;
  /** Creates; `TP_ALREADY_EXISTS` when the name is taken. */
  create<T extends KubeObject = StoredObject>(object: KubeObject): Promise<T>;
  /** Replaces `status` under the version that `object` was read at; `TP_VERSION_CONFLICT` when it moved. */
  patchStatus<T extends KubeObject = StoredObject>(object: T): Promise<T>;
  /** Writes what differs between `original` and `draft` outside status, under `original`'s version. Removing the last finalizer of a deleted object removes it; then undefined is returned. */
  commit<T extends KubeObject>(original: T, draft: T): Promise<T | undefined>;
  /** Marks for deletion; an object that does not exist is not an error. */
  delete(target: Target, query?: DeleteQuery): Promise<void>;
}
