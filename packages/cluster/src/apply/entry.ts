import type { InventoryEntry } from "@threeport/store";
import type { Verdict, ObjectId } from "../health/index.ts";

/** What is remembered of an object between runs; stands in the inventory row's `detail`. */
export interface EntryDetail {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  /** HMAC of the object as it was last applied; "" before. */
  readonly digest: string;
  /** Version and generation that the apply left: what differs later was changed by somebody. */
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly orphan?: boolean;
  /** Milliseconds since 1970: since when an object that a lost run may have made, and that nobody wants any more, has not been there. */
  readonly absentSince?: number;
  /** Milliseconds since 1970: since when it is known that a run which was lost had begun to make it. Its call may come to the cluster after all. */
  readonly lostCallSince?: number;
  /** It was there before us, and was taken over. */
  readonly adopted?: boolean;
  readonly verdict?: Verdict;
  /** The last refusal, while the object is not applied as written. */
  readonly refusal?: { readonly reason: string; readonly message: string };
}

export interface Entry {
  readonly id: string;
  readonly uid: string;
  readonly state: InventoryEntry["state"];
  readonly detail: EntryDetail;
}

export function readEntry(row: InventoryEntry): Entry {
  return { id: row.id, uid: row.uid, state: row.state, detail: JSON.parse(row.detail) as EntryDetail };
}

export function writeEntry(entry: Entry): InventoryEntry {
  return { id: entry.id, uid: entry.uid, state: entry.state, detail: JSON.stringify(entry.detail) };
}

export function objectIdOf(detail: EntryDetail): ObjectId {
  return { apiVersion: detail.apiVersion, kind: detail.kind, name: detail.name, ...(detail.namespace === undefined ? {} : { namespace: detail.namespace }) };
}

/** Whether the object stays when its set lets go of it: by request, or because it is a namespace that was not made by us and may hold what is not ours. */
export function outlivesSet(detail: EntryDetail): boolean {
  return detail.orphan === true || (detail.adopted === true && detail.kind === "Namespace");
}
