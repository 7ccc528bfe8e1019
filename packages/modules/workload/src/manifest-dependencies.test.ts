// What plain manifests depend on, over a simulated cluster.
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemRandom } from "@threeport/platform";
import type { KubeObject, StoredObject } from "@threeport/resource";
import { until } from "@threeport/engine/testing";
import { definitions, environment, instance, instances, openTestControlPlane, runtimes, type Kind, type TestControlPlane } from "@threeport/server/testing";
import { startSimulation, workloadControllers, type Simulation } from "@threeport/sim";

const group = "threeport.io/v1alpha1";
const dependencies: Kind = { apiVersion: group, kind: "Dependency", namespaced: true };

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

const fresh = (prefix: string): string => `${prefix}${systemRandom.suffix(5)}`;
type Live = StoredObject & { spec: Record<string, unknown>; data?: Record<string, string> };
const live = async (apiVersion: string, kind: string, name: string): Promise<Live | undefined> =>
  simulation.clusters.get("one")?.objects.get<Live>({ apiVersion, kind, namespace: "default-dev", name });
const text = async (secret: string, key: string): Promise<string> => Buffer.from((await live("v1", "Secret", secret))?.data?.[key] ?? "", "base64").toString();

function objectsOf(name: string): object[] {
  const labels = { app: name };
  const container = { name: "main", image: "example.com/app:1", envFrom: [{ secretRef: { name: "db" } }] };
  return [
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [container] } } },
    },
    { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { selector: labels, ports: [{ name: "web", port: 80 }] } },
  ];
}

const define = (name: string, declared: readonly object[]): Promise<StoredObject> =>
  plane.create({
    apiVersion: group,
    kind: "WorkloadDefinition",
    metadata: { name, namespace: "default" },
    spec: { source: { manifests: { objects: objectsOf(name), dependencies: declared } } },
  } as KubeObject);

test("pods of manifests start when what they depend on is there, and read it from a Secret of its name", { timeout: 60_000 }, async () => {
  const name = fresh("shop");
  await plane.create({
    apiVersion: group,
    kind: "DependencyProfile",
    metadata: { name: "queues" },
    spec: { type: "queue", provisioner: { static: {} }, outputs: { url: { value: "queue://${params.for}" }, depth: { value: 7 } } },
  } as KubeObject);
  await define(name, [
    { name: "db", type: "postgres" },
    { name: "jobs", type: "queue", params: { for: "${resources.db.name}" } },
  ]);
  await plane.create(instance(name, name, { environment: "dev" }));
  await plane.ready(instances, name);
  const database = await text("db", "name");
  expect(database).not.toBe("");
  expect(await text("db", "port")).toBe("5432");
  expect(await text("db", "password")).toMatch(/^[A-Za-z0-9]{24}$/);
  expect([await text("jobs", "url"), await text("jobs", "depth")]).toEqual([`queue://${database}`, "7"]);
  const template = (await live("apps/v1", "Deployment", name))?.spec["template"] as { metadata: { annotations: Record<string, string> } };
  expect(template.metadata.annotations["threeport.io/secrets-digest"]).toMatch(/\S/);
  // What leaves the definition is let go, and its Secret with it.
  await plane.change<StoredObject & { spec: { source: { manifests: { dependencies: object[] } } } }>(definitions, name, (definition) => {
    definition.spec.source.manifests.dependencies = [{ name: "db", type: "postgres" }];
  });
  await plane.gone(dependencies, `dev.queue.${name}.jobs`);
  await until("the Secret to go", async () => (await live("v1", "Secret", "jobs")) === undefined);
  await plane.delete(instances, name);
  await plane.gone(dependencies, `dev.postgres.${name}.db`);
});

test("names that are too long together for an id are cut, and stay distinct", { timeout: 60_000 }, async () => {
  const name = fresh(`a-name-of-a-definition-that-is-long-${"x".repeat(20)}`);
  const long = `a-dependency-${"y".repeat(30)}`;
  await define(name, [
    { name: "db", type: "postgres" },
    { name: `${long}-1`, type: "redis" },
    { name: `${long}-2`, type: "redis" },
  ]);
  await plane.create(instance(name, name, { environment: "dev" }));
  await plane.ready(instances, name);
  expect(await text(`${long}-1`, "host")).not.toBe(await text(`${long}-2`, "host"));
  await plane.delete(instances, name);
  await plane.gone(instances, name);
});

test("what is wrong with dependencies of manifests is told with its field, when they are written", async () => {
  const bad = (...declared: object[]): Promise<unknown> => define(fresh("bad"), declared);
  const at = "spec.source.manifests.dependencies";
  await expect(bad({ name: "db", type: "postgres" }, { name: "db", type: "redis" })).rejects.toThrow(/dependencies/);
  await expect(bad({ name: "db", type: "postgres", params: { a: "${resources.other.x}" } })).rejects.toThrow(`${at}[0].params.a: Invalid value`);
  await expect(bad({ name: "api", type: "service" })).rejects.toThrow(`${at}[0].type: Invalid value: "service": this type is for Score files`);
  await expect(bad({ name: "way", type: "route", params: { host: "a.example.com", path: "/", port: 81 } })).rejects.toThrow(
    `${at}[0].params.port: Invalid value: 81: this workload's service has the ports web (80)`,
  );
  const name = fresh("bad");
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "db" }, stringData: { a: "b" } };
  await expect(
    plane.create({
      apiVersion: group,
      kind: "WorkloadDefinition",
      metadata: { name, namespace: "default" },
      spec: { source: { manifests: { objects: [...objectsOf(name), secret], dependencies: [{ name: "db", type: "postgres" }] } } },
    } as KubeObject),
  ).rejects.toThrow(`${at}[0].name: Invalid value: "db": its outputs are in a Secret of this name`);
});
