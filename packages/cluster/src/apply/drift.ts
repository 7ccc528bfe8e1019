import type { KubeObject, StoredObject } from "@threeport/resource";
import type { Entry } from "./entry.ts";

/** Whether an object must be applied, and why; undefined when the cluster has it as it was left. */
export type ApplyReason = "new" | "changed" | "missing" | "replaced" | "drift";

/**
 * `live` is what a complete watch knows (undefined: not there); `complete` false means that nothing is known, and then
 * only what we ourselves changed is applied: the watch tells later.
 */
export function applyReason(
  entry: Entry | undefined,
  input: { readonly digest: string; readonly desired: KubeObject; readonly live: StoredObject | undefined; readonly complete: boolean },
): ApplyReason | undefined {
  if (entry === undefined || entry.uid === "" || entry.state !== "applied") return "new";
  if (entry.detail.digest !== input.digest || entry.detail.refusal !== undefined) return "changed";
  if (!input.complete) return undefined;
  if (input.live === undefined) return "missing";
  if (input.live.metadata.uid !== entry.uid) return "replaced";
  if (input.live.metadata.deletionTimestamp !== undefined) return undefined; // it has to go first
  return hasDrift(entry, input.desired, input.live) ? "drift" : undefined;
}

/**
 * Kinds with a generation tell by it whether the desired state was touched; for the others any version that is not ours
 * is looked at: applying what is there already writes nothing.
 */
function hasDrift(entry: Entry, desired: KubeObject, live: StoredObject): boolean {
  if (live.metadata.generation !== undefined) {
    if (live.metadata.generation !== entry.detail.generation) return true;
    return !holds(desired.metadata.labels, live.metadata.labels) || !holds(desired.metadata.annotations, live.metadata.annotations);
  }
  return live.metadata.resourceVersion !== entry.detail.resourceVersion;
}

function holds(wanted: Record<string, string> | undefined, have: Record<string, string> | undefined): boolean {
  return Object.entries(wanted ?? {}).every(([key, value]) => have?.[key] === value);
}
