import type { KubeObject } from "@threeport/resource";
import fc from "fast-check";
import { expect, test } from "vitest";
import { assess } from "./assess.ts";
import {
  ago,
  condition,
  crashingPod,
  daemonSet,
  deployment,
  identify,
  look,
  NOW,
  pod,
  sample,
  statefulSet,
  unscheduledPod,
  waitingDeployment,
  waitingPod,
} from "./samples.ts";
import type { Verdict } from "./verdict.ts";

const MINUTE_MS = 60_000;
const id = { apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "web" };

test("an object that is not there is Missing, and the message names it", () => {
  const verdict = assess({ object: undefined, id, now: NOW });
  expect(verdict).toMatchObject({ state: "Missing", reason: "NotFound", since: NOW });
  expect(verdict.message).toContain("Deployment shop/web");
});

test("since stays while the state stays, and moves when it changes", () => {
  const first = look(waitingDeployment());
  const second = look(waitingDeployment(), { now: NOW + MINUTE_MS, previous: first });
  expect(second).toMatchObject({ state: "Progressing", since: NOW, deadline: NOW + 10 * MINUTE_MS });
  const third = look(deployment(1), { now: NOW + 2 * MINUTE_MS, previous: second });
  expect(third).toMatchObject({ state: "Healthy", since: NOW + 2 * MINUTE_MS });
  expect(third.deadline).toBeUndefined();
});

test("Progressing past its deadline is Degraded with reason Timeout, and the text keeps the last reason", () => {
  const first = look(waitingDeployment());
  const last = look(waitingDeployment(), { now: NOW + 10 * MINUTE_MS, previous: first });
  expect(last).toMatchObject({ state: "Degraded", reason: "Timeout", since: NOW + 10 * MINUTE_MS });
  expect(last.message).toContain("RollingOut");
  expect(last.message).toContain("10 min");
});

test("one millisecond before the deadline it is still Progressing", () => {
  const first = look(waitingDeployment());
  expect(look(waitingDeployment(), { now: NOW + 10 * MINUTE_MS - 1, previous: first }).state).toBe("Progressing");
});

test("what timed out stays so for the same generation", () => {
  const late = timedOut();
  expect(look(waitingDeployment(), { now: NOW + 60 * MINUTE_MS, previous: late })).toMatchObject({ state: "Degraded", reason: "Timeout", since: late.since });
});

test("a new generation gets a deadline of its own", () => {
  const verdict = look(deployment(1, { metadata: { generation: 3 }, status: { observedGeneration: 3, updatedReplicas: 0 } }), {
    now: NOW + 20 * MINUTE_MS,
    previous: timedOut(),
  });
  expect(verdict).toMatchObject({ state: "Progressing", deadline: NOW + 30 * MINUTE_MS });
});

test("another object of the same name begins anew", () => {
  const again = sample("apps/v1", "Deployment", "web", { metadata: { generation: 2, uid: "another" }, spec: { replicas: 1 } });
  expect(look(again, { now: NOW + 20 * MINUTE_MS, previous: timedOut() })).toMatchObject({ state: "Progressing", since: NOW + 20 * MINUTE_MS });
});

test("more time takes a timeout back", () => {
  expect(look(waitingDeployment(), { now: NOW + 20 * MINUTE_MS, previous: timedOut(), progressDeadlineMs: 60 * MINUTE_MS })).toMatchObject({
    state: "Progressing",
    deadline: NOW + 60 * MINUTE_MS,
  });
});

test("a moment of Unknown does not stretch the deadline", () => {
  const first = look(waitingDeployment());
  const odd = look(waitingDeployment({ status: { conditions: "?" } }), { now: NOW + 5 * MINUTE_MS, previous: first });
  expect(odd.state).toBe("Unknown");
  expect(look(waitingDeployment(), { now: NOW + 6 * MINUTE_MS, previous: odd }).deadline).toBe(NOW + 10 * MINUTE_MS);
});

test("deadlines hold when only the first fields of a verdict were kept", () => {
  const { state, reason, message, evidence, since, deadline } = look(waitingDeployment());
  const kept: Verdict = { state, reason, message, evidence, since, ...(deadline === undefined ? {} : { deadline }) };
  const late = look(waitingDeployment(), { now: NOW + 11 * MINUTE_MS, previous: kept });
  expect(late).toMatchObject({ state: "Degraded", reason: "Timeout" });
  const bare: Verdict = { state: late.state, reason: late.reason, message: late.message, evidence: late.evidence, since: late.since };
  expect(look(waitingDeployment(), { now: NOW + 12 * MINUTE_MS, previous: bare })).toMatchObject({ state: "Degraded", reason: "Timeout" });
});

test("a clock that was set back does not put since into the future", () => {
  const first = look(deployment(1));
  expect(look(deployment(1), { now: NOW - 60 * MINUTE_MS, previous: first }).since).toBe(NOW - 60 * MINUTE_MS);
});

const shapes = [
  { because: "conditions is a string", object: deployment(1, { status: { conditions: "none" as unknown as [] } }), evidence: "/status/conditions" },
  { because: "conditions is an object", object: deployment(1, { status: { conditions: { Ready: true } } }), evidence: "/status/conditions" },
  { because: "a condition is null", object: deployment(1, { status: { conditions: [null] } }), evidence: "/status/conditions/0/type" },
  {
    because: 'a condition\'s status is true, not "True"',
    object: deployment(1, { status: { conditions: [{ type: "Available", status: true }] } }),
    evidence: "/status/conditions/0/status",
  },
  { because: "a number is a string", object: deployment(1, { status: { readyReplicas: "1" } }), evidence: "/status/readyReplicas" },
  { because: "replicas is a list", object: deployment(1, { spec: { replicas: [1] } }), evidence: "/spec/replicas" },
  { because: "status is a string", object: sample("apps/v1", "Deployment", "web", { metadata: { generation: 1 }, status: "fine" }), evidence: "/status" },
  { because: "metadata is missing", object: { apiVersion: "v1", kind: "ConfigMap" } as unknown as KubeObject, evidence: "/metadata" },
  { because: "container statuses are an object", object: pod({ status: { containerStatuses: { app: {} } } }), evidence: "/status/containerStatuses" },
  {
    because: "a time is no time",
    object: sample("example.com/v1", "Widget", "one", { metadata: { creationTimestamp: "yesterday" } }),
    evidence: "/metadata/creationTimestamp",
  },
  {
    because: "finalizers is a string",
    object: sample("v1", "ConfigMap", "one", { metadata: { deletionTimestamp: ago(1), finalizers: "x" } }),
    evidence: "/metadata/finalizers",
  },
];

test.each(shapes)("a wrong shape is Unknown with its path: $because", ({ object, evidence }) => {
  const verdict = assess({ object: JSON.parse(JSON.stringify(object)) as KubeObject, id: "metadata" in object ? identify(object) : id, now: NOW });
  expect(verdict).toMatchObject({ state: "Unknown", reason: "WrongShape", evidence });
  expect(verdict.message).toContain(evidence);
});

const kinds = [
  deployment(2),
  waitingDeployment(),
  statefulSet(2),
  daemonSet(2),
  pod(),
  waitingPod("ImagePullBackOff", "x"),
  crashingPod({ exitCode: 1 }, 3),
  unscheduledPod("0/1 nodes are available: 1 Insufficient cpu.", 9),
  ...[
    "apps/v1/ReplicaSet",
    "batch/v1/Job",
    "batch/v1/CronJob",
    "/v1/PersistentVolumeClaim",
    "/v1/PersistentVolume",
    "/v1/Service",
    "/v1/Namespace",
    "networking.k8s.io/v1/Ingress",
    "autoscaling/v1/HorizontalPodAutoscaler",
    "autoscaling/v2/HorizontalPodAutoscaler",
    "policy/v1/PodDisruptionBudget",
    "apiextensions.k8s.io/v1/CustomResourceDefinition",
    "apiregistration.k8s.io/v1/APIService",
    "cert-manager.io/v1/Certificate",
    "gateway.networking.k8s.io/v1/Gateway",
    "gateway.networking.k8s.io/v1/HTTPRoute",
    "gateway.networking.k8s.io/v1/BackendTLSPolicy",
    "x.crossplane.io/v1/Thing",
    "example.com/v1/Widget",
  ].map((path) => {
    const [kind = "", version = "", group = ""] = path.split("/").reverse();
    return sample(group === "" ? version : `${group}/${version}`, kind, "one", {
      metadata: { creationTimestamp: ago(5) },
      status: { conditions: [condition("Ready", "False", "Waiting")] },
    });
  }),
] as const;

/** Replaces one value somewhere in the object by anything that JSON can hold. */
function mutate(object: KubeObject, path: readonly number[], value: unknown): KubeObject {
  const copy = JSON.parse(JSON.stringify(object)) as Record<string, unknown>;
  let parent: Record<string, unknown> = copy;
  for (const [depth, step] of path.entries()) {
    const keys = Object.keys(parent);
    const key = keys[step % Math.max(1, keys.length)];
    if (key === undefined) break;
    const next = parent[key];
    if (depth === path.length - 1 || typeof next !== "object" || next === null) {
      parent[key] = value;
      break;
    }
    parent = next as Record<string, unknown>;
  }
  return copy as unknown as KubeObject;
}

test("whatever stands in an object or its children, assess answers, the same each time, with a pointer and a sentence", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...kinds),
      fc.array(fc.nat(30), { minLength: 1, maxLength: 6 }),
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom(...kinds),
      (object, path, value, child) => {
        const odd = mutate(object, path, value);
        const children = [mutate(child, path, value), null as unknown as KubeObject];
        const input = { object: odd, id: identify(object), children, now: NOW } as const;
        const verdict = assess(input);
        expect(assess(input)).toEqual(verdict);
        expect(verdict.reason).toMatch(/^\S+$/);
        expect(verdict.reason).not.toBe("RuleFailed");
        expect(verdict.message.length).toBeGreaterThan(3);
        expect(verdict.evidence === "" || verdict.evidence.startsWith("/")).toBe(true);
      },
    ),
    { numRuns: 3000 },
  );
});

test("before recheckAt time alone changes neither state nor reason nor message", () => {
  fc.assert(
    fc.property(fc.constantFrom(...kinds), fc.constantFrom(...kinds), fc.nat(20 * MINUTE_MS), fc.nat(20 * MINUTE_MS), (object, child, start, wait) => {
      const first = look(object, { now: NOW + start, children: [child] });
      const until = Math.min(wait, (first.recheckAt ?? Number.POSITIVE_INFINITY) - (NOW + start) - 1);
      const { state, reason, message } = look(object, { now: NOW + start + until, children: [child], previous: first });
      expect({ state, reason, message }).toEqual({ state: first.state, reason: first.reason, message: first.message });
    }),
    { numRuns: 1500 },
  );
});

function timedOut(): Verdict {
  return look(waitingDeployment(), { now: NOW + 10 * MINUTE_MS, previous: look(waitingDeployment()) });
}

test("a reason that is no word is replaced, however foreign the controller", () => {
  const object = sample("example.com/v1", "Widget", "one", { status: { conditions: [condition("Ready", "False", "not a word at all", "why")] } });
  expect(look(object).reason).toBe("NotReady");
  expect(look(waitingPod("Some Error", "why")).reason).toBe("Degraded");
});
