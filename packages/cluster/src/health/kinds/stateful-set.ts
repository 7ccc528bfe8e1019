import { healthy, routine, type Finding } from "../finding.ts";
import { unseenGeneration } from "../generation.ts";
import type { Scene } from "../scene.ts";
import { count } from "../text.ts";
import { blamePod, livePods, newestProblem, type PodProblem } from "./blame.ts";
import { labelOf } from "./revision.ts";

const REVISION_HASH = "controller-revision-hash";
/** A StatefulSet has no conditions: that its pods are refused stands in events only. */
const REFUSED = "If no pod appears, its events say who refuses it, such as a quota or an admission policy (kubectl describe).";

/** A StatefulSet: kstatus' numbers with Argo CD's OnDelete, and a way out of a rollout that is stuck for good. */
export function statefulSet(scene: Scene): Finding {
  const unseen = unseenGeneration(scene.object);
  if (unseen !== undefined) return unseen;
  const own = rollout(scene);
  if (own.state === "Healthy" || own.reason === "ScalingDown") return own;
  const problem = newestProblem(scene, livePods(scene));
  return problem === undefined ? own : withWayOut(scene, blamePod(own, problem), problem);
}

function rollout({ object }: Scene): Finding {
  const wanted = object.number("spec", "replicas") ?? 1;
  const status = (field: string): number => object.number("status", field) ?? 0;
  const existing = status("replicas");
  const ready = status("readyReplicas");
  const tally = `${ready} of ${wanted} replicas ${ready === 1 ? "is" : "are"} ready.`;
  if (existing > wanted)
    return routine(
      "ScalingDown",
      `${count(existing - wanted, "replica")} still ${existing - wanted === 1 ? "has" : "have"} to end. ${tally}`,
      "/status/replicas",
    );
  if (wanted === 0) return healthy("ScaledToZero", "It is scaled to zero.", "/spec/replicas");
  if (existing < wanted)
    return routine(
      "ScalingUp",
      `${existing} of ${wanted} pods ${existing === 1 ? "exists" : "exist"}. ${tally}${existing === 0 ? ` ${REFUSED}` : ""}`,
      "/status/replicas",
    );
  if (ready < wanted) return routine("RollingOut", tally, "/status/readyReplicas");
  const available = object.number("status", "availableReplicas");
  if (available !== undefined && available < wanted)
    return routine("RollingOut", `${tally} ${available} ${available === 1 ? "has" : "have"} been so for minReadySeconds.`, "/status/availableReplicas");
  return revisions({ object }, wanted, tally);
}

/** All pods are ready; are they the right ones? */
function revisions({ object }: Pick<Scene, "object">, wanted: number, tally: string): Finding {
  const updated = object.number("status", "updatedReplicas") ?? 0;
  const current = object.text("status", "currentRevision");
  const update = object.text("status", "updateRevision");
  if (object.text("spec", "updateStrategy", "type") === "OnDelete") {
    const old = current !== update && updated < wanted;
    const found = healthy("Available", tally, "/status/readyReplicas");
    return old
      ? {
          ...found,
          warning: `${count(wanted - updated, "pod")} still ${wanted - updated === 1 ? "runs" : "run"} the old version: with updateStrategy OnDelete each is replaced when somebody deletes it.`,
        }
      : found;
  }
  const partition = object.number("spec", "updateStrategy", "rollingUpdate", "partition") ?? 0;
  if (partition > 0) {
    const due = Math.max(0, wanted - partition);
    if (updated < due)
      return routine(
        "RollingOut",
        `${updated} of ${due} replicas above partition ${partition} ${updated === 1 ? "runs" : "run"} the new version.`,
        "/status/updatedReplicas",
      );
    return healthy("PartitionedRolloutDone", `${tally} Those above partition ${partition} run the new version.`, "/status/updatedReplicas");
  }
  if (current !== update)
    return routine("RollingOut", `${updated} of ${wanted} replicas ${updated === 1 ? "runs" : "run"} the new version.`, "/status/updateRevision");
  const onCurrent = object.number("status", "currentReplicas") ?? 0;
  if (onCurrent < wanted)
    return routine("RollingOut", `${onCurrent} of ${wanted} replicas ${onCurrent === 1 ? "is" : "are"} of the current revision.`, "/status/currentReplicas");
  return healthy("Available", tally, "/status/readyReplicas");
}

/**
 * The controller waits for a broken pod to become ready before it replaces any, so a corrected template never reaches
 * it (kubernetes/kubernetes#67250). Somebody must delete the pod.
 */
function withWayOut({ object, id }: Scene, finding: Finding, { child }: PodProblem): Finding {
  if (finding.state !== "Degraded") return finding;
  const update = object.text("status", "updateRevision");
  const revision = labelOf(child, REVISION_HASH);
  const namespace = id.namespace === undefined ? "" : ` --namespace ${id.namespace}`;
  const command = `kubectl delete pod ${child.id.name}${namespace}`;
  const old = update !== undefined && revision !== undefined && revision !== update;
  const advice = old
    ? `This pod is still of an older revision and is not replaced as long as it is not ready: delete it (${command}) so that it comes back as the new one.`
    : `A StatefulSet does not replace a broken pod by itself: after the correction, delete it (${command}).`;
  return { ...finding, message: `${finding.message} ${advice}` };
}
