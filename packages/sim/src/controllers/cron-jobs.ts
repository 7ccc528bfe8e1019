import { rfc3339 } from "@threeport/platform";
import { isErrorCode, type KubeObject, type StoredObject } from "@threeport/resource";
import type { SimCluster } from "../cluster.ts";
import { controllerKey, type Again, type Controller } from "../controller.ts";
import { isTimeZone, latestDue, parseSchedule, type Schedule } from "../schedule.ts";
import { tellEvent } from "./events.ts";
import { conditionOf, controlledBy, fieldsOf, numberOf, ownedBy, setStatus, type Fields } from "./owned.ts";

const jobKind = { apiVersion: "batch/v1", kind: "Job" };

/** Jobs at the times of a schedule. */
export const cronJobController: Controller = {
  name: "cron-jobs",
  watches: [{ resource: "cronjobs.batch" }, { resource: "jobs.batch", keys: controllerKey("CronJob") }],
  async reconcile(cluster, { namespace, name }) {
    const cron = await cluster.objects.get({ apiVersion: "batch/v1", kind: "CronJob", namespace, name });
    if (cron === undefined || cron.metadata.deletionTimestamp !== undefined) return undefined;
    const jobs = await ownedBy(cluster, jobKind, cron);
    await removeOld(cluster, cron, jobs);
    const schedule = await scheduleOf(cluster, cron);
    const made = schedule === undefined ? undefined : await start(cluster, cron, { schedule, jobs });
    await tell(cluster, cron, { jobs: made?.replaced === true ? [] : jobs, made });
    if (schedule === undefined) return undefined;
    return againAt(schedule.next(made?.dueMs ?? cluster.time.now()), cluster.time.now());
  },
};

interface Made {
  readonly job: StoredObject;
  readonly dueMs: number;
  /** Those that ran were removed for it. */
  readonly replaced: boolean;
}

async function scheduleOf(cluster: SimCluster, cron: StoredObject): Promise<Schedule | undefined> {
  const { schedule, timeZone, suspend } = fieldsOf(cron["spec"]);
  const warn = async (reason: string, message: string): Promise<undefined> => {
    await tellEvent(cluster, cron, { type: "Warning", reason, message, component: "cronjob-controller" });
  };
  if (typeof timeZone === "string" && !isTimeZone(timeZone)) return warn("UnknownTimeZone", `invalid timeZone: "${timeZone}": unknown time zone ${timeZone}`);
  if (suspend === true) return undefined;
  try {
    return parseSchedule(String(schedule), typeof timeZone === "string" ? timeZone : undefined);
  } catch (error) {
    return warn("UnparseableSchedule", `unparseable schedule: "${String(schedule)}" : ${(error as Error).message}`);
  }
}

/** Makes the Job that is due. Undefined where none is, or where it may not begin. */
async function start(
  cluster: SimCluster,
  cron: StoredObject,
  { schedule, jobs }: { readonly schedule: Schedule; readonly jobs: readonly StoredObject[] },
): Promise<Made | undefined> {
  const { startingDeadlineSeconds, concurrencyPolicy } = fieldsOf(cron["spec"]);
  const nowMs = cluster.time.now();
  const since = fieldsOf(cron["status"])["lastScheduleTime"] ?? cron.metadata.creationTimestamp;
  const deadlineMs = numberOf(startingDeadlineSeconds, Infinity) * 1_000;
  const dueMs = latestDue(schedule, { fromMs: Math.max(Date.parse(String(since)), nowMs - deadlineMs), nowMs });
  if (dueMs === undefined) return undefined;
  const running = jobs.filter((job) => !isFinished(job));
  if (running.length > 0 && concurrencyPolicy === "Forbid") {
    const message = "Not starting job because prior execution is running and concurrency policy is Forbid";
    await tellEvent(cluster, cron, { type: "Normal", reason: "JobAlreadyActive", message, component: "cronjob-controller" });
    return undefined;
  }
  const replaced = concurrencyPolicy === "Replace";
  if (replaced) for (const job of running) await remove(cluster, job);
  const job = await make(cluster, cron, dueMs);
  return job === undefined ? undefined : { job, dueMs, replaced };
}

async function make(cluster: SimCluster, cron: StoredObject, dueMs: number): Promise<StoredObject | undefined> {
  const job = jobOf(cron, dueMs);
  try {
    return await cluster.objects.create(job);
  } catch (error) {
    // A run that was not told before the next look, or a name that somebody else has.
    if (isErrorCode(error, "TP_ALREADY_EXISTS")) return cluster.objects.get({ ...jobKind, namespace: job.metadata.namespace ?? "", name: job.metadata.name });
    await tellEvent(cluster, cron, {
      type: "Warning",
      reason: "FailedCreate",
      message: `Error creating job: ${(error as Error).message}`,
      component: "cronjob-controller",
    });
    throw error;
  }
}

function jobOf(cron: StoredObject, dueMs: number): KubeObject {
  const template = fieldsOf(fieldsOf(cron["spec"])["jobTemplate"]);
  const { labels, annotations } = fieldsOf(template["metadata"]);
  return {
    ...jobKind,
    metadata: {
      name: `${cron.metadata.name}-${Math.floor(dueMs / 60_000)}`,
      namespace: cron.metadata.namespace ?? "",
      ...(labels === undefined ? {} : { labels: labels as Record<string, string> }),
      annotations: { ...(annotations as Record<string, string> | undefined), "batch.kubernetes.io/cronjob-scheduled-timestamp": rfc3339(dueMs) },
      ownerReferences: controlledBy(cron),
    },
    spec: structuredClone(template["spec"]),
  };
}

async function tell(
  cluster: SimCluster,
  cron: StoredObject,
  { jobs, made }: { readonly jobs: readonly StoredObject[]; readonly made: Made | undefined },
): Promise<void> {
  const known = fieldsOf(cron["status"]);
  const active = [...jobs.filter((job) => !isFinished(job)), ...(made === undefined ? [] : [made.job])];
  const successes = jobs.flatMap((job) => (conditionOf(job, "Complete")?.["status"] === "True" ? [String(fieldsOf(job["status"])["completionTime"])] : []));
  const lastSuccessfulTime = [...successes, ...(typeof known["lastSuccessfulTime"] === "string" ? [known["lastSuccessfulTime"]] : [])].toSorted().at(-1);
  const lastScheduleTime = made === undefined ? known["lastScheduleTime"] : rfc3339(made.dueMs);
  await setStatus(cluster, cron, {
    ...(active.length === 0 ? {} : { active: active.map(referenceTo) }),
    ...(lastScheduleTime === undefined ? {} : { lastScheduleTime }),
    ...(lastSuccessfulTime === undefined ? {} : { lastSuccessfulTime }),
  });
}

function referenceTo({ apiVersion, kind, metadata }: StoredObject): Fields {
  return { apiVersion, kind, name: metadata.name, namespace: metadata.namespace ?? "", uid: metadata.uid };
}

/** Of Jobs that ended, the newest are kept: as many of each sort as the CronJob says. */
async function removeOld(cluster: SimCluster, cron: StoredObject, jobs: readonly StoredObject[]): Promise<void> {
  const spec = fieldsOf(cron["spec"]);
  for (const [type, kept] of [
    ["Complete", numberOf(spec["successfulJobsHistoryLimit"], 3)],
    ["Failed", numberOf(spec["failedJobsHistoryLimit"], 1)],
  ] as const) {
    const ended = jobs.filter((job) => conditionOf(job, type)?.["status"] === "True").toSorted((a, b) => (startOf(a) < startOf(b) ? 1 : -1));
    for (const job of ended.slice(kept)) await remove(cluster, job);
  }
}

async function remove({ objects }: SimCluster, { metadata }: StoredObject): Promise<void> {
  await objects.delete({ ...jobKind, namespace: metadata.namespace ?? "", name: metadata.name }, { uid: metadata.uid, propagationPolicy: "Background" });
}

function startOf(job: StoredObject): string {
  return String(fieldsOf(job["status"])["startTime"] ?? job.metadata.creationTimestamp);
}

function isFinished(job: StoredObject): boolean {
  return ["Complete", "Failed"].some((type) => conditionOf(job, type)?.["status"] === "True");
}

function againAt(ms: number | undefined, nowMs: number): Again | undefined {
  return ms === undefined ? undefined : { afterMs: Math.max(1, ms - nowMs) };
}
