import { expect, test } from "vitest";
import { parseQuantity, type KubeObject } from "@threeport/resource";
import { requestsText } from "./take-room.ts";
import { requestsOf } from "./requests.ts";

const container = (cpu: string | undefined, memory: string | undefined, more: object = {}) => ({
  name: "main",
  image: "example.com/app:1",
  resources: { requests: { ...(cpu === undefined ? {} : { cpu }), ...(memory === undefined ? {} : { memory }) } },
  ...more,
});
const workload = (kind: string, podSpec: object, spec: object = {}): KubeObject => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { name: "web" },
  spec: { ...spec, template: { spec: podSpec } },
});
const one = { containers: [container("250m", "128Mi")] };

test.each<[string, KubeObject[], { cpu: string; memory: string }]>([
  ["a Deployment counts its replicas", [workload("Deployment", one, { replicas: 3 })], { cpu: "750m", memory: "384Mi" }],
  ["one without a number runs once", [workload("StatefulSet", one)], { cpu: "250m", memory: "128Mi" }],
  ["one that is scaled to nothing asks for nothing", [workload("Deployment", one, { replicas: 0 })], { cpu: "0", memory: "0" }],
  ["a DaemonSet counts once", [workload("DaemonSet", one)], { cpu: "250m", memory: "128Mi" }],
  ["a Job counts what runs at the same time", [workload("Job", one, { parallelism: 4, completions: 100 })], { cpu: "1", memory: "512Mi" }],
  [
    "a CronJob counts one run",
    [{ apiVersion: "batch/v1", kind: "CronJob", metadata: { name: "web" }, spec: { jobTemplate: { spec: { parallelism: 2, template: { spec: one } } } } }],
    { cpu: "500m", memory: "256Mi" },
  ],
  ["a Pod counts itself", [{ apiVersion: "v1", kind: "Pod", metadata: { name: "web" }, spec: one }], { cpu: "250m", memory: "128Mi" }],
  [
    "what an autoscaler looks after counts with its largest number",
    [
      workload("Deployment", one, { replicas: 1 }),
      {
        apiVersion: "autoscaling/v2",
        kind: "HorizontalPodAutoscaler",
        metadata: { name: "web" },
        spec: { scaleTargetRef: { kind: "Deployment", name: "web" }, maxReplicas: 8 },
      },
    ],
    { cpu: "2", memory: "1Gi" },
  ],
  ["containers of a pod count together", [workload("Deployment", { containers: [container("1", "1Gi"), container("1", "1Gi")] })], { cpu: "2", memory: "2Gi" }],
  [
    "an init container counts only as far as it wants more than what comes after it",
    [workload("Deployment", { initContainers: [container("2", "64Mi")], containers: [container("1", "1Gi")] })],
    { cpu: "2", memory: "1Gi" },
  ],
  [
    "an init container that goes on running counts beside all that come after it",
    [
      workload("Deployment", {
        initContainers: [container("1", "1Gi", { restartPolicy: "Always" }), container("2", "1Gi")],
        containers: [container("1", "3Gi")],
      }),
    ],
    { cpu: "3", memory: "4Gi" },
  ],
  [
    "a limit is the request of one that says no other",
    [workload("Deployment", { containers: [{ name: "main", resources: { limits: { cpu: "2", memory: "1Gi" } } }] })],
    { cpu: "2", memory: "1Gi" },
  ],
  ["what makes no pods asks for nothing", [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "web" } }], { cpu: "0", memory: "0" }],
])("%s", (_, objects, wanted) => {
  expect(requestsText(requestsOf(objects).requests)).toEqual(wanted);
});

test("containers that do not say what they want are named, but not those of something that does not run", () => {
  expect(requestsOf([workload("Deployment", { containers: [container(undefined, "1Gi")] })]).unsaid).toEqual({ cpu: ["main of Deployment web"], memory: [] });
  expect(requestsOf([workload("Deployment", { containers: [{ name: "main" }] }, { replicas: 0 })]).unsaid).toEqual({ cpu: [], memory: [] });
});

test("what is no quantity counts for nothing: the cluster refuses it", () => {
  expect(requestsOf([workload("Deployment", { containers: [container("much", "1Gi")] })]).requests).toEqual({
    cpu: parseQuantity("0"),
    memory: parseQuantity("1Gi"),
  });
});
