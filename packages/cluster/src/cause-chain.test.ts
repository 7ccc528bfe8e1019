import { expect, test } from "vitest";
import type { KubeObject, StoredObject } from "@threeport/resource";
import type { Entry } from "./apply/entry.ts";
import { causeChain } from "./cause-chain.ts";
import type { Cluster } from "./connection/cluster.ts";
import { createWatchCache } from "./connection/watch-cache.ts";

const now = Date.parse("2026-01-01T00:10:00Z");
const created = "2026-01-01T00:00:00Z";

function object(kind: string, name: string, fields: object, owner?: string): StoredObject {
  const apiVersion = kind === "Deployment" || kind === "ReplicaSet" ? "apps/v1" : "v1";
  const ownerReferences = owner === undefined ? [] : [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: owner, uid: owner, controller: true }];
  return {
    apiVersion,
    kind,
    metadata: { name, namespace: "shop", uid: name, creationTimestamp: created, generation: 1, resourceVersion: "1", ownerReferences },
    ...fields,
  } as unknown as StoredObject;
}

function clusterOf(...objects: StoredObject[]): Cluster {
  const cache = createWatchCache();
  for (const each of objects) cache.put(each);
  return { cache } as unknown as Cluster;
}

const entry = (id: KubeObject, detail: Partial<Entry["detail"]> = {}): Entry => ({
  id: id.metadata.name,
  uid: id.metadata.uid ?? "",
  state: "applied",
  detail: { apiVersion: id.apiVersion, kind: id.kind, namespace: "shop", name: id.metadata.name, digest: "", ...detail },
});

const rolling = object("Deployment", "web", {
  spec: { replicas: 1, selector: { matchLabels: { app: "web" } } },
  status: {
    observedGeneration: 1,
    replicas: 1,
    updatedReplicas: 1,
    unavailableReplicas: 1,
    conditions: [{ type: "Available", status: "False", reason: "MinimumReplicasUnavailable" }],
  },
});
const replicaSet = (status: object = { replicas: 1, observedGeneration: 1 }): StoredObject =>
  object("ReplicaSet", "web-1", { spec: { replicas: 1 }, status }, "web");
const pod = (status: object, spec: object = {}): StoredObject =>
  object("Pod", "web-1-a", { spec: { containers: [{ name: "app", image: "x" }], ...spec }, status }, "web-1");
const told = (steps: ReturnType<typeof causeChain>) => steps.map(({ kind, reason }) => `${kind} ${reason}`);

test("what is well has no cause", () => {
  const settings = object("ConfigMap", "settings", {});
  expect(causeChain([entry(settings)], clusterOf(settings), now)).toEqual([]);
});

test("a rollout that waits in the ordinary way is followed to the pod that it waits for", () => {
  const waiting = pod({ phase: "Pending", conditions: [{ type: "PodScheduled", status: "True" }], containerStatuses: [] }, { nodeName: "one" });
  const steps = causeChain([entry(rolling)], clusterOf(rolling, replicaSet(), waiting), now);
  expect(steps.at(0)?.kind).toBe("Deployment");
  expect(steps.at(-1)).toMatchObject({ kind: "Pod", name: "web-1-a" });
});

test("a pod that no node takes because of its claim is followed to the claim; one that runs is not", () => {
  const claim = object("PersistentVolumeClaim", "data", { spec: {}, status: { phase: "Pending" } });
  const volumes = { volumes: [{ name: "d", persistentVolumeClaim: { claimName: "data" } }] };
  const unbound = {
    phase: "Pending",
    conditions: [
      { type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims." },
    ],
  };
  const steps = causeChain([entry(rolling)], clusterOf(rolling, replicaSet(), pod(unbound, volumes), claim), now);
  expect(told(steps).at(-1)).toMatch(/^PersistentVolumeClaim /);
});

test("a refusal is the end: there is nothing in the cluster to look at", () => {
  const steps = causeChain([entry(rolling, { refusal: { reason: "NotAllowed", message: "it may not" } })], clusterOf(), now);
  expect(steps).toEqual([expect.objectContaining({ kind: "Deployment", state: "Degraded", reason: "NotAllowed", message: "it may not" })]);
});

test("a failure of its own is not explained by pods that are on their way", () => {
  const quota = {
    type: "ReplicaFailure",
    status: "True",
    reason: "FailedCreate",
    message: 'pods "x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1',
  };
  const failed = replicaSet({ replicas: 0, observedGeneration: 1, conditions: [quota] });
  const held: StoredObject = { ...rolling, status: { ...(rolling["status"] as object), conditions: [quota] } };
  const onItsWay = pod({ phase: "Pending", conditions: [] });
  const steps = causeChain([entry(held)], clusterOf(held, failed, onItsWay), now);
  expect([...new Set(steps.map(({ reason }) => reason))]).toEqual(["QuotaExceeded"]);
});

test("evidence is quoted with its place, and never from a Secret", () => {
  const crashed = pod(
    {
      phase: "Running",
      conditions: [{ type: "Ready", status: "False" }],
      containerStatuses: [
        {
          name: "app",
          ready: false,
          restartCount: 3,
          state: { waiting: { reason: "CrashLoopBackOff", message: "back-off" } },
          lastState: { terminated: { exitCode: 1, reason: "Error" } },
        },
      ],
    },
    { nodeName: "one" },
  );
  const [cause] = causeChain([entry(rolling)], clusterOf(rolling, replicaSet(), crashed), now).slice(-1);
  expect(cause).toMatchObject({
    kind: "Pod",
    container: { name: "app", previous: true },
    evidence: { value: expect.stringContaining('"exitCode":1') as string },
  });
  const secret = object("Secret", "s", { data: { key: "Y2FuYXJ5" }, status: { conditions: [{ type: "Ready", status: "False", reason: "R", message: "m" }] } });
  expect(JSON.stringify(causeChain([entry(secret)], clusterOf(secret), now))).not.toContain("Y2FuYXJ5");
});

test("without a connection what is remembered is told", () => {
  const verdict = { state: "Degraded", reason: "CrashLoopBackOff", message: "it crashes", evidence: "", since: 1 } as const;
  expect(causeChain([entry(rolling, { verdict })], undefined, now)).toEqual([expect.objectContaining({ reason: "CrashLoopBackOff", since: 1 })]);
});
