import { conditionsOf, when } from "../conditions.ts";
import { healthy, routine, type Finding } from "../finding.ts";
import { unseenGeneration } from "../generation.ts";
import { replicaFailure } from "../replica-failure.ts";
import type { Scene } from "../scene.ts";
import { count } from "../text.ts";
import { blamePod, livePods, newestProblem } from "./blame.ts";

/** A ReplicaSet; refused pods are Degraded at once, because nothing but a change helps. */
export function replicaSet(scene: Scene): Finding {
  const { object } = scene;
  const unseen = unseenGeneration(object);
  if (unseen !== undefined) return unseen;
  const failure = replicaFailure(when(conditionsOf(object), "ReplicaFailure", "True"));
  if (failure !== undefined) return failure;
  const wanted = object.number("spec", "replicas") ?? 1;
  const existing = object.number("status", "replicas") ?? 0;
  const available = object.number("status", "availableReplicas") ?? 0;
  if (existing > wanted)
    return routine("ScalingDown", `${count(existing - wanted, "replica")} still ${existing - wanted === 1 ? "has" : "have"} to end.`, "/status/replicas");
  if (wanted === 0) return healthy("ScaledToZero", "It is scaled to zero.", "/spec/replicas");
  const tally = `${available} of ${wanted} replicas ${available === 1 ? "is" : "are"} available.`;
  for (const field of ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"]) {
    if ((object.number("status", field) ?? 0) < wanted) return blamePod(routine("ScalingUp", tally, `/status/${field}`), newestProblem(scene, livePods(scene)));
  }
  return healthy("Available", tally, "/status/availableReplicas");
}
