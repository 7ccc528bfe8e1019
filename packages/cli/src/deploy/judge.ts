import type { Condition } from "@threeport/resource";
import { conditionOf, isCurrent, type WorkloadDefinition, type WorkloadInstance } from "../kinds.ts";

/** What a deployment has come to, as far as *this* deploy is concerned. */
export type Judgement =
  /** `applied` is false while what runs is still of an earlier release. */
  | { readonly state: "waiting"; readonly reason: string; readonly message: string; readonly applied: boolean }
  | { readonly state: "ready"; readonly release: string; readonly message: string }
  /** It does not go on by itself. `settled` is false while the word may still be about what was there before. */
  | { readonly state: "stalled"; readonly reason: string; readonly message: string; readonly settled: boolean }
  /** Somebody else changed the workload meanwhile. */
  | { readonly state: "superseded"; readonly generation: number };

export interface Goal {
  /** Generation of the definition that this deploy wrote, or found to be as wanted. */
  readonly definitionGeneration: number;
}

/**
 * Compares what is asked with what is said, and believes a word only when it speaks of the same thing: the definition's generation has become
 * a release, the instance has applied that release, and its conditions are about its present generation.
 */
export function judge(goal: Goal, definition: WorkloadDefinition, instance: WorkloadInstance): Judgement {
  const generation = definition.metadata.generation ?? 0;
  if (generation > goal.definitionGeneration) return { state: "superseded", generation };
  if (instance.metadata.deletionTimestamp !== undefined)
    return { state: "stalled", reason: "Deleting", message: "the deployment is being deleted", settled: true };
  const release = definition.status?.latestRelease;
  if (generation < goal.definitionGeneration || release === undefined || definition.status?.observedGeneration !== generation)
    return definitionTrouble(definition) ?? { state: "waiting", reason: "ReleasePending", message: "the release is being made", applied: false };
  const ready = conditionOf(instance, "Ready");
  const stalled = conditionOf(instance, "Stalled");
  const applied = instance.status?.release;
  if (!isCurrent(instance, ready) || ready === undefined)
    return { state: "waiting", reason: "Applying", message: `release ${release} has not reached the deployment yet`, applied: false };
  if (applied === release && ready.status === "True") return { state: "ready", release, message: ready.message };
  if (stalled?.status === "True" && isCurrent(instance, stalled) && (applied === release || applied === undefined)) {
    // Without a release it may have stalled before this deploy, for a reason that this deploy has removed.
    return { state: "stalled", reason: stalled.reason, message: stalled.message, settled: applied === release };
  }
  if (applied !== release)
    return {
      state: "waiting",
      reason: applied === undefined ? ready.reason : "Applying",
      message: applied === undefined ? ready.message : `release ${release} replaces ${applied}`,
      applied: false,
    };
  return { state: "waiting", reason: ready.reason, message: ready.message, applied: true };
}

function definitionTrouble(definition: WorkloadDefinition): Judgement | undefined {
  const stalled: Condition | undefined = conditionOf(definition, "Stalled");
  if (stalled?.status !== "True" || !isCurrent(definition, stalled)) return undefined;
  return { state: "stalled", reason: stalled.reason, message: stalled.message, settled: false };
}
