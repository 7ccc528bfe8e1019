import { conditionsOf, when, type SeenCondition } from "../conditions.ts";
import { healthy, progressing, degraded, routine, suspended, type Finding } from "../finding.ts";
import { unseenGeneration } from "../generation.ts";
import { replicaFailure } from "../replica-failure.ts";
import { childrenOf, type Child, type Scene } from "../scene.ts";
import { count, quote } from "../text.ts";
import { blamePod, livePods, newestProblem } from "./blame.ts";
import { annotationOf, labelOf, ownedBy, withLabel } from "./revision.ts";

const REVISION = "deployment.kubernetes.io/revision";
const TEMPLATE_HASH = "pod-template-hash";
/** What `kubectl` and the API server write for "no progress deadline". */
const NO_DEADLINE_SECONDS = 2_147_483_647;

/** A Deployment: kstatus' numbers, paused as Argo CD has it, and the newest problem of a pod of the newest revision. */
export function deployment(scene: Scene): Finding {
  const { object } = scene;
  const unseen = unseenGeneration(object);
  if (unseen !== undefined) return unseen;
  if (object.flag("spec", "paused") === true)
    return suspended("Paused", "Its rollout is paused: changes wait until somebody resumes it (kubectl rollout resume).", "/spec/paused");
  const conditions = conditionsOf(object);
  const current = currentReplicaSet(scene);
  const failure = replicaFailure(when(conditions, "ReplicaFailure", "True"), current);
  if (failure !== undefined) return failure;
  const own = rollout(scene, conditions);
  if (own.state === "Healthy" || own.reason === "ScalingDown") return own;
  return blamePod(own, newestProblem(scene, currentPods(scene, current)));
}

function rollout({ object }: Scene, conditions: ReadonlyMap<string, SeenCondition>): Finding {
  const wanted = object.number("spec", "replicas") ?? 1;
  const status = (field: string): number => object.number("status", field) ?? 0;
  const updated = status("updatedReplicas");
  const available = status("availableReplicas");
  const progress = conditions.get("Progressing");
  const tally = `${available} of ${wanted} replicas ${available === 1 ? "is" : "are"} available.`;
  if (wanted === 0 && status("replicas") === 0) return healthy("ScaledToZero", "It is scaled to zero.", "/spec/replicas");
  if (progress?.reason === "ProgressDeadlineExceeded")
    return degraded(
      "ProgressDeadlineExceeded",
      `The rollout made no progress within its deadline. ${tally} Look at its pods, then correct the Deployment.`,
      progress.pointer,
    );
  if (progress?.status === "False") return degraded(progress.reason || "NotProgressing", `The rollout failed: ${quote(progress.message)}.`, progress.pointer);
  if (updated < wanted)
    return routine("RollingOut", `${updated} of ${wanted} replicas ${updated === 1 ? "runs" : "run"} the new version. ${tally}`, "/status/updatedReplicas");
  const leaving = status("replicas") - Math.min(wanted, updated);
  if (leaving > 0)
    return routine(
      updated > wanted ? "ScalingDown" : "RollingOut",
      `${count(leaving, updated > wanted ? "replica" : "old replica")} still ${leaving === 1 ? "has" : "have"} to end. ${tally}`,
      "/status/replicas",
    );
  if (available < updated) return routine("RollingOut", tally, "/status/availableReplicas");
  if (status("readyReplicas") < wanted) return routine("RollingOut", `${status("readyReplicas")} of ${wanted} replicas are ready.`, "/status/readyReplicas");
  if (progress === undefined ? deadlineSet(object.number("spec", "progressDeadlineSeconds")) : progress.reason !== "NewReplicaSetAvailable") {
    return routine(
      "RollingOut",
      `The rollout is not finished${progress === undefined ? "" : `: ${quote(progress.message)}`}. ${tally}`,
      progress?.pointer ?? "/status/conditions",
    );
  }
  const availability = conditions.get("Available");
  if (availability === undefined || availability.status !== "True")
    return progressing(
      "Unavailable",
      `${quote(availability?.message || "It does not say that it is available")}. ${tally}`,
      availability?.pointer ?? "/status/conditions",
    );
  return healthy("Available", tally, availability.pointer);
}

function deadlineSet(seconds: number | undefined): boolean {
  return seconds !== undefined && seconds < NO_DEADLINE_SECONDS;
}

/** The ReplicaSet of the newest revision, if the caller brought any. */
function currentReplicaSet(scene: Scene): Child | undefined {
  const replicaSets = childrenOf(scene, "apps", "ReplicaSet");
  const revision = annotationOf({ id: scene.id, object: scene.object, createdAt: 0 }, REVISION);
  const named = revision === undefined ? undefined : replicaSets.find((child) => annotationOf(child, REVISION) === revision);
  return named ?? replicaSets.toSorted((a, b) => Number(annotationOf(b, REVISION) ?? 0) - Number(annotationOf(a, REVISION) ?? 0))[0];
}

/** Pods of older revisions are on their way out; their troubles are not those of the rollout. */
function currentPods(scene: Scene, current: Child | undefined): Child[] {
  const pods = livePods(scene);
  if (current === undefined) return withLabel(pods, TEMPLATE_HASH, pods[0] && labelOf(pods[0], TEMPLATE_HASH));
  const hash = labelOf(current, TEMPLATE_HASH);
  if (hash !== undefined) return withLabel(pods, TEMPLATE_HASH, hash);
  const { uid } = current.id;
  return uid === undefined ? pods : pods.filter((child) => ownedBy(child, uid));
}
