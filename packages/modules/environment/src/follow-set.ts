import type { ResourceSet } from "@threeport/cluster";
import { findCondition, isReadyNow, type ReconcileContext, type Verdict } from "@threeport/engine";
import { namespaceNotAllowed, shareNamespace, type Place, type Sharer } from "./share-namespace.ts";

/** The verdict of a set as that of whoever made it: only what it says of its present generation counts. */
export function followSet(set: ResourceSet, what: string): Verdict {
  const ready = findCondition(set, "Ready");
  if (ready === undefined || (ready.observedGeneration ?? 0) !== (set.metadata.generation ?? 0))
    return { state: "reconciling", reason: "Applying", message: `${what} is being applied` };
  if (ready.status === "True") return { state: "ready", reason: "Healthy", message: `${what}: ${ready.message}` };
  return { state: findCondition(set, "Stalled")?.status === "True" ? "stalled" : "reconciling", reason: ready.reason, message: ready.message };
}

/** Makes or joins the namespace; what to tell until it is ready. */
export async function openNamespace(sharer: Sharer, place: Place, context: ReconcileContext): Promise<Verdict | undefined> {
  const { targetNamespace, environment } = place;
  const set = await shareNamespace(sharer, place, context);
  if (set === "terminating")
    return {
      state: "reconciling",
      reason: namespaceTerminating,
      message: `namespace ${targetNamespace} is still being removed; it is made again after that`,
    };
  if (set === "not allowed") return namespaceNotAllowed(targetNamespace, environment);
  return isReadyNow(set) ? undefined : followSet(set, `namespace ${targetNamespace}`);
}

/** The reason to look again soon: nobody tells when it is gone. */
export const namespaceTerminating = "NamespaceTerminating";
