import type { SeenCondition } from "./conditions.ts";
import { degraded, type Finding } from "./finding.ts";
import { explainRefusal } from "./refusal.ts";
import type { Child } from "./scene.ts";
import { quote } from "./text.ts";

/** `ReplicaFailure`: the API server refuses the controller's pods. `owner` is the ReplicaSet that is refused, where it is known. */
export function replicaFailure(condition: SeenCondition | undefined, owner?: Child): Finding | undefined {
  if (condition === undefined) return undefined;
  const verb = condition.reason === "FailedDelete" ? "deleted" : "created";
  const refusal = explainRefusal(condition.message);
  const found =
    refusal === undefined
      ? degraded(condition.reason || "ReplicaFailure", `Its pods cannot be ${verb}: ${quote(condition.message)}.`, condition.pointer)
      : degraded(refusal.reason, `Its pods cannot be ${verb}: ${refusal.message}`, condition.pointer);
  const pointer = owner === undefined ? undefined : ownCondition(owner);
  return owner === undefined || pointer === undefined ? found : { ...found, culprit: owner.id, evidence: pointer };
}

/** Where the ReplicaSet says the same about itself. */
function ownCondition({ object }: Child): string | undefined {
  const conditions = object.at("status").value;
  const list: unknown = typeof conditions === "object" && conditions !== null ? (conditions as { conditions?: unknown }).conditions : undefined;
  const index = Array.isArray(list)
    ? list.findIndex((element: unknown) => typeof element === "object" && element !== null && (element as { type?: unknown }).type === "ReplicaFailure")
    : -1;
  return index < 0 ? undefined : `/status/conditions/${index}`;
}
