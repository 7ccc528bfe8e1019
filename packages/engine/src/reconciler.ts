import type { Clock, Logger, Random } from "@threeport/platform";
import type { KubeObject, Objects } from "@threeport/resource";
import type { Claim, InventoryEntry } from "@threeport/store";

/** What a run came to; errors are thrown, classified by the registry. */
export type Outcome =
  /** Nothing to do until something changes; with `recheckAfterMs`, looked at again then as a periodic check. */
  | { readonly kind: "settled"; readonly recheckAfterMs?: number }
  /** Somebody else must act first. `on` names whom, for people; the key is looked at again when a reference wakes it, or after `recheckAfterMs`. */
  | { readonly kind: "waiting"; readonly on: string; readonly recheckAfterMs: number };

export const settled: Outcome = { kind: "settled" };

export function recheck(afterMs: number): Outcome {
  return { kind: "settled", recheckAfterMs: afterMs };
}

export function waiting(on: string, recheckAfterMs: number): Outcome {
  return { kind: "waiting", on, recheckAfterMs };
}

export interface Reconciler {
  /** Whose keys it gets: the store's name of a kind (`releases.threeport.io`), or a queue of the engine's own (`$…`). */
  readonly queue: string;
  /** The kind that errors are written to as conditions; absent for queues that are no kind. */
  readonly target?: { readonly apiVersion: string; readonly kind: string };
  /** Longest run. Default {@link runMsDefault}. */
  readonly deadlineMs?: number;
  /** Keys of this queue that run at the same time in one process. Default: half of all workers, so that no kind takes all. */
  readonly parallel?: number;
  /** Bring the world to what `key` asks for. Safe to call at any time, any number of times, after a kill at any point. */
  reconcile(key: ReconcileKey, context: ReconcileContext): Promise<Outcome>;
}

export interface ReconcileKey {
  readonly namespace: string;
  readonly name: string;
  /** The key as it stands in the queue. */
  readonly text: string;
}

/** All that a reconciler sees beside its key. Every write through it carries the lease (Q3). */
export interface ReconcileContext {
  readonly objects: Objects;
  readonly inventory: BoundInventory;
  readonly blobs: BlobAccess;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Aborts at the deadline and when the lease is lost. */
  readonly signal: AbortSignal;
  /** The lease that this run holds: its priority, its failures in a row so far. */
  readonly claim: Claim;
  /** Tells people what happened to an object; equal events are counted, not repeated. Never fails the run. */
  event(object: KubeObject, event: { readonly type: "Normal" | "Warning"; readonly reason: string; readonly message: string }): Promise<void>;
}

/** What a reconciler needs that works on objects alone; it can run wherever there is an API. */
export type ObjectContext = Pick<ReconcileContext, "objects" | "clock" | "signal">;

export interface ObjectReconciler extends Pick<Reconciler, "queue"> {
  reconcile(key: ReconcileKey, context: ObjectContext): Promise<Outcome>;
}

export interface BoundInventory {
  list(owner: string): Promise<InventoryEntry[]>;
  record(owner: string, change: { readonly put?: readonly InventoryEntry[]; readonly remove?: readonly string[] }): Promise<void>;
}

export interface BlobAccess {
  put(content: string): Promise<string>;
  get(digest: string): Promise<string | undefined>;
}

/** Longest run of a reconciler that names none: enough for a slow cluster's answers, short enough that a hang is noticed. */
export const runMsDefault = 120_000;
