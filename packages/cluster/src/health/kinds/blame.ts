import { unlessWrong } from "../cursor.ts";
import type { Finding } from "../finding.ts";
import { pod } from "../pod/pod.ts";
import { childrenOf, sceneOf, type Child, type Scene } from "../scene.ts";
import { severity } from "../verdict.ts";

/** A pod that is not as it should be, and what its rule said about it. */
export interface PodProblem {
  readonly child: Child;
  readonly finding: Finding;
}

/** The Pods among the children that are not on their way out, newest first. */
export function livePods(scene: Scene): Child[] {
  return childrenOf(scene, "", "Pod").filter(({ object }) => !object.at("metadata", "deletionTimestamp").exists);
}

/**
 * The newest problem among `pods` (newest first): a broken pod before one that is slow. An ended pod counts only when
 * no newer one has replaced it: controllers leave evicted pods behind for people to look at.
 */
export function newestProblem(scene: Scene, pods: readonly Child[]): PodProblem | undefined {
  let slow: PodProblem | undefined;
  for (const [index, child] of pods.entries()) {
    // A pod that cannot be read is not the cause of anything that we could name.
    const finding = unlessWrong(() => pod(sceneOf(child, scene)));
    if (finding === undefined || finding.routine === true) continue;
    const problem = { child, finding };
    if (finding.state === "Degraded" && (index === 0 || !ended(child))) return problem;
    if (finding.state === "Progressing" || finding.state === "Suspended") slow ??= problem;
  }
  return slow;
}

/** The owner's own finding, with the pod as the cause. A suspended pod holds its owner back, which is Progressing. */
export function blamePod(own: Finding, problem: PodProblem | undefined): Finding {
  if (problem === undefined) return own;
  const { finding, child } = problem;
  const state = finding.state === "Degraded" || severity[own.state] > severity.Progressing ? "Degraded" : own.state;
  return {
    state,
    reason: finding.reason,
    message: `Pod ${child.id.name}: ${finding.message} ${own.message}`,
    evidence: finding.evidence,
    culprit: child.id,
    ...(own.warning === undefined ? {} : { warning: own.warning }),
  };
}

function ended({ object }: Child): boolean {
  return unlessWrong(() => object.text("status", "phase")) === "Failed";
}
