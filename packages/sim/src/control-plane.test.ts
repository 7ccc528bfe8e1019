// A whole control plane over simulated clusters: what it does to a real one, it does here.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { StoredObject } from "@threeport/resource";
import { until } from "@threeport/engine/testing";
import { definition, definitions, environment, instance, instances, openTestControlPlane, runtimes, type TestControlPlane } from "@threeport/server/testing";
import type { WorkloadDefinition, WorkloadInstance } from "@threeport/module-workload";
import { startSimulation, workloadControllers, type Simulation } from "./index.ts";
import { app } from "./testing/app.ts";

let simulation: Simulation;
let plane: TestControlPlane;
beforeAll(async () => {
  simulation = await startSimulation({ factor: 20, controllers: workloadControllers });
  plane = await openTestControlPlane();
  for (const name of ["one", "two"]) {
    await plane.addRuntime(name, (await simulation.addCluster(name)).kubeconfig);
    await plane.ready(runtimes, name);
    await plane.create(environment(`dev-${name}`, name));
  }
});
afterAll(async () => {
  await plane?.[Symbol.asyncDispose]();
  await simulation?.[Symbol.asyncDispose]();
});

const live = async (cluster: string, kind: string, name: string, namespace: string): Promise<StoredObject | undefined> =>
  simulation.clusters.get(cluster)?.objects.get({ apiVersion: kind === "Deployment" ? "apps/v1" : "v1", kind, namespace, name });

test("a workload is deployed to two clusters, changed, told of when it fails, mended, and gone", { timeout: 60_000 }, async () => {
  await plane.create(definition("web", app("web", "example.com/app:1")));
  for (const name of ["one", "two"]) await plane.create(instance(`web-${name}`, "web", { environment: `dev-${name}` }));
  for (const name of ["one", "two"]) expect((await plane.ready<WorkloadInstance>(instances, `web-${name}`)).status?.objects).toBe("2/2");
  expect(await live("two", "Deployment", "web", "default-dev-two")).toMatchObject({ status: { availableReplicas: 2 } });

  const change = (image: string) =>
    plane.change<WorkloadDefinition & StoredObject>(definitions, "web", (object) => {
      object.spec.source.manifests = { objects: app("web", image) as never };
    });
  await change("example.com/app:not-there");
  const stalled = await plane.reason(instances, "web-one", "ImagePullBackOff");
  expect(stalled.message).toContain('image "example.com/app:not-there" cannot be pulled');
  await change("example.com/app:2");
  await plane.ready(definitions, "web");

  // Somebody takes something away in the cluster: it comes back.
  await simulation.clusters.get("one")?.objects.delete({ apiVersion: "v1", kind: "Service", namespace: "default-dev-one", name: "web" });
  await until("the Service to be back", () => live("one", "Service", "web", "default-dev-one"));
  for (const name of ["one", "two"]) await plane.delete(instances, `web-${name}`);
  for (const name of ["one", "two"]) await plane.gone(instances, `web-${name}`);
  await until("the namespace to go", async () => (await live("one", "Namespace", "default-dev-one", "")) === undefined);
});
