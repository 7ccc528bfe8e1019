import { expect, test } from "vitest";
import { condition, crashingPod, deployment, look, NOW, ago, pod, rolloutUnderWay, sample, unscheduledPod, waitingDeployment, waitingPod } from "../samples.ts";

const stuck = condition("Progressing", "False", "ProgressDeadlineExceeded", 'ReplicaSet "web-6d4" has timed out progressing.');

const cases = [
  { name: "everything is up", because: "kstatus and Argo CD agree", object: deployment(3), state: "Healthy", reason: "Available" },
  {
    name: "scaled to zero",
    because: "somebody wants nothing to run, and nothing runs",
    object: deployment(0, { status: { conditions: [] } }),
    state: "Healthy",
    reason: "ScaledToZero",
  },
  {
    name: "scaled to zero with a pod left",
    because: "the pod still has to end",
    object: deployment(0, { status: { replicas: 1, updatedReplicas: 1 } }),
    state: "Progressing",
    reason: "ScalingDown",
  },
  {
    name: "a new generation",
    because: "status is about the old one",
    object: deployment(3, { metadata: { generation: 3 } }),
    state: "Progressing",
    reason: "GenerationNotObserved",
  },
  {
    name: "no status yet",
    because: "the controller has not looked; kstatus and we must not say Current",
    object: sample("apps/v1", "Deployment", "web", { metadata: { generation: 1 }, spec: { replicas: 1 } }),
    state: "Progressing",
    reason: "GenerationNotObserved",
  },
  {
    name: "status is null",
    because: "null is absent in this API",
    object: sample("apps/v1", "Deployment", "web", { metadata: { generation: 1 }, spec: { replicas: 1 }, fields: { status: null } }),
    state: "Progressing",
    reason: "GenerationNotObserved",
  },
  { name: "paused", because: "an intent, not a failure", object: deployment(3, { spec: { paused: true } }), state: "Suspended", reason: "Paused" },
  {
    name: "the new version is not everywhere",
    because: "old pods still serve",
    object: deployment(3, { status: { updatedReplicas: 1, replicas: 4, conditions: rolloutUnderWay } }),
    state: "Progressing",
    reason: "RollingOut",
  },
  {
    name: "old pods still end",
    because: "two versions answer until they have",
    object: deployment(3, { status: { replicas: 4 } }),
    state: "Progressing",
    reason: "RollingOut",
  },
  {
    name: "new pods are not available yet",
    because: "minReadySeconds counts",
    object: deployment(3, { status: { availableReplicas: 2 } }),
    state: "Progressing",
    reason: "RollingOut",
  },
  {
    name: "numbers are right but the rollout is not done",
    because: "kstatus waits for NewReplicaSetAvailable",
    object: deployment(3, {
      status: { conditions: [condition("Available", "True"), condition("Progressing", "True", "ReplicaSetUpdated", "is progressing")] },
    }),
    state: "Progressing",
    reason: "RollingOut",
  },
  {
    name: "no progress deadline is set",
    because: "then the controller writes no Progressing condition",
    object: deployment(3, {
      spec: { progressDeadlineSeconds: 2147483647 },
      status: { conditions: [condition("Available", "True", "MinimumReplicasAvailable")] },
    }),
    state: "Healthy",
    reason: "Available",
  },
  {
    name: "the progress deadline passed",
    because: "Kubernetes itself gave up waiting",
    object: deployment(3, { status: { updatedReplicas: 1, conditions: [stuck] } }),
    state: "Degraded",
    reason: "ProgressDeadlineExceeded",
  },
  {
    name: "replicas is not written",
    because: "the API server's default is 1",
    object: deployment(1, { spec: { replicas: undefined } }),
    state: "Healthy",
    reason: "Available",
  },
  {
    name: "a quota refuses its pods",
    because: "nothing but a change helps",
    object: waitingDeployment({
      status: {
        conditions: [
          condition(
            "ReplicaFailure",
            "True",
            "FailedCreate",
            'pods "web-6d4-" is forbidden: exceeded quota: small, requested: cpu=2, used: cpu=1, limited: cpu=2',
          ),
        ],
      },
    }),
    state: "Degraded",
    reason: "QuotaExceeded",
  },
];

test.each(cases)("a Deployment: $name → $state", ({ object, state, reason }) => {
  expect(look(object)).toMatchObject({ state, reason });
});

test("the newest pod's image problem is the Deployment's reason, with the pod as culprit", () => {
  const broken = waitingPod(
    "ImagePullBackOff",
    'Back-off pulling image "registry.example/shop/web:1.2": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image "registry.example/shop/web:1.2": not found',
    { name: "web-6d4-new", metadata: { creationTimestamp: ago(20) } },
  );
  const older = crashingPod({ exitCode: 1, reason: "Error" }, 3, { name: "web-6d4-old", metadata: { creationTimestamp: ago(90) } });
  const verdict = look(waitingDeployment(), { children: [older, broken] });
  expect(verdict).toMatchObject({
    state: "Degraded",
    reason: "ImagePullBackOff",
    evidence: "/status/containerStatuses/0/state/waiting",
    culprit: { kind: "Pod", namespace: "shop", name: "web-6d4-new" },
  });
  expect(verdict.message).toContain("registry.example/shop/web:1.2");
  expect(verdict.message).toContain('Container "app"');
  expect(verdict.message).toContain("0 of 1 replicas are available");
});

test("troubles of pods of an older revision are not those of the rollout", () => {
  const old = crashingPod({ exitCode: 1 }, 9, { name: "web-111-old", metadata: { labels: { "pod-template-hash": "111" } } });
  const fresh = waitingPod("ContainerCreating", "", { metadata: { creationTimestamp: ago(5) }, status: { startTime: ago(5) } });
  const sets = [
    sample("apps/v1", "ReplicaSet", "web-6d4", {
      metadata: { labels: { "pod-template-hash": "6d4" }, annotations: { "deployment.kubernetes.io/revision": "2" } },
    }),
    sample("apps/v1", "ReplicaSet", "web-111", {
      metadata: { labels: { "pod-template-hash": "111" }, annotations: { "deployment.kubernetes.io/revision": "1" } },
    }),
  ];
  expect(look(waitingDeployment(), { children: [...sets, old, fresh] })).toMatchObject({ state: "Progressing", reason: "RollingOut" });
});

test("without ReplicaSets the newest pod tells which revision is the new one", () => {
  const old = crashingPod({ exitCode: 1 }, 9, { name: "web-111-old", metadata: { labels: { "pod-template-hash": "111" } } });
  const fresh = unscheduledPod("0/1 nodes are available: 1 Insufficient memory.", 60);
  expect(look(waitingDeployment(), { children: [old, fresh] })).toMatchObject({ state: "Degraded", reason: "Unschedulable" });
});

test("an evicted pod that was replaced is history", () => {
  const evicted = pod({ name: "web-6d4-gone", status: { phase: "Failed", reason: "Evicted", message: "The node was low on resource: memory." } });
  const fresh = waitingPod("ContainerCreating", "", { metadata: { creationTimestamp: ago(5) }, status: { startTime: ago(5) } });
  expect(look(waitingDeployment(), { children: [evicted, fresh] })).toMatchObject({ state: "Progressing", reason: "RollingOut" });
  expect(look(waitingDeployment(), { children: [evicted] })).toMatchObject({ state: "Degraded", reason: "Evicted", culprit: { name: "web-6d4-gone" } });
});

test("a pod that is being deleted is nobody's problem any more", () => {
  const leaving = crashingPod({ exitCode: 1 }, 9, { metadata: { deletionTimestamp: ago(1) } });
  expect(look(waitingDeployment(), { children: [leaving] })).toMatchObject({ state: "Progressing", reason: "RollingOut" });
});

test("a healthy Deployment does not ask its pods", () => {
  expect(look(deployment(1), { children: [crashingPod({ exitCode: 1 }, 9)] }).state).toBe("Healthy");
});

test("refused pods name the ReplicaSet that was refused, and where it says so", () => {
  const message =
    'pods "web-6d4-" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "app" must set securityContext.allowPrivilegeEscalation=false)';
  const failure = condition("ReplicaFailure", "True", "FailedCreate", message);
  const replicaSet = sample("apps/v1", "ReplicaSet", "web-6d4", {
    metadata: { annotations: { "deployment.kubernetes.io/revision": "2" } },
    status: { replicas: 0, conditions: [failure] },
  });
  const verdict = look(waitingDeployment({ status: { conditions: [...rolloutUnderWay, failure] } }), { children: [replicaSet] });
  expect(verdict).toMatchObject({
    state: "Degraded",
    reason: "PodSecurityViolated",
    evidence: "/status/conditions/0",
    culprit: { kind: "ReplicaSet", name: "web-6d4" },
  });
  expect(verdict.message).toContain("allowPrivilegeEscalation");
});

test("a pod of a wrong shape does not hide what its Deployment says", () => {
  const garbage = pod({ status: { containerStatuses: "none" } });
  expect(look(waitingDeployment(), { children: [garbage] })).toMatchObject({ state: "Progressing", reason: "RollingOut" });
});

test("the author's own progress deadline counts where it is longer than ours", () => {
  const verdict = look(waitingDeployment({ spec: { progressDeadlineSeconds: 3600 } }));
  expect(verdict.deadline).toBe(NOW + 3_600_000);
  expect(look(waitingDeployment({ spec: { progressDeadlineSeconds: 3600 } }), { progressDeadlineMs: 1000 }).deadline).toBe(NOW + 1000);
  expect(look(waitingDeployment({ spec: { progressDeadlineSeconds: 2147483647 } })).deadline).toBe(NOW + 600_000);
});

test("only the claims of the pod itself are named as unbound", () => {
  const claim = (name: string): ReturnType<typeof sample> => sample("v1", "PersistentVolumeClaim", name, { status: { phase: "Pending" } });
  const waiting = unscheduledPod("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found", 60, {
    spec: { volumes: [{ name: "d", persistentVolumeClaim: { claimName: "mine" } }] },
  });
  const { message } = look(waitingDeployment(), { children: [waiting, claim("mine"), claim("other")] });
  expect(message).toContain("PersistentVolumeClaim mine is not bound");
  expect(message).not.toContain("other");
});
