// Support services that are installed from charts, over a simulated cluster.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { KubeObject, StoredObject } from "@threeport/resource";
import { namespaceDocument } from "@threeport/cluster/testing";
import { describeWithHelm, packChart } from "@threeport/module-helm/testing";
import { environment, instance, instances, openTestControlPlane, runtimes, type Kind, type TestControlPlane } from "@threeport/server/testing";
import { startSimulation, workloadControllers, type Simulation } from "@threeport/sim";

const group = "threeport.io/v1alpha1";
const services: Kind = { apiVersion: group, kind: "SupportServiceInstance", namespaced: false };

const template = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "{{ .Release.Name }}-reader"}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}-targets"}
data: {targets: "{{ join "," .Values.targets }}"}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}"}
spec:
  replicas: 3
  selector: {matchLabels: {app: watcher}}
  template:
    metadata: {labels: {app: watcher}}
    spec: {containers: [{name: main, image: "example.com/watcher:1"}]}
`;

describeWithHelm("services of charts", () => {
  let simulation: Simulation;
  let plane: TestControlPlane;
  beforeAll(async () => {
    simulation = await startSimulation({ factor: 20, controllers: workloadControllers });
    plane = await openTestControlPlane();
    await plane.addRuntime("one", (await simulation.addCluster("one")).kubeconfig);
    await plane.ready(runtimes, "one");
    await plane.create(environment("dev", "one"));
  });
  afterAll(async () => {
    await plane?.[Symbol.asyncDispose]();
    await simulation?.[Symbol.asyncDispose]();
  });

  const live = async (apiVersion: string, kind: string, name: string, namespace = "watching") =>
    simulation.clusters
      .get("one")
      ?.objects.get<StoredObject & { spec: Record<string, unknown>; data?: Record<string, string> }>({ apiVersion, kind, namespace, name });

  test("a chart is installed when it is needed, told who uses it, changed by patches, and removed when it is not used", { timeout: 60_000 }, async () => {
    const archive = (await packChart("watcher", { "values.yaml": "targets: []\n", "templates/all.yaml": template })).toString("base64");
    await plane.create({
      apiVersion: group,
      kind: "SupportServiceDefinition",
      metadata: { name: "watcher" },
      spec: {
        service: "watching",
        version: "1",
        charts: [{ chart: { archive }, release: "watcher", namespace: "watching", values: { targets: "${users.map(user, user.values.target)}" } }],
        objects: [namespaceDocument("watching")],
        patches: [{ kind: "Deployment", merge: { spec: { replicas: 1 } } }],
        gracePeriodSeconds: 0,
      },
    } as KubeObject);
    await plane.create({
      apiVersion: group,
      kind: "DependencyProfile",
      metadata: { name: "watched" },
      spec: {
        type: "watched",
        services: { watching: { values: { target: "${workload.name}" } } },
        provisioner: { static: {} },
        outputs: { by: { value: "watcher" } },
      },
    } as KubeObject);
    const document = {
      apiVersion: "score.dev/v1b1",
      metadata: { name: "app" },
      containers: { app: { image: "example.com/app:1", variables: { BY: "${resources.eye.by}" } } },
      resources: { eye: { type: "watched" } },
    };
    await plane.create({
      apiVersion: group,
      kind: "WorkloadDefinition",
      metadata: { name: "app", namespace: "default" },
      spec: { source: { score: { document } } },
    } as KubeObject);
    await plane.create(instance("app", "app", { environment: "dev" }));
    await plane.ready(instances, "app");
    expect((await live("v1", "ConfigMap", "watcher-targets"))?.data).toEqual({ targets: "app" });
    expect((await live("apps/v1", "Deployment", "watcher"))?.spec["replicas"]).toBe(1);
    const role = await simulation.clusters.get("one")?.objects.get({ apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", name: "watcher-reader" });
    expect(role).toBeDefined();
    await plane.delete(instances, "app");
    await plane.gone(services, "watching.one");
    expect(await live("apps/v1", "Deployment", "watcher")).toBeUndefined();
  });
});
