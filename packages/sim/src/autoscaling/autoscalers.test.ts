import type { StoredObject } from "@threeport/resource";
import { expect, test } from "vitest";
import { conditionOf, fieldsOf } from "../controllers/owned.ts";
import { deployment, openScene, workload, type Scene } from "../testing/scene.ts";
import { withinLimits } from "./within-limits.ts";

const scalerKind = { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler" };
const web = (replicas: number, requests: object = { cpu: "200m" }) =>
  deployment("web", {
    replicas,
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "main", image: "example.com/app:1", resources: { requests } }] } },
  });

async function scaled(replicas: number, spec: object = {}, requests?: object): Promise<Scene> {
  const scene = await openScene();
  await scene.create(web(replicas, requests));
  await scene.create({
    ...workload("HorizontalPodAutoscaler", "web", {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
      minReplicas: 2,
      maxReplicas: 10,
      metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } }],
      ...spec,
    }),
    ...scalerKind,
  });
  await scene.seconds(5);
  return scene;
}
const scaler = async (scene: Scene): Promise<StoredObject> =>
  (await scene.cluster.objects.get({ ...scalerKind, namespace: "default", name: "web" })) as StoredObject;
const condition = async (scene: Scene, type: string) => conditionOf(await scaler(scene), type);
const replicas = async (scene: Scene): Promise<unknown> => fieldsOf((await scene.get("Deployment", "web"))?.["spec"])["replicas"];

test("more CPU than asked for makes more pods, as far as the most; less makes fewer, after five minutes, as far as the least", async () => {
  await using scene = await scaled(2);
  scene.simulation.usage.set({ cpu: "150m" }); // 75 %: half as many more
  await scene.seconds(20);
  expect(await replicas(scene)).toBe(3);
  expect((await scaler(scene))["status"]).toMatchObject({
    currentReplicas: 2,
    desiredReplicas: 3,
    lastScaleTime: expect.any(String) as string,
    currentMetrics: [{ type: "Resource", resource: { name: "cpu", current: { averageUtilization: 75, averageValue: "150m" } } }],
  });
  expect(await condition(scene, "AbleToScale")).toMatchObject({
    reason: "SucceededRescale",
    message: "the HPA controller was able to update the target scale to 3",
  });
  await scene.seconds(300); // the load stays, whatever comes
  expect(await replicas(scene)).toBe(10);
  expect(await condition(scene, "ScalingLimited")).toMatchObject({ status: "True", reason: "TooManyReplicas" });
  scene.simulation.usage.set({ cpu: "1m", namespace: "default", pod: /^web-/ });
  await scene.seconds(120);
  expect(await replicas(scene)).toBe(10);
  expect(await condition(scene, "AbleToScale")).toMatchObject({ reason: "ScaleDownStabilized" });
  await scene.seconds(240);
  expect(await replicas(scene)).toBe(2);
  expect(await condition(scene, "ScalingLimited")).toMatchObject({ status: "True", reason: "TooFewReplicas" });
  expect(await condition(scene, "ScalingActive")).toMatchObject({
    status: "True",
    reason: "ValidMetricFound",
    message: "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)",
  });
});

test("without metrics it says so, and the size stays", async () => {
  await using scene = await scaled(3);
  await scene.seconds(60);
  expect(await condition(scene, "AbleToScale")).toMatchObject({ status: "True", reason: "SucceededGetScale" });
  expect(await condition(scene, "ScalingActive")).toMatchObject({
    status: "False",
    reason: "FailedGetResourceMetric",
    message:
      "the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)",
  });
  expect(await scene.events("FailedGetResourceMetric")).toHaveLength(1);
  expect(await replicas(scene)).toBe(3);
});

const problems = [
  {
    name: "a container without a request",
    spec: {},
    requests: {},
    type: "ScalingActive",
    says: {
      status: "False",
      reason: "FailedGetResourceMetric",
      message: expect.stringMatching(/missing request for cpu in container main of Pod web-/) as string,
    },
  },
  {
    name: "a target that is not there",
    spec: { scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "gone" } },
    requests: { cpu: "1" },
    type: "AbleToScale",
    says: {
      status: "False",
      reason: "FailedGetScale",
      message: `the HPA controller was unable to get the target's current scale: deployments.apps "gone" not found`,
    },
  },
];
for (const { name, spec, requests, type, says } of problems) {
  test(`${name} is told by ${type}`, async () => {
    await using scene = await scaled(2, spec, requests);
    scene.simulation.usage.set({ cpu: "100m" });
    await scene.seconds(20);
    expect(await condition(scene, type)).toMatchObject(says);
  });
}

test("a size outside of the bounds is brought into them, and one of zero is left alone", async () => {
  await using scene = await scaled(1);
  expect(await replicas(scene)).toBe(2);
  await scene.change("Deployment", "web", { replicas: 40 });
  await scene.seconds(20);
  expect(await replicas(scene)).toBe(10);
  await scene.change("Deployment", "web", { replicas: 0 });
  await scene.seconds(20);
  expect(await replicas(scene)).toBe(0);
  expect(await condition(scene, "ScalingActive")).toMatchObject({ status: "False", reason: "ScalingDisabled" });
});

const limits = [
  { wanted: 100, current: 1, replicas: 4, reason: "ScaleUpLimit" },
  { wanted: 100, current: 30, replicas: 50, reason: "TooManyReplicas" },
  { wanted: 1, current: 5, replicas: 2, reason: "TooFewReplicas" },
  { wanted: 7, current: 5, replicas: 7, reason: "DesiredWithinRange" },
];
for (const { wanted, current, ...found } of limits) {
  test(`${wanted} wanted beside ${current}, of 2 to 50, is ${found.replicas}: ${found.reason}`, () => {
    expect(withinLimits(wanted, { current, least: 2, most: 50 })).toMatchObject(found);
  });
}
