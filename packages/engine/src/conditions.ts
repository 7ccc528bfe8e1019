import { rfc3339, type Clock } from "@threeport/platform";
import type { Condition, KubeObject } from "@threeport/resource";

/** The three words that generic tools understand (design.md §5.8). */
export type Verdict =
  | { readonly state: "ready"; readonly reason: string; readonly message: string }
  | { readonly state: "reconciling"; readonly reason: string; readonly message: string }
  | { readonly state: "stalled"; readonly reason: string; readonly message: string };

/** Ready, Reconciling and Stalled from one verdict; times move only when a status changes. */
export function conditionsOf(object: KubeObject, verdict: Verdict, clock: Clock): Condition[] {
  const generation = object.metadata.generation ?? 0;
  const previous = ((object["status"] as { conditions?: Condition[] } | undefined)?.conditions ?? []).filter(
    (condition) => !["Ready", "Reconciling", "Stalled"].includes(condition.type),
  );
  const make = (type: string, on: boolean): Condition => ({
    type,
    status: on ? "True" : "False",
    reason: verdict.reason,
    message: verdict.message,
    lastTransitionTime: rfc3339(clock.now()),
    observedGeneration: generation,
  });
  return withConditions(object, [
    ...previous,
    make("Ready", verdict.state === "ready"),
    make("Reconciling", verdict.state === "reconciling"),
    make("Stalled", verdict.state === "stalled"),
  ]);
}

/** `next`, with the transition times of unchanged conditions kept. */
export function withConditions(object: KubeObject, next: readonly Condition[]): Condition[] {
  const old = (object["status"] as { conditions?: Condition[] } | undefined)?.conditions ?? [];
  return next.map((condition) => {
    const before = old.find((candidate) => candidate.type === condition.type);
    return before !== undefined && before.status === condition.status ? { ...condition, lastTransitionTime: before.lastTransitionTime } : condition;
  });
}

/**
 * Q7: whether an object has not been Ready for longer than it may. Read from the condition, so that it holds over restarts, in every process, and whatever
 * the reasons were in between. An object that nobody has judged yet is not overdue.
 */
export function isOverdue(object: KubeObject, deadlineMs: number, nowMs: number): boolean {
  const ready = findCondition(object, "Ready");
  return ready !== undefined && ready.status !== "True" && nowMs - Date.parse(ready.lastTransitionTime) > deadlineMs;
}

export function findCondition(object: KubeObject, type: string): Condition | undefined {
  return ((object["status"] as { conditions?: Condition[] } | undefined)?.conditions ?? []).find((condition) => condition.type === type);
}

/** Ready for exactly the generation that stands in the spec now: what gates and waits must compare (§5.8). */
export function isReadyNow(object: KubeObject): boolean {
  const ready = findCondition(object, "Ready");
  return ready?.status === "True" && (ready.observedGeneration ?? 0) === (object.metadata.generation ?? 0);
}
