import { expect, test } from "vitest";
import { ago, condition, crashingPod, daemonSet, look, pod, sample, statefulSet, waitingPod, type Part } from "../samples.ts";

const replicaSet = (replicas: number, status: Part): ReturnType<typeof sample> =>
  sample("apps/v1", "ReplicaSet", "web-6d4", { metadata: { generation: 1 }, spec: { replicas }, status: { observedGeneration: 1, ...status } });
const up = { replicas: 2, fullyLabeledReplicas: 2, readyReplicas: 2, availableReplicas: 2 };

const cases = [
  { name: "a StatefulSet that is up", because: "all ready, one revision", object: statefulSet(3), state: "Healthy", reason: "Available" },
  { name: "a StatefulSet scaled to zero", because: "nothing is wanted", object: statefulSet(0), state: "Healthy", reason: "ScaledToZero" },
  {
    name: "a StatefulSet of a new generation",
    because: "status is of the old one",
    object: statefulSet(3, { metadata: { generation: 3 } }),
    state: "Progressing",
    reason: "GenerationNotObserved",
  },
  {
    name: "a StatefulSet with pods to come",
    because: "it makes them one by one",
    object: statefulSet(3, { status: { replicas: 1, readyReplicas: 1 } }),
    state: "Progressing",
    reason: "ScalingUp",
  },
  {
    name: "a StatefulSet with pods to go",
    because: "they hold their volumes until they end",
    object: statefulSet(1, { status: { replicas: 3 } }),
    state: "Progressing",
    reason: "ScalingDown",
  },
  {
    name: "a StatefulSet whose pods are not ready",
    because: "it serves too little",
    object: statefulSet(3, { status: { readyReplicas: 2 } }),
    state: "Progressing",
    reason: "RollingOut",
  },
  {
    name: "a StatefulSet between revisions",
    because: "old pods still run; Argo CD would skip this without a partition",
    object: statefulSet(3, {
      spec: { updateStrategy: { type: "RollingUpdate", rollingUpdate: {} } },
      status: { updateRevision: "db-2", updatedReplicas: 1, currentReplicas: 2 },
    }),
    state: "Progressing",
    reason: "RollingOut",
  },
  {
    name: "a StatefulSet rolled out down to its partition",
    because: "that is all that was asked",
    object: statefulSet(3, {
      spec: { updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 2 } } },
      status: { updateRevision: "db-2", updatedReplicas: 1, currentReplicas: 2 },
    }),
    state: "Healthy",
    reason: "PartitionedRolloutDone",
  },
  {
    name: "a StatefulSet above its partition",
    because: "one more is to be replaced",
    object: statefulSet(3, {
      spec: { updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 1 } } },
      status: { updateRevision: "db-2", updatedReplicas: 1, currentReplicas: 2 },
    }),
    state: "Progressing",
    reason: "RollingOut",
  },
  {
    name: "a StatefulSet with OnDelete",
    because: "somebody replaces the pods by hand",
    object: statefulSet(3, { spec: { updateStrategy: { type: "OnDelete" } }, status: { updateRevision: "db-2", updatedReplicas: 0 } }),
    state: "Healthy",
    reason: "Available",
  },

  { name: "a DaemonSet that is up", because: "on every node", object: daemonSet(3), state: "Healthy", reason: "Available" },
  { name: "a DaemonSet without a node", because: "it has nothing to do", object: daemonSet(0), state: "Healthy", reason: "NoMatchingNodes" },
  {
    name: "a DaemonSet that is unavailable on a node",
    because: "one is missing",
    object: daemonSet(3, { status: { numberAvailable: 2 } }),
    state: "Progressing",
    reason: "RollingOut",
  },
  {
    name: "a DaemonSet between versions",
    because: "old pods still run",
    object: daemonSet(3, { status: { updatedNumberScheduled: 1 } }),
    state: "Progressing",
    reason: "RollingOut",
  },
  {
    name: "a DaemonSet with OnDelete between versions",
    because: "somebody replaces the pods by hand",
    object: daemonSet(3, { spec: { updateStrategy: { type: "OnDelete" } }, status: { updatedNumberScheduled: 1 } }),
    state: "Healthy",
    reason: "Available",
  },
  {
    name: "a DaemonSet that nobody has counted",
    because: "kstatus wants desiredNumberScheduled",
    object: daemonSet(3, { status: { desiredNumberScheduled: undefined } }),
    state: "Progressing",
    reason: "Starting",
  },

  { name: "a ReplicaSet that is up", because: "all available", object: replicaSet(2, up), state: "Healthy", reason: "Available" },
  {
    name: "a ReplicaSet of an old revision",
    because: "it is wanted empty and is",
    object: replicaSet(0, { replicas: 0 }),
    state: "Healthy",
    reason: "ScaledToZero",
  },
  {
    name: "a ReplicaSet on its way",
    because: "one is not ready",
    object: replicaSet(2, { ...up, availableReplicas: 1 }),
    state: "Progressing",
    reason: "ScalingUp",
  },
  { name: "a ReplicaSet on its way down", because: "one has to end", object: replicaSet(1, up), state: "Progressing", reason: "ScalingDown" },
  {
    name: "a ReplicaSet refused by a limit range",
    because: "kstatus says InProgress for ever",
    object: replicaSet(2, {
      replicas: 0,
      conditions: [
        condition("ReplicaFailure", "True", "FailedCreate", 'pods "web-6d4-x" is forbidden: maximum memory usage per Container is 512Mi, but limit is 1Gi'),
      ],
    }),
    state: "Degraded",
    reason: "LimitRangeViolated",
  },
];

test.each(cases)("$name → $state", ({ object, state, reason }) => {
  expect(look(object)).toMatchObject({ state, reason });
});

test("a broken pod of an older revision blocks a StatefulSet for good, and the way out is named", () => {
  const broken = crashingPod({ exitCode: 1, reason: "Error" }, 6, { name: "db-1", metadata: { labels: { "controller-revision-hash": "db-1" } } });
  const verdict = look(statefulSet(3, { status: { readyReplicas: 1, updateRevision: "db-2", updatedReplicas: 0 } }), { children: [broken] });
  expect(verdict).toMatchObject({ state: "Degraded", reason: "CrashLoopBackOff", culprit: { name: "db-1" } });
  expect(verdict.message).toContain("kubectl delete pod db-1 --namespace shop");
  expect(verdict.message).toContain("older revision");
});

test("a StatefulSet without any pod points to its events, for it has no conditions", () => {
  const verdict = look(statefulSet(1, { status: { replicas: 0, readyReplicas: 0 } }));
  expect(verdict.message).toContain("kubectl describe");
});

test("with OnDelete a warning says how many pods still run the old version", () => {
  expect(look(statefulSet(3, { spec: { updateStrategy: { type: "OnDelete" } }, status: { updateRevision: "db-2", updatedReplicas: 1 } })).warning).toContain(
    "2 pods still run the old version",
  );
});

test("a DaemonSet names the pod that holds it up", () => {
  const verdict = look(daemonSet(1, { status: { numberReady: 0, numberAvailable: 0 } }), {
    children: [waitingPod("CreateContainerConfigError", 'secret "token" not found', { name: "agent-1" })],
  });
  expect(verdict).toMatchObject({ state: "Degraded", reason: "CreateContainerConfigError", culprit: { name: "agent-1" } });
});

const job = (status: Part, spec: Part = {}): ReturnType<typeof sample> =>
  sample("batch/v1", "Job", "backup", { metadata: { generation: 1 }, spec: { completions: 1, parallelism: 1, backoffLimit: 6, ...spec }, status });
const jobPod = (parts: Parameters<typeof pod>[0]): ReturnType<typeof pod> =>
  pod({ name: "backup-x", ...parts, spec: { restartPolicy: "Never", ...parts?.spec } });

const jobCases = [
  {
    name: "complete",
    because: "it has its result",
    object: job({
      startTime: ago(60),
      succeeded: 1,
      conditions: [condition("SuccessCriteriaMet", "True", "CompletionsReached"), condition("Complete", "True", "CompletionsReached")],
    }),
    children: [],
    state: "Healthy",
    reason: "Complete",
  },
  {
    name: "running",
    because: "who waits for a Job needs its end, not its start",
    object: job({ startTime: ago(60), active: 1, ready: 1 }),
    children: [jobPod({})],
    state: "Progressing",
    reason: "Running",
  },
  { name: "not started", because: "the controller has not looked", object: job({}), children: [], state: "Progressing", reason: "Starting" },
  {
    name: "suspended",
    because: "an intent",
    object: job({ conditions: [condition("Suspended", "True", "JobSuspended", "Job suspended")] }, { suspend: true }),
    children: [],
    state: "Suspended",
    reason: "JobSuspended",
  },
  {
    name: "no longer suspended",
    because: "the condition stays with status False",
    object: job({ startTime: ago(9), active: 1, conditions: [condition("Suspended", "False", "JobResumed", "Job resumed")] }),
    children: [],
    state: "Progressing",
    reason: "Running",
  },
  {
    name: "a Failed condition that is False",
    because: "presence is not truth",
    object: job({ startTime: ago(9), active: 1, conditions: [condition("Failed", "False", "")] }),
    children: [],
    state: "Progressing",
    reason: "Running",
  },
  {
    name: "failed",
    because: "no tries are left",
    object: job({
      startTime: ago(60),
      failed: 7,
      conditions: [condition("Failed", "True", "BackoffLimitExceeded", "Job has reached the specified backoff limit")],
    }),
    children: [],
    state: "Degraded",
    reason: "BackoffLimitExceeded",
  },
  {
    name: "about to fail",
    because: "it is decided, pods only have to end",
    object: job({
      startTime: ago(60),
      active: 1,
      conditions: [condition("FailureTarget", "True", "DeadlineExceeded", "Job was active longer than specified deadline")],
    }),
    children: [],
    state: "Degraded",
    reason: "DeadlineExceeded",
  },
  {
    name: "a try failed, more are left",
    because: "the Job mends that itself",
    object: job({ startTime: ago(60), failed: 1, active: 0 }),
    children: [jobPod({ container: { ready: false, state: { terminated: { exitCode: 1, reason: "Error" } } }, status: { phase: "Failed" } })],
    state: "Progressing",
    reason: "ContainerFailed",
  },
  {
    name: "its image cannot be pulled",
    because: "no try will mend that",
    object: job({ startTime: ago(60), active: 1 }),
    children: [waitingPod("ImagePullBackOff", "not found", { name: "backup-x", spec: { restartPolicy: "Never" } })],
    state: "Degraded",
    reason: "ImagePullBackOff",
  },
];

test.each(jobCases)("a Job: $name → $state", ({ object, children, state, reason }) => {
  expect(look(object, { children })).toMatchObject({ state, reason });
});

test("a failed Job shows what its last pod ended with", () => {
  const failed = jobPod({
    container: { ready: false, state: { terminated: { exitCode: 2, reason: "Error", message: "no such bucket" } } },
    status: { phase: "Failed" },
  });
  const verdict = look(job({ startTime: ago(60), failed: 7, conditions: [condition("Failed", "True", "BackoffLimitExceeded")] }), { children: [failed] });
  expect(verdict).toMatchObject({ culprit: { name: "backup-x" }, evidence: "/status/containerStatuses/0/state/terminated" });
  expect(verdict.message).toContain("no such bucket");
});

test("a Job's own deadline counts where it is longer than ours", () => {
  const verdict = look(job({ startTime: ago(60), active: 1 }, { activeDeadlineSeconds: 7200 }));
  expect((verdict.deadline ?? 0) - verdict.since).toBe(7_200_000);
});

const cron = (status: Part | undefined, spec: Part = {}): ReturnType<typeof sample> =>
  sample("batch/v1", "CronJob", "nightly", { spec: { schedule: "0 1 * * *", suspend: false, ...spec }, ...(status === undefined ? {} : { status }) });
const failedRun = sample("batch/v1", "Job", "nightly-1", {
  metadata: { creationTimestamp: ago(100) },
  status: { conditions: [condition("Failed", "True", "BackoffLimitExceeded")] },
});

const cronCases = [
  { name: "suspended", because: "Argo CD says Healthy", object: cron({}, { suspend: true }), children: [], state: "Healthy", reason: "CronJobSuspended" },
  { name: "never scheduled", because: "its time has not come", object: cron({}), children: [], state: "Healthy", reason: "NotScheduledYet" },
  {
    name: "under way",
    because: "no news yet",
    object: cron({ active: [{ name: "nightly-2" }], lastScheduleTime: ago(10), lastSuccessfulTime: ago(90000) }),
    children: [],
    state: "Healthy",
    reason: "RunActive",
  },
  {
    name: "last run succeeded",
    because: "success is newer than the schedule",
    object: cron({ lastScheduleTime: ago(100), lastSuccessfulTime: ago(50) }),
    children: [],
    state: "Healthy",
    reason: "LastRunSucceeded",
  },
  {
    name: "last run failed",
    because: "success is older than the schedule and none is active",
    object: cron({ lastScheduleTime: ago(100), lastSuccessfulTime: ago(90000) }),
    children: [failedRun],
    state: "Degraded",
    reason: "LastRunFailed",
  },
  {
    name: "never succeeded",
    because: "Argo CD says Healthy, we add a warning",
    object: cron({ lastScheduleTime: ago(100) }),
    children: [],
    state: "Healthy",
    reason: "NeverSucceeded",
  },
  {
    name: "first run failed",
    because: "the Job at hand says so",
    object: cron({ lastScheduleTime: ago(100) }),
    children: [failedRun],
    state: "Degraded",
    reason: "LastRunFailed",
  },
];

test.each(cronCases)("a CronJob: $name → $state", ({ object, children, state, reason }) => {
  expect(look(object, { children })).toMatchObject({ state, reason });
});
