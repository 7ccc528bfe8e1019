import type { KubeObject, StoredObject } from "@threeport/resource";
import { expect, test } from "vitest";
import { conditionOf, fieldsOf, isReady, type Fields } from "../controllers/owned.ts";
import { deployment, openScene, workload, type Scene } from "../testing/scene.ts";

const pod = (name: string, container: object = {}, spec: object = {}): KubeObject =>
  workload("Pod", name, { containers: [{ name: "main", image: "example.com/app:1", ...container }], ...spec });
const found = async (scene: Scene, name: string): Promise<StoredObject> => (await scene.get("Pod", name)) as StoredObject;
const container = async (scene: Scene, name: string): Promise<Fields> =>
  (fieldsOf((await found(scene, name))["status"])["containerStatuses"] as Fields[] | undefined)?.[0] ?? {};
const messages = async (scene: Scene, reason: string): Promise<unknown[]> => (await scene.events(reason)).map((event) => event["message"]);

test("a container that crashes is started again at once, and then after pauses that double up to five minutes", async () => {
  await using scene = await openScene();
  using _fault = scene.simulation.faults.add({ kind: "crash", exitCode: 3, pod: /^bad$/ });
  await scene.create(pod("bad"));
  await scene.create(pod("good"));
  const starts: number[] = [];
  let seen = -1;
  for (let second = 0; second < 1_500; second++) {
    await scene.seconds(1);
    const { restartCount } = await container(scene, "bad");
    if (typeof restartCount === "number" && restartCount !== seen) starts.push(second);
    seen = typeof restartCount === "number" ? restartCount : seen;
  }
  const pauses = starts.slice(1).map((second, index) => second - (starts[index] ?? 0));
  expect(pauses.map((pause) => pause - 1)).toEqual([10, 20, 40, 80, 160, 300, 300, 300]); // it runs for a second each time
  const bad = await found(scene, "bad");
  expect(await container(scene, "bad")).toMatchObject({
    ready: false,
    started: false,
    state: { waiting: { reason: "CrashLoopBackOff", message: `back-off 5m0s restarting failed container=main pod=bad_default(${bad.metadata.uid})` } },
    lastState: { terminated: { exitCode: 3, reason: "Error" } },
  });
  expect(await messages(scene, "BackOff")).toEqual([`Back-off restarting failed container main in pod bad_default(${bad.metadata.uid})`]);
  expect(isReady(await found(scene, "good"))).toBe(true);
});

test("a fault that ends lets the container run at its next start", async () => {
  await using scene = await openScene();
  const fault = scene.simulation.faults.add({ kind: "oom", container: "main" });
  await scene.create(deployment("web", { replicas: 1 }));
  await scene.seconds(8);
  const [first] = await scene.pods();
  const name = first?.metadata.name ?? "";
  expect(await container(scene, name)).toMatchObject({
    state: { waiting: { reason: "CrashLoopBackOff" } },
    lastState: { terminated: { exitCode: 137, reason: "OOMKilled" } },
  });
  fault[Symbol.dispose]();
  await scene.seconds(15);
  expect(await container(scene, name)).toMatchObject({ ready: true, restartCount: 2, state: { running: {} }, lastState: { terminated: { exitCode: 137 } } });
  expect((await scene.get("Deployment", "web"))?.["status"]).toMatchObject({ availableReplicas: 1 });
});

test("a fault takes hold of containers that run already", async () => {
  await using scene = await openScene();
  await scene.create(pod("p"));
  await scene.seconds(5);
  expect(isReady(await found(scene, "p"))).toBe(true);
  scene.simulation.faults.add({ kind: "crash" });
  await scene.seconds(5);
  expect(await container(scene, "p")).toMatchObject({ state: { waiting: { reason: "CrashLoopBackOff" } } });
});

const probes = [
  { name: "http", probe: { httpGet: { port: 8080 } }, says: "Readiness probe failed: HTTP probe failed with statuscode: 503" },
  {
    name: "tcp",
    probe: { tcpSocket: { port: "web" } },
    says: expect.stringMatching(/^Readiness probe failed: dial tcp 10\.244\.\d+\.\d+:8080: connect: connection refused$/),
  },
  { name: "grpc", probe: { grpc: { port: 9 } }, says: 'Readiness probe failed: service unhealthy (responded with "NOT_SERVING")' },
];
for (const { name, probe, says } of probes) {
  test(`a readiness probe that fails (${name}) is told, and takes the pod out until it passes`, async () => {
    await using scene = await openScene();
    await scene.create(pod("p", { readinessProbe: probe, ports: [{ name: "web", containerPort: 8080 }] }));
    await scene.seconds(5);
    const fault = scene.simulation.faults.add({ kind: "unready", namespace: "default" });
    await scene.seconds(1);
    expect(conditionOf(await found(scene, "p"), "Ready")).toMatchObject({
      status: "False",
      reason: "ContainersNotReady",
      message: "containers with unready status: [main]",
    });
    expect(await messages(scene, "Unhealthy")).toEqual([says]);
    fault[Symbol.dispose]();
    await scene.seconds(1);
    expect(isReady(await found(scene, "p"))).toBe(true);
    expect(await container(scene, "p")).toMatchObject({ restartCount: 0 });
  });
}

test("a liveness probe that fails has the container killed and started again", async () => {
  await using scene = await openScene();
  await scene.create(pod("p", { livenessProbe: { httpGet: { port: 80 }, periodSeconds: 5, failureThreshold: 2 } }));
  scene.simulation.faults.add({ kind: "unlive" });
  await scene.seconds(9);
  expect(await container(scene, "p")).toMatchObject({ ready: true, restartCount: 0 });
  await scene.seconds(5);
  expect(await container(scene, "p")).toMatchObject({ restartCount: 1, lastState: { terminated: { exitCode: 137, reason: "Error" } } });
  expect(await messages(scene, "Unhealthy")).toEqual(["Liveness probe failed: HTTP probe failed with statuscode: 503"]);
  expect(await messages(scene, "Killing")).toEqual(["Container main failed liveness probe, will be restarted"]);
});

const missing = [
  { name: "ConfigMap", env: { configMapKeyRef: { name: "settings", key: "url" } }, says: 'configmap "settings" not found' },
  { name: "Secret", env: { secretKeyRef: { name: "settings", key: "url" } }, says: 'secret "settings" not found' },
  { name: "key of a ConfigMap", env: { configMapKeyRef: { name: "other", key: "url" } }, says: "couldn't find key url in ConfigMap default/other" },
];
for (const { name, env, says } of missing) {
  test(`a missing ${name} keeps the container from being created, until it is there`, async () => {
    await using scene = await openScene();
    await scene.create({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "other", namespace: "default" }, data: { port: "80" } });
    await scene.create(pod("p", { env: [{ name: "URL", valueFrom: env }] }));
    await scene.create(
      pod("optional", { env: [{ name: "URL", valueFrom: Object.fromEntries(Object.entries(env).map(([kind, of]) => [kind, { ...of, optional: true }])) }] }),
    );
    await scene.seconds(5);
    expect(isReady(await found(scene, "optional"))).toBe(true);
    expect(await found(scene, "p")).toMatchObject({ status: { phase: "Pending" } });
    expect(await container(scene, "p")).toMatchObject({ state: { waiting: { reason: "CreateContainerConfigError", message: says } } });
    expect(await messages(scene, "Failed")).toEqual([`Error: ${says}`]);
    const kind = says.startsWith("secret") ? "Secret" : "ConfigMap";
    const other = await scene.get("ConfigMap", "other");
    if (says.startsWith("couldn't")) await scene.cluster.objects.commit(other as StoredObject, { ...(other as StoredObject), data: { url: "u" } });
    else await scene.create({ apiVersion: "v1", kind, metadata: { name: "settings", namespace: "default" }, data: { url: "dQ==" } });
    await scene.seconds(2);
    expect(isReady(await found(scene, "p"))).toBe(true);
  });
}

const volumes = [
  { source: { configMap: { name: "settings" } }, says: 'MountVolume.SetUp failed for volume "conf" : configmap "settings" not found' },
  { source: { secret: { secretName: "settings" } }, says: 'MountVolume.SetUp failed for volume "conf" : secret "settings" not found' },
];
for (const { source, says } of volumes) {
  test(`a volume of a missing ${Object.keys(source)[0]} leaves the pod in ContainerCreating, until it is there`, async () => {
    await using scene = await openScene();
    await scene.create(pod("p", { volumeMounts: [{ name: "conf", mountPath: "/conf" }] }, { volumes: [{ name: "conf", ...source }] }));
    await scene.seconds(5);
    expect(await container(scene, "p")).toMatchObject({ started: false, state: { waiting: { reason: "ContainerCreating" } } });
    expect(await messages(scene, "FailedMount")).toEqual([says]);
    await scene.create({ apiVersion: "v1", kind: "configMap" in source ? "ConfigMap" : "Secret", metadata: { name: "settings", namespace: "default" } });
    await scene.seconds(2);
    expect(isReady(await found(scene, "p"))).toBe(true);
  });
}
