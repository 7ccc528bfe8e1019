import { expect, test } from "vitest";
import { deployment, openScene as open, template, workload, type Scene } from "../testing/scene.ts";
import { conditionOf, fieldsOf, isReady } from "./owned.ts";

const images = async (scene: Scene) => (await scene.pods()).map((pod) => (fieldsOf(pod["spec"])["containers"] as { image: string }[])[0]?.image).toSorted();

test("a Deployment comes, rolls without ever having fewer pods than it may, and keeps its old sets", async () => {
  await using scene = await open();
  await scene.create(deployment("web", { strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } } }));
  await scene.seconds(5);
  const done = await scene.get("Deployment", "web");
  expect(done?.["status"]).toMatchObject({ observedGeneration: 1, replicas: 3, updatedReplicas: 3, readyReplicas: 3, availableReplicas: 3 });
  expect(conditionOf(done ?? deployment("x"), "Progressing")).toMatchObject({ status: "True", reason: "NewReplicaSetAvailable" });
  await scene.change("Deployment", "web", { template: template("web", "example.com/app:2") });
  let least = Infinity;
  let most = 0;
  for (let tenths = 0; tenths < 100; tenths++) {
    await scene.simulation.time.advance(100);
    const pods = await scene.pods();
    least = Math.min(least, pods.filter(isReady).length);
    most = Math.max(most, pods.length);
  }
  expect([least, most]).toEqual([3, 4]);
  expect(await images(scene)).toEqual(Array.from({ length: 3 }, () => "example.com/app:2"));
  const sets = await scene.cluster.objects.list({ apiVersion: "apps/v1", kind: "ReplicaSet" }, { namespace: "default" });
  expect(sets.map(({ metadata }) => metadata.annotations?.["deployment.kubernetes.io/revision"]).toSorted()).toEqual(["1", "2"]);
  await scene.change("Deployment", "web", { replicas: 1 });
  await scene.seconds(5);
  expect(await scene.pods()).toHaveLength(1);
});

test("a release whose image is not there keeps the old pods, and passes its deadline", async () => {
  await using scene = await open();
  await scene.create(deployment("web", { progressDeadlineSeconds: 60 }));
  await scene.seconds(5);
  await scene.change("Deployment", "web", { template: template("web", "example.com/app:not-there") });
  await scene.seconds(30);
  const stuck = await scene.get("Deployment", "web");
  expect(fieldsOf(stuck?.["status"])["availableReplicas"]).toBe(3);
  expect(JSON.stringify(await scene.pods())).toContain("ImagePullBackOff");
  await scene.seconds(60);
  expect(conditionOf((await scene.get("Deployment", "web")) ?? deployment("x"), "Progressing")).toMatchObject({
    status: "False",
    reason: "ProgressDeadlineExceeded",
  });
  await scene.change("Deployment", "web", { template: template("web", "example.com/app:3") });
  await scene.seconds(10);
  expect(await images(scene)).toEqual(Array.from({ length: 3 }, () => "example.com/app:3"));
});

test("pods that are removed come back, and go with what made them", async () => {
  await using scene = await open();
  await scene.create(deployment("web", { replicas: 2 }));
  await scene.seconds(5);
  const [first] = await scene.pods();
  await scene.cluster.objects.delete({ apiVersion: "v1", kind: "Pod", namespace: "default", name: first?.metadata.name ?? "" });
  await scene.seconds(5);
  expect((await scene.pods()).filter(isReady)).toHaveLength(2);
  await scene.cluster.objects.delete({ apiVersion: "apps/v1", kind: "Deployment", namespace: "default", name: "web" });
  await scene.seconds(10);
  expect(await scene.pods()).toEqual([]);
});

test("a StatefulSet makes its pods one after another, by number, and replaces them from the last", async () => {
  await using scene = await open();
  await scene.create(workload("StatefulSet", "db", { replicas: 3, serviceName: "db", selector: { matchLabels: { app: "db" } }, template: template("db") }));
  const seen = new Set<string>();
  for (let tenths = 0; tenths < 50; tenths++) {
    await scene.simulation.time.advance(100);
    seen.add(
      (await scene.pods())
        .map(({ metadata }) => metadata.name)
        .toSorted()
        .join(),
    );
  }
  expect([...seen].filter((names) => names !== "")).toEqual(["db-0", "db-0,db-1", "db-0,db-1,db-2"]);
  expect((await scene.get("StatefulSet", "db"))?.["status"]).toMatchObject({ replicas: 3, readyReplicas: 3, updatedReplicas: 3, currentReplicas: 3 });
  await scene.change("StatefulSet", "db", { template: template("db", "example.com/app:2") });
  await scene.seconds(20);
  expect(await images(scene)).toEqual(Array.from({ length: 3 }, () => "example.com/app:2"));
  const status = fieldsOf((await scene.get("StatefulSet", "db"))?.["status"]);
  expect(status["currentRevision"]).toBe(status["updateRevision"]);
});

test("each pod of a StatefulSet has a claim of its own, which outlives it", async () => {
  await using scene = await open();
  const withData = template("db") as { spec: { containers: Record<string, unknown>[] } };
  withData.spec.containers = withData.spec.containers.map((each) => ({ ...each, volumeMounts: [{ name: "data", mountPath: "/data" }] }));
  await scene.create(
    workload("StatefulSet", "db", {
      replicas: 2,
      serviceName: "db",
      selector: { matchLabels: { app: "db" } },
      template: withData,
      volumeClaimTemplates: [{ metadata: { name: "data" }, spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } }],
    }),
  );
  await scene.seconds(10);
  expect((await scene.get("StatefulSet", "db"))?.["status"]).toMatchObject({ readyReplicas: 2 });
  expect(fieldsOf((await scene.pods())[0]?.["spec"])["volumes"]).toContainEqual({ name: "data", persistentVolumeClaim: { claimName: "data-db-0" } });
  await scene.cluster.objects.delete({ apiVersion: "apps/v1", kind: "StatefulSet", namespace: "default", name: "db" });
  await scene.seconds(10);
  expect(await scene.pods()).toEqual([]);
  const claims = await scene.cluster.objects.list({ apiVersion: "v1", kind: "PersistentVolumeClaim" });
  expect(claims.map(({ metadata, status }) => [metadata.name, fieldsOf(status)["phase"]])).toEqual([
    ["data-db-0", "Bound"],
    ["data-db-1", "Bound"],
  ]);
});

test("claims of a StatefulSet go with it where it says so", async () => {
  await using scene = await open();
  await scene.create(
    workload("StatefulSet", "db", {
      replicas: 1,
      serviceName: "db",
      selector: { matchLabels: { app: "db" } },
      template: template("db"),
      persistentVolumeClaimRetentionPolicy: { whenDeleted: "Delete" },
      volumeClaimTemplates: [{ metadata: { name: "data" }, spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } }],
    }),
  );
  await scene.seconds(5);
  expect(await scene.cluster.objects.list({ apiVersion: "v1", kind: "PersistentVolumeClaim" })).toHaveLength(1);
  await scene.cluster.objects.delete({ apiVersion: "apps/v1", kind: "StatefulSet", namespace: "default", name: "db" });
  await scene.seconds(5);
  expect(await scene.cluster.objects.list({ apiVersion: "v1", kind: "PersistentVolumeClaim" })).toEqual([]);
});

test("a Job ends when its pod has, fails by its limit, and by its deadline; a DaemonSet runs on each node", async () => {
  await using scene = await open();
  const job = (name: string, image: string, spec: object = {}) =>
    workload("Job", name, { ...spec, template: { spec: { restartPolicy: "Never", containers: [{ name: "main", image }] } } });
  await scene.create(job("good", "example.com/app:1"));
  await scene.create(job("bad", "example.com/crash:1", { backoffLimit: 1 }));
  await scene.create(job("late", "example.com/app:not-there", { activeDeadlineSeconds: 5 }));
  await scene.create(workload("DaemonSet", "agent", { selector: { matchLabels: { app: "agent" } }, template: template("agent") }));
  await scene.seconds(20);
  const condition = async (name: string, type: string) => conditionOf((await scene.get("Job", name)) ?? deployment("x"), type);
  expect(await condition("good", "Complete")).toMatchObject({ status: "True" });
  expect(await condition("bad", "Failed")).toMatchObject({ status: "True", reason: "BackoffLimitExceeded" });
  expect(await condition("late", "Failed")).toMatchObject({ status: "True", reason: "DeadlineExceeded" });
  expect((await scene.get("DaemonSet", "agent"))?.["status"]).toMatchObject({
    desiredNumberScheduled: 3,
    numberReady: 3,
    numberAvailable: 3,
    updatedNumberScheduled: 3,
  });
});

test("a Service has the addresses of the pods that are ready, one of type LoadBalancer an address, and a claim is bound", async () => {
  await using scene = await open();
  await scene.create(deployment("web", { replicas: 2 }));
  await scene.create(workload("Service", "web", { type: "LoadBalancer", selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] }));
  await scene.create(workload("PersistentVolumeClaim", "data", { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } }));
  await scene.seconds(5);
  const [slice] = await scene.cluster.objects.list({ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice" }, { namespace: "default" });
  expect(slice?.["endpoints"]).toEqual([expect.objectContaining({ conditions: { ready: true, serving: true, terminating: false } }), expect.anything()]);
  expect((await scene.get("Service", "web"))?.["status"]).toMatchObject({ loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } });
  expect((await scene.get("PersistentVolumeClaim", "data"))?.["status"]).toMatchObject({ phase: "Bound", capacity: { storage: "1Gi" } });
});

test("what no node fits stays pending; and at rest nothing is written", async () => {
  await using scene = await open();
  await scene.create(deployment("web", { replicas: 1, template: template("web", "example.com/app:1", { nodeSelector: { disk: "fast" } }) }));
  await scene.create(deployment("fine", { replicas: 2 }));
  await scene.seconds(700);
  expect(JSON.stringify(await scene.pods())).toContain("Unschedulable");
  const rv = await scene.cluster.reader.currentRv();
  await scene.seconds(36_000);
  expect(await scene.cluster.reader.currentRv()).toBe(rv);
});

test("the same seed gives the same history", async () => {
  const run = async (seed: string): Promise<string> => {
    await using scene = await open(seed);
    await scene.create(deployment("web"));
    await scene.seconds(5);
    return JSON.stringify(await scene.pods());
  };
  expect(await run("x")).toBe(await run("x"));
  expect(await run("x")).not.toBe(await run("y"));
});
