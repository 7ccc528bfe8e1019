import { conditionsOf, when, type SeenCondition } from "../conditions.ts";
import { unlessWrong } from "../cursor.ts";
import { degraded, healthy, progressing, routine, suspended, type Finding } from "../finding.ts";
import { pod } from "../pod/pod.ts";
import { childrenOf, sceneOf, type Scene } from "../scene.ts";
import { quote } from "../text.ts";
import { blamePod, livePods, newestProblem, type PodProblem } from "./blame.ts";

/** What a Job's own retries may still mend; anything else stops it until somebody acts. */
const retried: ReadonlySet<string> = new Set([
  "CrashLoopBackOff",
  "ContainerFailed",
  "Evicted",
  "NodeLost",
  "NodeShutdown",
  "Preempted",
  "RejectedByNode",
  "PodFailed",
]);

/** A Job is healthy when it is complete, not when it has started: what waits for it needs its result. */
export function job(scene: Scene): Finding {
  const { object } = scene;
  const conditions = conditionsOf(object);
  const complete = when(conditions, "Complete", "True");
  if (complete !== undefined) return healthy("Complete", "It is complete.", complete.pointer);
  const failed = when(conditions, "Failed", "True") ?? when(conditions, "FailureTarget", "True");
  if (failed !== undefined) return failure(scene, failed);
  const paused = when(conditions, "Suspended", "True");
  if (object.flag("spec", "suspend") === true || paused !== undefined)
    return suspended("JobSuspended", "It is suspended: it goes on when spec.suspend is set to false.", paused?.pointer ?? "/spec/suspend");
  const success = when(conditions, "SuccessCriteriaMet", "True");
  if (success !== undefined) return routine("Finishing", "It has succeeded; its last pods are ending.", success.pointer);
  return running(scene);
}

function running(scene: Scene): Finding {
  const { object } = scene;
  const wanted = object.number("spec", "completions") ?? object.number("spec", "parallelism") ?? 1;
  const succeeded = object.number("status", "succeeded") ?? 0;
  const failures = object.number("status", "failed") ?? 0;
  const active = object.number("status", "active") ?? 0;
  const tally = `${succeeded} of ${wanted} runs ${succeeded === 1 ? "has" : "have"} succeeded, ${active} active${failures === 0 ? "" : `, ${failures} failed of at most ${(object.number("spec", "backoffLimit") ?? 6) + 1}`}.`;
  if (object.at("status", "startTime").exists === false) return routine("Starting", "It has not started yet.", "/status/startTime");
  const problem = newestProblem(scene, livePods(scene));
  if (problem === undefined) return routine("Running", tally, "/status/succeeded");
  const own = progressing("Running", tally, "/status/succeeded");
  return retried.has(problem.finding.reason) ? { ...blamePod(own, problem), state: "Progressing" } : blamePod(own, problem);
}

function failure(scene: Scene, condition: SeenCondition): Finding {
  const reason = condition.reason || "JobFailed";
  const own = degraded(
    reason,
    `${words[reason] ?? `It has failed: ${quote(condition.message || reason)}.`} Correct the cause, then delete it and apply it again.`,
    condition.pointer,
  );
  const cause = lastFailure(scene);
  return cause === undefined
    ? own
    : { ...own, message: `${own.message} Pod ${cause.child.id.name}: ${cause.finding.message}`, culprit: cause.child.id, evidence: cause.finding.evidence };
}

/** What Kubernetes 1.36 gives as reasons of a failed Job (k8s.io/api batch/v1). */
const words: Readonly<Record<string, string>> = {
  BackoffLimitExceeded: "It has failed more often than backoffLimit allows.",
  DeadlineExceeded: "It ran longer than activeDeadlineSeconds allows.",
  PodFailurePolicy: "It has failed, and its podFailurePolicy says not to try again.",
  FailedIndexes: "Some of its indexes have failed.",
  MaxFailedIndexesExceeded: "More of its indexes have failed than maxFailedIndexes allows.",
};

/** The newest pod that says why it failed; pods of a failed Job may be ending already. */
function lastFailure(scene: Scene): PodProblem | undefined {
  for (const child of childrenOf(scene, "", "Pod")) {
    const finding = unlessWrong(() => (child.object.text("status", "phase") === "Failed" ? pod(sceneOf(child, scene)) : undefined));
    if (finding !== undefined) return { child, finding };
  }
  return newestProblem(scene, livePods(scene));
}
