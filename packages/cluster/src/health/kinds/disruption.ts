import { conditionsOf } from "../conditions.ts";
import { degraded, healthy, routine, type Finding } from "../finding.ts";
import type { Scene } from "../scene.ts";
import { quote } from "../text.ts";

/** A PodDisruptionBudget: too few pods to disrupt is its work, anything else that it says no to is a defect. */
export function podDisruptionBudget({ object }: Scene): Finding {
  if (object.keys("status").length === 0) return routine("NoStatusYet", "Its controller has not counted its pods yet.", "/status");
  for (const condition of conditionsOf(object).values()) {
    if (condition.status !== "False" || condition.reason === "InsufficientPods") continue;
    return degraded(
      condition.reason || "Failed",
      `It protects nothing: ${quote(condition.message || condition.type)}. Check its selector and that its pods belong to a controller.`,
      condition.pointer,
    );
  }
  const allowed = object.number("status", "disruptionsAllowed") ?? 0;
  return healthy(
    allowed > 0 ? "SufficientPods" : "InsufficientPods",
    allowed > 0 ? `${allowed} of its pods may be disrupted now.` : "None of its pods may be disrupted now.",
    "/status/disruptionsAllowed",
  );
}
