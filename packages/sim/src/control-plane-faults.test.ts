// What a control plane says of a workload in whose cluster something goes wrong: the words of simulated clusters are those that it knows from real ones.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubeObject } from "@threeport/resource";
import { definition, environment, instance, instances, openTestControlPlane, runtimes, type TestControlPlane } from "@threeport/server/testing";
import { startSimulation, workloadControllers, type SimulatedCluster, type Simulation } from "./index.ts";
import { app } from "./testing/app.ts";

let simulation: Simulation;
let cluster: SimulatedCluster;
let plane: TestControlPlane;
beforeAll(async () => {
  simulation = await startSimulation({ factor: 20, controllers: workloadControllers });
  cluster = await simulation.addCluster("one");
  plane = await openTestControlPlane();
  await plane.addRuntime("one", cluster.kubeconfig);
  await plane.ready(runtimes, "one");
  await plane.create(environment("dev", "one"));
  await plane.addRuntime("two", (await simulation.addCluster("two")).kubeconfig);
  await plane.ready(runtimes, "two");
  await plane.create(environment("roomy", "two"));
});
afterAll(async () => {
  await plane?.[Symbol.asyncDispose]();
  await simulation?.[Symbol.asyncDispose]();
});

interface Spec {
  template: { spec: { containers: Record<string, unknown>[] } };
}

/** The workload of the other tests, with more of its container. */
function workloadOf(name: string, container: object): KubeObject[] {
  const objects = app(name, "example.com/app:1");
  for (const object of objects as (KubeObject & { spec: Spec })[])
    if (object.kind === "Deployment") object.spec.template.spec.containers = object.spec.template.spec.containers.map((each) => ({ ...each, ...container }));
  return objects;
}

const quota = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "small", namespace: "default-dev" }, spec: { hard: { pods: "0" } } };
const cases = [
  {
    name: "oom",
    container: {},
    prepare: async () => void simulation.faults.add({ kind: "oom", pod: /^oom-/ }),
    reason: "CrashLoopBackOff",
    says: "used more memory than its limit (OOMKilled, exit code 137)",
  },
  {
    name: "crash",
    container: {},
    prepare: async () => void simulation.faults.add({ kind: "crash", exitCode: 3, pod: /^crash-/ }),
    reason: "CrashLoopBackOff",
    says: "ended with an error of its own (exit code 3)",
  },
  {
    name: "lacking",
    container: { envFrom: [{ configMapRef: { name: "settings" } }] },
    prepare: async () => {},
    reason: "CreateContainerConfigError",
    says: 'ConfigMap "settings" does not exist in namespace default-dev',
  },
  {
    name: "large",
    container: { resources: { requests: { cpu: "5000" } } },
    prepare: async () => {},
    reason: "Unschedulable",
    says: "3 of 3 have not enough free cpu",
  },
  {
    name: "hidden",
    container: { image: "registry.example.com/private/app:1" },
    prepare: async () => {},
    reason: "ImagePullBackOff",
    says: "there are credentials for this registry",
  },
  {
    name: "refused",
    container: {},
    prepare: async () => void (await cluster.objects.create(quota)),
    reason: "QuotaExceeded",
    says: 'quota "small" of the namespace is used up',
  },
];
for (const { name, container, prepare, reason, says } of cases) {
  test(`${reason} is told of the workload "${name}", and why in words for people`, { timeout: 60_000 }, async () => {
    await prepare();
    await plane.create(definition(name, workloadOf(name, container)));
    await plane.create(instance(name, name, { environment: "dev" }));
    expect((await plane.reason(instances, name, reason)).message).toContain(says);
  });
}

test("a pod that a full disk drove from its node is told, with the node and what to do", { timeout: 60_000 }, async () => {
  await plane.create(definition("full", workloadOf("full", {})));
  await plane.create(instance("full", "full", { environment: "roomy" }));
  await plane.ready(instances, "full");
  using _fault = simulation.faults.add({ kind: "disk-pressure", cluster: "two" });
  const told = await plane.reason(instances, "full", "Unschedulable");
  expect(told.message).toContain("3 of 3 have a taint that the pod does not tolerate");
  expect(told.message).toContain("such as disk-pressure, goes when the node is well again");
});
