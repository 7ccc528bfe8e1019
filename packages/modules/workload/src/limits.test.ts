// What an environment gives to workloads, and what it does not: defaults, types of dependencies, how many of them.
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "@threeport/engine/testing";
import type { Environment } from "@threeport/module-environment";
import { systemRandom } from "@threeport/platform";
import { fields, items, type KubeObject } from "@threeport/resource";
import { definitions, environment, environments, instance, instances, openTestControlPlane, runtimes, type TestControlPlane } from "@threeport/server/testing";
import { startSimulation, workloadControllers, type Simulation } from "@threeport/sim";
import type { WorkloadDefinition, WorkloadInstance } from "./index.ts";

const group = "threeport.io/v1alpha1";
const fresh = (prefix: string): string => `${prefix}-${systemRandom.suffix(5)}`;
let simulation: Simulation;
let plane: TestControlPlane;
beforeAll(async () => {
  simulation = await startSimulation({ factor: 20, controllers: workloadControllers });
  plane = await openTestControlPlane();
  await plane.addRuntime("one", (await simulation.addCluster("one")).kubeconfig);
  await plane.ready(runtimes, "one");
});
afterAll(async () => {
  await plane?.[Symbol.asyncDispose]();
  await simulation?.[Symbol.asyncDispose]();
});

async function place(spec: object): Promise<string> {
  const name = fresh("env");
  const made = environment(name, "one");
  await plane.create({ ...made, spec: { ...fields(made["spec"]), ...spec } } as KubeObject);
  return name;
}
const definitionOf = (name: string, resources: object = {}, container: object = {}): KubeObject =>
  ({
    apiVersion: group,
    kind: "WorkloadDefinition",
    metadata: { name, namespace: "default" },
    spec: {
      source: {
        score: { document: { apiVersion: "score.dev/v1b1", metadata: { name }, containers: { app: { image: "example.com/app:1", ...container } }, resources } },
      },
    },
  }) as KubeObject;
async function deploy(env: string, resources: object, container: object = {}): Promise<string> {
  const name = fresh("app");
  await plane.create(definitionOf(name, resources, container));
  await plane.create(instance(name, name, { environment: env }));
  return name;
}
const refusal = (write: Promise<unknown>): Promise<Error> =>
  write.then(
    () => Promise.reject(new Error("it was taken")),
    (error: Error) => error,
  );
const running = async (env: string, name: string): Promise<{ replicas: unknown; resources: unknown }> => {
  const found = await simulation.clusters.get("one")?.objects.get({ apiVersion: "apps/v1", kind: "Deployment", namespace: `default-${env}`, name });
  const spec = fields(found?.["spec"]);
  const [container] = items(fields(fields(spec["template"])["spec"])["containers"]);
  return { replicas: spec["replicas"], resources: fields(container)["resources"] };
};

test("a Score workload that does not say it gets the environment's replicas and resources; a change rolls it", { timeout: 60_000 }, async () => {
  const env = await place({ defaults: { replicas: 2, resources: { requests: { cpu: "100m", memory: "64Mi" } } }, quota: { cpu: "1" } });
  const [silent, said] = [await deploy(env, {}), await deploy(env, {}, { resources: { requests: { cpu: "300m" } } })];
  for (const name of [silent, said]) await plane.ready(instances, name);
  expect(await running(env, silent)).toEqual({ replicas: 2, resources: { requests: { cpu: "100m", memory: "64Mi" } } });
  expect(await running(env, said)).toEqual({ replicas: 2, resources: { requests: { cpu: "300m", memory: "64Mi" } } });
  // The quota counts what they come to.
  expect((await plane.get<WorkloadInstance>(instances, silent))?.status?.requests).toEqual({ cpu: "200m", memory: "128Mi" });
  await plane.change<WorkloadInstance>(instances, said, ({ spec }) => void (spec.replicas = 1));
  await until("its own number", async () => (await running(env, said)).replicas === 1);
  await plane.change<Environment>(
    environments,
    env,
    ({ spec }) => void (spec.defaults = { resources: { requests: { cpu: "150m" }, limits: { memory: "1Gi" } } }),
  );
  await until("the new defaults", async () => {
    expect((await running(env, silent)).resources).toEqual({ requests: { cpu: "150m" }, limits: { memory: "1Gi" } });
    return true;
  });
  expect((await running(env, silent)).replicas).toBe(1);
});

test.each([
  ["no amount", { requests: { cpu: "much" } }, "spec.defaults.resources.requests.cpu"],
  ["more asked for than allowed", { requests: { memory: "2Gi" }, limits: { memory: "1Gi" } }, "spec.defaults.resources.requests.memory"],
])("defaults with %s are refused with the field", async (_, resources, field) => {
  expect(await refusal(place({ defaults: { resources } }))).toMatchObject({ code: "TP_INVALID", causes: [{ field }] });
});

test("a type that is not allowed is refused when it is written, and held where nobody was asked; what is there stays", { timeout: 90_000 }, async () => {
  const env = await place({ dependencies: { allowedTypes: ["redis", "route"] } });
  const refused = await refusal(deploy(env, { db: { type: "postgres" } }));
  expect(refused).toMatchObject({ code: "TP_NOT_ALLOWED" });
  expect(refused.message).toContain(
    `resources.db: dependencies of type postgres are not allowed in environment ${env}, which allows redis, route. Leave it out, or have spec.dependencies of the environment changed`,
  );
  const name = await deploy(env, { cache: { type: "redis" } });
  await plane.ready(instances, name);
  const document = { ...fields(fields(definitionOf(name, { cache: { type: "redis" }, db: { type: "postgres" } })["spec"])) };
  expect(await refusal(plane.client.patch({ ...definitions, name, namespace: "default" }, { spec: document }))).toMatchObject({ code: "TP_NOT_ALLOWED" });

  await plane.change<Environment>(environments, env, ({ spec }) => void (spec.dependencies = { deniedTypes: ["redis", "llm-model"] }));
  await plane.change<WorkloadInstance>(instances, name, ({ spec }) => void (spec.restartedAt = "2026-01-01T00:00:00Z"));
  await plane.ready(instances, name);
  // Its definition comes after it: at admission nobody knew what it would need.
  const late = fresh("late");
  await plane.create(instance(late, late, { environment: env }));
  await plane.reason(instances, late, "DefinitionNotFound");
  await plane.change<Environment>(environments, env, ({ spec }) => void delete spec.dependencies);
  await plane.create(definitionOf(late, { xx: { type: "redis" }, db: { type: "nothing-like-it" } }));
  await plane.reason(instances, late, "WaitingForDependency");
  await plane.delete(instances, late);
  await plane.gone(instances, late);
  const held = fresh("held");
  await plane.create(definitionOf(held, { xx: { type: "redis" } }));
  await plane.change<Environment>(environments, env, ({ spec }) => void (spec.dependencies = { deniedTypes: ["redis"] }));
  expect((await refusal(plane.create(instance(held, held, { environment: env })))).message).toContain(
    `not allowed in environment ${env}, which allows all but redis`,
  );
});

test("a type that becomes forbidden before it was claimed is told by the deployment, and nothing is claimed", { timeout: 60_000 }, async () => {
  const [env, name] = [fresh("env"), fresh("app")];
  // Both come before their environment: nobody could be asked.
  await plane.create(definitionOf(name, { model: { type: "llm-model" } }));
  await plane.create(instance(name, name, { environment: env }));
  await plane.reason(instances, name, "EnvironmentNotFound");
  const made = environment(env, "one");
  await plane.create({ ...made, spec: { ...fields(made["spec"]), dependencies: { deniedTypes: ["llm-model"] } } });
  expect((await plane.reason(instances, name, "DependencyNotAllowed")).message).toBe(
    `resources.model: dependencies of type llm-model are not allowed in environment ${env}, which allows all but llm-model. Leave it out, or have spec.dependencies of the environment changed`,
  );
  expect(
    (await plane.client.list({ apiVersion: group, kind: "DependencyClaim", namespace: "default" })).items.filter(({ metadata }) =>
      metadata.name.startsWith(name),
    ),
  ).toEqual([]);
  await plane.change<Environment>(environments, env, ({ spec }) => void delete spec.dependencies);
  await plane.reason(instances, name, "WaitingForDependency");
});

test("types that stand in both lists are refused", async () => {
  expect(await refusal(place({ dependencies: { allowedTypes: ["redis"], deniedTypes: ["redis"] } }))).toMatchObject({
    causes: [{ field: "spec.dependencies.deniedTypes" }],
  });
});

test(
  "there are no more dependencies than the quota says, also of those that come at the same time; the others come when there is room",
  { timeout: 120_000 },
  async () => {
    const env = await place({ quota: { dependencies: 2, perProject: { dependencies: 3 } } });
    const first = await deploy(env, { cache: { type: "redis", id: "common" } });
    await plane.ready(instances, first);
    await plane.ready(instances, await deploy(env, { cache: { type: "redis", id: "common" } }));
    const refused = await refusal(deploy(env, { aa: { type: "redis" }, bb: { type: "redis" } }));
    expect(refused).toMatchObject({ code: "TP_QUOTA_EXCEEDED" });
    expect(refused.message).toMatch(
      /exceeded quota: Environment \S+ has room for 2 dependencies: 2 \(redis app-\w+\.aa, redis app-\w+\.bb\) are asked for, and 1 are there\. Ask for less, share one by its id/,
    );

    const names = Array.from({ length: 4 }, () => fresh("burst"));
    for (const name of names) await plane.create(instance(name, name, { environment: env }));
    // Their definitions come all at once: admission may let several through, and the reconcilers hold them.
    await Promise.all(names.map((name) => plane.create<WorkloadDefinition>(definitionOf(name, { cache: { type: "redis" } }) as never).catch(() => undefined)));
    const states = () => Promise.all(names.map((name) => plane.get<WorkloadInstance>(instances, name)));
    const reasons = async (): Promise<(string | undefined)[]> =>
      (await states()).map((each) => each?.status?.conditions?.find(({ type }) => type === "Ready")?.reason);
    await until("all to be decided", async () =>
      (await reasons()).every((reason) => ["Healthy", "QuotaExceeded", "DefinitionNotFound"].includes(reason ?? "")),
    );
    expect((await reasons()).filter((reason) => reason === "Healthy").length).toBeLessThanOrEqual(1);
    await plane.change<Environment>(environments, env, ({ spec }) => void (spec.quota = { dependencies: 5 }));
    for (const name of names)
      if ((await plane.get<WorkloadDefinition>(definitions, name)) === undefined) await plane.create(definitionOf(name, { cache: { type: "redis" } }));
    await until("all to have come", async () => (await reasons()).every((reason) => reason === "Healthy"), 60_000);
  },
);
