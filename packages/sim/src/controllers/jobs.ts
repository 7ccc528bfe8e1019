import { rfc3339 } from "@threeport/platform";
import type { StoredObject } from "@threeport/resource";
import { controllerKey, type Again, type Controller } from "../controller.ts";
import { makePod, refusedAgain, tellRefused } from "./make-pod.ts";
import { conditionOf, fieldsOf, isActive, numberOf, ownedBy, podFrom, podKind, setStatus, type Fields } from "./owned.ts";

/** Pods until enough have succeeded, or too many have failed, or it took too long. */
export const jobController: Controller = {
  name: "jobs",
  watches: [{ resource: "jobs.batch" }, { resource: "pods", keys: controllerKey("Job") }],
  async reconcile(cluster, { namespace, name }) {
    const job = await cluster.objects.get({ apiVersion: "batch/v1", kind: "Job", namespace, name });
    if (job === undefined || job.metadata.deletionTimestamp !== undefined || ended(job)) return undefined;
    const spec = fieldsOf(job["spec"]);
    const status = fieldsOf(job["status"]);
    const nowMs = cluster.time.now();
    const now = rfc3339(nowMs);
    if (spec["suspend"] === true) {
      await setStatus(cluster, job, {
        ...status,
        conditions: [{ type: "Suspended", status: "True", reason: "JobSuspended", message: "Job suspended", lastProbeTime: now, lastTransitionTime: now }],
      });
      return undefined;
    }
    const pods = await ownedBy(cluster, podKind, job);
    const phased = (phase: string): number => pods.filter((pod) => fieldsOf(pod["status"])["phase"] === phase).length;
    const [succeeded, failed, active] = [phased("Succeeded"), phased("Failed"), pods.filter(isActive)];
    const wanted = numberOf(spec["completions"], 1);
    const startTime = typeof status["startTime"] === "string" ? status["startTime"] : now;
    const counts: Fields = {
      startTime,
      ...(active.length === 0 ? {} : { active: active.length }),
      ...(succeeded === 0 ? {} : { succeeded }),
      ...(failed === 0 ? {} : { failed }),
      ready: active.filter((pod) => conditionOf(pod, "Ready")?.["status"] === "True").length,
    };
    const end = async (type: "Complete" | "Failed", reason: string, message: string): Promise<undefined> => {
      for (const { metadata } of active) await cluster.objects.delete({ ...podKind, namespace, name: metadata.name }, { uid: metadata.uid });
      const { active: _, ...rest } = counts;
      const conditions = [type === "Complete" ? "SuccessCriteriaMet" : "FailureTarget", type].map((each) => ({
        type: each,
        status: "True",
        reason,
        message,
        lastProbeTime: now,
        lastTransitionTime: now,
      }));
      await setStatus(cluster, job, { ...rest, ready: 0, ...(type === "Complete" ? { completionTime: now } : {}), conditions });
      return undefined;
    };
    if (succeeded >= wanted) return end("Complete", "CompletionsReached", "Reached expected number of succeeded pods");
    if (failed > numberOf(spec["backoffLimit"], 6)) return end("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit");
    const limitMs = numberOf(spec["activeDeadlineSeconds"], Infinity) * 1_000;
    const lateMs = Date.parse(startTime) + limitMs;
    if (nowMs >= lateMs) return end("Failed", "DeadlineExceeded", "Job was active longer than specified deadline");
    const more = Math.min(numberOf(spec["parallelism"], 1), wanted - succeeded) - active.length;
    const labels = { "batch.kubernetes.io/job-name": name, "job-name": name };
    let refused: string | undefined;
    for (let count = 0; count < more && refused === undefined; count++)
      refused = await makePod(cluster, podFrom(job, `${name}-${cluster.random.suffix(5)}`, labels));
    await setStatus(cluster, job, counts);
    if (refused === undefined) return again(lateMs - nowMs);
    await tellRefused(cluster, job, `Error creating: ${refused}`);
    return again(Math.min(lateMs - nowMs, refusedAgain(cluster, startTime).afterMs));
  },
};

function ended(job: StoredObject): boolean {
  return ["Complete", "Failed"].some((type) => conditionOf(job, type)?.["status"] === "True");
}

function again(ms: number): Again | undefined {
  return Number.isFinite(ms) ? { afterMs: Math.max(1, ms) } : undefined;
}
