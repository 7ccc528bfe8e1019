import { expect, test } from "vitest";
import { ago, condition, look, NOW, sample, type Part } from "./samples.ts";

const custom = (conditions: Part[], parts: { metadata?: Part; spec?: Part; status?: Part } = {}): ReturnType<typeof sample> =>
  sample("example.com/v1", "Widget", "one", { ...parts, metadata: { generation: 2, ...parts.metadata }, status: { conditions, ...parts.status } });

const cases = [
  { name: "ready", because: "the convention", object: custom([condition("Ready", "True", "AllGood")]), state: "Healthy", reason: "AllGood" },
  {
    name: "not ready",
    because: "it may become so; the deadline decides",
    object: custom([condition("Ready", "False", "Waiting", "for disk")]),
    state: "Progressing",
    reason: "Waiting",
  },
  {
    name: "ready unknown",
    because: "kstatus says InProgress",
    object: custom([condition("Ready", "Unknown", "Starting")]),
    state: "Progressing",
    reason: "Starting",
  },
  {
    name: "stalled although ready",
    because: "bad news first",
    object: custom([condition("Ready", "True"), condition("Stalled", "True", "InvalidSpec", "no such size")]),
    state: "Degraded",
    reason: "InvalidSpec",
  },
  {
    name: "reconciling although ready",
    because: "a change is under way",
    object: custom([condition("Ready", "True"), condition("Reconciling", "True", "NewSpec")]),
    state: "Progressing",
    reason: "NewSpec",
  },
  {
    name: "done in the words of Deployment",
    because: "Progressing=True means done there",
    object: custom([condition("Progressing", "True", "NewReplicaSetAvailable"), condition("Available", "True", "Up")]),
    state: "Healthy",
    reason: "Up",
  },
  {
    name: "one of two not good",
    because: "all must be",
    object: custom([condition("Ready", "True"), condition("Synced", "False", "ReconcileError")]),
    state: "Progressing",
    reason: "ReconcileError",
  },
  {
    name: "a stale Ready",
    because: "it speaks of generation 1",
    object: custom([condition("Ready", "True", "AllGood", "", { observedGeneration: 1 })]),
    state: "Progressing",
    reason: "GenerationNotObserved",
  },
  {
    name: "a stale Stalled",
    because: "it speaks of what was changed since",
    object: custom([
      condition("Stalled", "True", "InvalidSpec", "", { observedGeneration: 1 }),
      condition("Ready", "True", "AllGood", "", { observedGeneration: 2 }),
    ]),
    state: "Healthy",
    reason: "AllGood",
  },
  {
    name: "observedGeneration 0 in a condition",
    because: "Go writes 0 where nobody counts",
    object: custom([condition("Ready", "True", "AllGood", "", { observedGeneration: 0 })]),
    state: "Healthy",
    reason: "AllGood",
  },
  {
    name: "status behind",
    because: "the controller has not looked",
    object: custom([condition("Ready", "True")], { status: { observedGeneration: 1 } }),
    state: "Progressing",
    reason: "GenerationNotObserved",
  },
  {
    name: "observedGeneration as a string",
    because: "Argo Rollouts writes it so",
    object: custom([condition("Ready", "True", "AllGood")], { status: { observedGeneration: "2" } }),
    state: "Healthy",
    reason: "AllGood",
  },
  {
    name: "suspended",
    because: "an intent, whatever the conditions say",
    object: custom([condition("Ready", "False")], { spec: { suspend: true } }),
    state: "Suspended",
    reason: "Suspended",
  },
  {
    name: "conditions that nobody knows",
    because: "they say nothing about health",
    object: custom([condition("Painted", "False"), { type: "Odd" }]),
    state: "Healthy",
    reason: "NoKnownCondition",
  },
  {
    name: "a failed phase",
    because: "the word is clear in any kind",
    object: custom([], { status: { phase: "Failed", message: "disk full" } }),
    state: "Degraded",
    reason: "PhaseFailed",
  },
  {
    name: "a pending phase",
    because: "the word is clear in any kind",
    object: custom([], { status: { state: "Provisioning" } }),
    state: "Progressing",
    reason: "PhasePending",
  },
  {
    name: "no status, young",
    because: "its controller may just not have come to it",
    object: sample("example.com/v1", "Widget", "one", { metadata: { creationTimestamp: ago(5) } }),
    state: "Progressing",
    reason: "NoStatusYet",
  },
  {
    name: "empty status, young",
    because: "empty is as good as none",
    object: sample("example.com/v1", "Widget", "one", { metadata: { creationTimestamp: ago(5) }, status: {} }),
    state: "Progressing",
    reason: "NoStatusYet",
  },
  { name: "no status, old", because: "many kinds never have one", object: sample("example.com/v1", "Widget", "one"), state: "Healthy", reason: "Exists" },
  {
    name: "a ConfigMap, young",
    because: "no controller will ever write about it",
    object: sample("v1", "ConfigMap", "one", { metadata: { creationTimestamp: ago(1) } }),
    state: "Healthy",
    reason: "Exists",
  },
  { name: "a Role", because: "to exist is all", object: sample("rbac.authorization.k8s.io/v1", "Role", "one"), state: "Healthy", reason: "Exists" },
  {
    name: "an Issuer without status",
    because: "its controller reports on each; silence means that it does not run",
    object: sample("cert-manager.io/v1", "Issuer", "one"),
    state: "Progressing",
    reason: "NoStatusYet",
  },
  {
    name: "Crossplane that cannot sync",
    because: "the cloud refused",
    object: sample("s3.aws.upbound.io/v1beta1", "Bucket", "one", {
      status: { conditions: [condition("Ready", "True"), condition("Synced", "False", "ReconcileError", "access denied")] },
    }),
    state: "Degraded",
    reason: "ReconcileError",
  },
  {
    name: "Crossplane paused",
    because: "an annotation asks for that",
    object: sample("s3.aws.upbound.io/v1beta1", "Bucket", "one", { status: { conditions: [condition("Synced", "False", "ReconcilePaused")] } }),
    state: "Suspended",
    reason: "ReconcilePaused",
  },
  {
    name: "a Crossplane ProviderConfig",
    because: "it has no conditions",
    object: sample("aws.upbound.io/v1beta1", "ProviderConfig", "one"),
    state: "Healthy",
    reason: "Exists",
  },
  {
    name: "ACK in a state for good",
    because: "a person must act",
    object: sample("s3.services.k8s.aws/v1alpha1", "Bucket", "one", { status: { conditions: [condition("ACK.Terminal", "True", "", "InvalidBucketName")] } }),
    state: "Degraded",
    reason: "ACK.Terminal",
  },
  {
    name: "health is not wanted",
    because: "the annotation says so",
    object: custom([condition("Stalled", "True")], { metadata: { annotations: { "argocd.argoproj.io/ignore-healthcheck": "true" } } }),
    state: "Healthy",
    reason: "HealthIgnored",
  },
];

test.each(cases)("any kind: $name → $state", ({ object, state, reason }) => {
  expect(look(object)).toMatchObject({ state, reason });
});

test("an object without status is to be looked at again when its 30 seconds are over", () => {
  const object = sample("example.com/v1", "Widget", "one", { metadata: { creationTimestamp: ago(5) } });
  const first = look(object);
  expect(first.recheckAt).toBe(NOW + 25_000);
  expect(look(object, { now: NOW + 25_000, previous: first })).toMatchObject({ state: "Healthy", reason: "Exists" });
});
