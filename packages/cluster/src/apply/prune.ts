// Removing objects (design.md C3): only what the inventory lists, only by uid.
import { isErrorCode, PlatformError, type StoredObject } from "@threeport/resource";
import type { Cluster } from "../connection/cluster.ts";
import { belongsTo, type SetIdentity } from "../marks.ts";
import { objectIdOf, type Entry } from "./entry.ts";

export type Removal = "gone" | "going";

export interface RemoveInput {
  readonly cluster: Cluster;
  readonly entry: Entry;
  readonly identity: SetIdentity;
  /** Uids of what the set wants: an object that stands in the inventory under two ids, because its kind was unknown at first, is not removed by the old one. */
  readonly wanted: ReadonlySet<string>;
  readonly signal: AbortSignal;
}

/** Asks for the removal of one object; `gone` when it is not there any more, or is no longer ours. */
export async function removeFromCluster({ cluster, entry, identity, wanted, signal }: RemoveInput): Promise<Removal> {
  const target = objectIdOf(entry.detail);
  let live: StoredObject;
  try {
    live = await cluster.call((client) => client.get<StoredObject>(target, { signal }));
  } catch (error) {
    if (isErrorCode(error, "TP_NOT_FOUND") || isErrorCode(error, "TP_KIND_UNKNOWN") || isNoPath(error)) return "gone";
    throw error;
  }
  // A pending entry has no uid yet: our mark on the object tells whether the lost apply had made it.
  const ours = belongsTo(live, identity) && (entry.uid === "" || live.metadata.uid === entry.uid);
  if (!ours || wanted.has(live.metadata.uid)) return "gone";
  if (live.metadata.deletionTimestamp !== undefined) return "going";
  try {
    await cluster.call((client) => client.delete(target, { preconditions: { uid: live.metadata.uid }, propagationPolicy: "Background", signal }));
  } catch (error) {
    if (isErrorCode(error, "TP_NOT_FOUND")) return "gone";
    if (error instanceof PlatformError && error.code === "TP_VERSION_CONFLICT") return "going"; // replaced in between: the next look decides
    throw error;
  }
  return "going";
}

/** The entry names no object of its kind, for example none in a namespace: it was written before the kind was known, and nothing was ever made under it. */
function isNoPath(error: unknown): boolean {
  return error instanceof PlatformError && error.code === "TP_BAD_REQUEST" && error.detail["httpStatus"] === undefined;
}
