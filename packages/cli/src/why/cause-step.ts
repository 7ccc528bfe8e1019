import type { Condition } from "@threeport/resource";
import { conditionOf, isCurrent, release, type Observed } from "../kinds.ts";

/** One object on the way from what was asked for to what caused its state. */
export interface CauseStep {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly state: string;
  readonly reason: string;
  readonly message: string;
  readonly since?: number;
  readonly deadline?: number;
  readonly evidence?: { readonly pointer: string; readonly value: string };
  readonly container?: { readonly name: string; readonly previous: boolean };
}

/** What an object says of itself. */
export function stepOf(object: Observed): CauseStep {
  const { name, namespace, deletionTimestamp, finalizers = [] } = object.metadata;
  const base = { kind: object.kind ?? "", name, ...(namespace === undefined ? {} : { namespace }) };
  const ready = conditionOf(object, "Ready");
  if (deletionTimestamp !== undefined) {
    const told =
      ready?.reason === "Deleting" || ready?.reason === "InUse"
        ? ready.message
        : `it is being deleted and waits for ${finalizers.join(", ") || "its dependents"}`;
    return { ...base, state: "Terminating", reason: ready?.reason ?? "Deleting", message: told, since: Date.parse(deletionTimestamp) };
  }
  if (ready === undefined) {
    // Kinds of ours say how they are a moment after they were made; others have no state.
    const looksSoon = object.apiVersion?.startsWith("threeport.io/") === true && object.kind !== release.kind;
    return looksSoon
      ? { ...base, state: "Progressing", reason: "Pending", message: "it has not been looked at yet" }
      : { ...base, state: "Healthy", reason: "Exists", message: "it exists, and has no state of its own" };
  }
  return { ...base, state: stateOf(object, ready), reason: ready.reason, message: ready.message, since: Date.parse(ready.lastTransitionTime) };
}

function stateOf(object: Observed, ready: Condition): string {
  if (ready.status === "True" && isCurrent(object, ready)) return "Healthy";
  return conditionOf(object, "Stalled")?.status === "True" ? "Degraded" : "Progressing";
}

export function isWell({ state }: CauseStep): boolean {
  return state === "Healthy" || state === "Suspended";
}
