// Dependencies from a Score file to the cluster and back, over a simulated cluster.
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemRandom } from "@threeport/platform";
import { isErrorCode, type KubeObject, type StoredObject } from "@threeport/resource";
import { until } from "@threeport/engine/testing";
import { environment, environments, instance, instances, openTestControlPlane, runtimes, type Kind, type TestControlPlane } from "@threeport/server/testing";
import { startSimulation, workloadControllers, type Simulation } from "@threeport/sim";
import type { WorkloadInstance } from "@threeport/module-workload";
import type { Environment } from "@threeport/module-environment";
import type { Dependency, DependencyClaim, DependencyProfile } from "./index.ts";

const group = "threeport.io/v1alpha1";
const dependencies: Kind = { apiVersion: group, kind: "Dependency", namespaced: true };
const claims: Kind = { apiVersion: group, kind: "DependencyClaim", namespaced: true };
const profiles: Kind = { apiVersion: group, kind: "DependencyProfile", namespaced: false };
const definitions: Kind = { apiVersion: group, kind: "WorkloadDefinition", namespaced: true };

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

const fresh = (prefix: string): string => `${prefix}-${systemRandom.suffix(5)}`;
type Live = StoredObject & { spec: Record<string, unknown>; data?: Record<string, string> };
const live = async (apiVersion: string, kind: string, namespace: string, name: string): Promise<Live | undefined> =>
  simulation.clusters.get("one")?.objects.get<Live>({ apiVersion, kind, namespace, name });

async function place(spec: object = {}): Promise<string> {
  const name = fresh("env");
  const made = environment(name, "one");
  await plane.create({ ...made, spec: { ...(made["spec"] as object), ...spec } } as KubeObject);
  return name;
}

interface App {
  readonly resources: object;
  readonly variables: Readonly<Record<string, string>>;
}

async function deploy(name: string, env: string, { resources, variables }: App): Promise<void> {
  const document = {
    apiVersion: "score.dev/v1b1",
    metadata: { name },
    containers: { app: { image: "example.com/app:1", variables } },
    resources,
  };
  await plane.create({ apiVersion: group, kind: "WorkloadDefinition", metadata: { name, namespace: "default" }, spec: { source: { score: { document } } } });
  await plane.create(instance(name, name, { environment: env }));
}

async function remove(name: string): Promise<void> {
  await plane.delete(instances, name);
  await plane.gone(instances, name);
}

async function profile(name: string, spec: object): Promise<void> {
  await plane.create({ apiVersion: group, kind: "DependencyProfile", metadata: { name }, spec } as KubeObject);
}

/** What a deployment says of what it waits for, once that holds these words. */
const waits = (name: string, words: string | RegExp): Promise<string> =>
  until(`${name} to say ${String(words)}`, async () => {
    const { message } = await plane.reason(instances, name, "WaitingForDependency");
    if (typeof words === "string" ? message.includes(words) : words.test(message)) return message;
    throw new Error(`it says ${message}`);
  });

const environmentOf = async (namespace: string, name: string): Promise<Record<string, unknown>> => {
  const deployment = await live("apps/v1", "Deployment", namespace, name);
  const [container] = (deployment?.spec as { template: { spec: { containers: { env: { name: string; value?: string; valueFrom?: unknown }[] }[] } } }).template
    .spec.containers;
  return Object.fromEntries((container?.env ?? []).map(({ name: key, value, valueFrom }) => [key, value ?? valueFrom]));
};

test("a database and a cache are made for a workload, wired into it without their passwords being seen, and go with it", { timeout: 90_000 }, async () => {
  const env = await place();
  const namespace = `default-${env}`;
  const name = fresh("shop");
  await deploy(name, env, {
    resources: { db: { type: "postgres" }, cache: { type: "redis" } },
    variables: {
      DATABASE: "postgres://${resources.db.username}:${resources.db.password}@${resources.db.host}:${resources.db.port}/${resources.db.name}",
      CACHE: "${resources.cache.host}:${resources.cache.port}",
      CACHE_PASSWORD: "${resources.cache.password}",
    },
  });
  const ready = await plane.ready<WorkloadInstance>(instances, name);
  expect(ready.status?.claims).toEqual([`${name}.cache`, `${name}.db`]);
  const found = await environmentOf(namespace, name);
  const cacheName = (await plane.get<Dependency>(dependencies, `${env}.redis.${name}.cache`))?.status?.outputs?.values["host"];
  expect(found["CACHE"]).toBe(`${String(cacheName)}:6379`);
  expect(found["CACHE_PASSWORD"]).toEqual({ secretKeyRef: { name: `${name}-resource-cache`, key: "password" } });
  expect(found["DATABASE"]).toMatch(/^postgres:\/\/[a-z0-9-]+:\$\(THREEPORT_REF_0\)@shared-postgres-instance-[0-9a-f]{5}\.\S+\.svc:5432\//);
  const password = Buffer.from((await live("v1", "Secret", namespace, `${name}-resource-db`))?.data?.["password"] ?? "", "base64").toString();
  expect(password).toMatch(/^[A-Za-z0-9]{24}$/);
  // The server that databases share is a dependency of the database, and claimed by it.
  const database = await plane.ready<Dependency>(dependencies, `${env}.postgres.${name}.db`);
  expect(database.spec).toMatchObject({ profile: "postgres-v1", runtime: "one" });
  expect(database.status).toMatchObject({
    users: [`${name}.db`],
    candidates: [{ profile: "postgres-v1", chosen: true, reason: "the only one that fits" }],
  });
  const texts = [database, await plane.get(claims, `${name}.db`), await plane.get(instances, name), await plane.get(definitions, name)];
  expect(texts.map((each) => JSON.stringify(each)).filter((text) => text.includes(password))).toEqual([]);

  await remove(name);
  await plane.gone(dependencies, `${env}.postgres.${name}.db`);
  await plane.gone(dependencies, `${env}.redis.${name}.cache`);
  await until(
    "the cache to leave the cluster",
    async () => (await live("apps/v1", "StatefulSet", namespace, String(cacheName).split(".")[0] ?? "")) === undefined,
  );
  // Ten minutes of grace: the next database finds its server.
  await until("it to be unused", async () => (await plane.get<Dependency>(dependencies, `${env}.postgres-instance.shared`))?.status?.unusedSince);
  await plane.client.delete({ apiVersion: group, kind: "Dependency", namespace: "default", name: `${env}.postgres-instance.shared` });
  await plane.gone(dependencies, `${env}.postgres-instance.shared`);
  await until("the namespace to go", async () => (await live("v1", "Namespace", "", namespace)) === undefined);
});

test(
  "two workloads share what has one id; it stays with the second when the first goes; other params are a conflict that names both",
  { timeout: 90_000 },
  async () => {
    const env = await place();
    const [first, second, third] = [fresh("a"), fresh("b"), fresh("c")];
    const resources = (params?: object) => ({ cache: { type: "redis", id: "common", ...(params === undefined ? {} : { params }) } });
    const variables = { HOST: "${resources.cache.host}" };
    await deploy(first, env, { resources: resources({ storage: "2Gi" }), variables });
    await plane.ready(instances, first);
    await deploy(second, env, { resources: resources(), variables });
    await plane.ready(instances, second);
    const shared = await plane.get<Dependency>(dependencies, `${env}.redis.common`);
    expect(shared?.status?.users).toEqual([`${first}.cache`, `${second}.cache`].toSorted());
    expect(await environmentOf(`default-${env}`, first)).toEqual(await environmentOf(`default-${env}`, second));
    await deploy(third, env, { resources: resources({ storage: "2Gi", note: "ours" }), variables });
    await waits(
      third,
      `waits for redis cache: workload ${first} (cache) gives redis common other params than workload ${third} (cache): give them in one of both, give the same in both, or another id`,
    );
    const inUse = await plane.client
      .delete({ apiVersion: group, kind: "Dependency", namespace: "default", name: `${env}.redis.common` })
      .catch((error: unknown) => error);
    expect(isErrorCode(inUse, "TP_IN_USE")).toBe(true);
    await remove(first);
    // Now nobody else gives params.
    await plane.ready(instances, third);
    expect((await plane.get<Dependency>(dependencies, `${env}.redis.common`))?.spec.params).toEqual({ storage: "2Gi", note: "ours" });
    await remove(third);
    await plane.ready(instances, second);
    await remove(second);
    await plane.gone(dependencies, `${env}.redis.common`);
  },
);

test("a profile of operations wins where it fits: the same file gets what is there already, and nothing is made", { timeout: 60_000 }, async () => {
  const env = await place({ tier: "production" });
  const other = await place();
  const secretName = fresh("company-redis");
  await profile(secretName, {
    type: "redis",
    match: { environments: [env] },
    provisioner: { static: {} },
    outputs: {
      host: { value: "redis.example.com" },
      port: { value: 6380 },
      username: { value: "${environment.tier}" },
      password: { secretRef: { namespace: "default", name: secretName, key: "password" } },
    },
  });
  const app = {
    resources: { cache: { type: "redis" } },
    variables: { HOST: "${resources.cache.username}@${resources.cache.host}:${resources.cache.port}", PASSWORD: "${resources.cache.password}" },
  };
  const [here, there] = [fresh("here"), fresh("there")];
  await deploy(here, env, app);
  await deploy(there, other, app);
  await waits(here, `output password: there is no Secret default/${secretName}`);
  await plane.create({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: secretName, namespace: "default" },
    stringData: { password: "known to operations" },
  });
  await plane.ready(instances, here);
  await plane.ready(instances, there);
  expect((await environmentOf(`default-${env}`, here))["HOST"]).toBe("production@redis.example.com:6380");
  expect(Buffer.from((await live("v1", "Secret", `default-${env}`, `${here}-resource-cache`))?.data?.["password"] ?? "", "base64").toString()).toBe(
    "known to operations",
  );
  expect((await environmentOf(`default-${other}`, there))["HOST"]).toMatch(/^default@\S+\.svc:6379$/);
  const { candidates } = (await plane.get<Dependency>(dependencies, `${other}.redis.${there}.cache`))?.status ?? {};
  expect(candidates?.map(({ chosen, reason }) => `${chosen} ${reason}`)).toEqual([
    "true the only one that fits",
    `false is for the environments ${env}, and this is ${other}`,
  ]);
});

test("what cannot be met says what was looked for, and is met as soon as it can be; wrong params name their field", { timeout: 90_000 }, async () => {
  const env = await place();
  const name = fresh("odd");
  const type = fresh("oracle");
  await deploy(name, env, { resources: { db: { type } }, variables: { URL: "${resources.db.url}" } });
  await waits(
    name,
    `waits for ${type} db: there is no DependencyProfile of type ${type}; tptctl get profiles lists what there is, and operations can write one`,
  );
  await profile(fresh("oracle"), { type, provisioner: { static: {} }, outputs: { address: { value: "x" } } });
  const missing = await plane.reason(instances, name, "ScoreInvalid");
  expect(missing.message).toContain("${resources.db.url}: resource db has no url here");
  const [sized, wrong] = [fresh("sized"), fresh("wrong")];
  await profile(fresh("sized"), {
    type: sized,
    params: { properties: { size: { type: "integer", minimum: 1 } }, required: ["size"] },
    provisioner: { static: {} },
    outputs: { size: { value: "${params.size}" } },
  });
  await deploy(wrong, env, { resources: { it: { type: sized, params: { size: "big" } } }, variables: { SIZE: "${resources.it.size}" } });
  await waits(wrong, /waits for \S+ it: params\.size: .*integer/);
});

test.each<[string, object, string, RegExp]>([
  ["no provisioner", { provisioner: {} }, "spec.provisioner", /say how it is met/],
  ["a broken expression", { provisioner: { static: {} }, outputs: { host: { value: "${name +}" } } }, "spec.outputs.host.value", /name \+/],
  ["an unknown variable", { provisioner: { manifests: { objects: [{ kind: "${nobody}" }] } } }, "spec.provisioner.manifests.objects[0].kind", /nobody/i],
  ["an output of two sorts", { provisioner: { static: {} }, outputs: { host: {} } }, "spec.outputs.host", /write one of value and secretRef/],
  ["a generator that is none", { provisioner: { static: {} }, generated: { key: "random()" } }, "spec.generated.key", /write password\(N\)/],
])("a profile with %s is refused, with its field", async (_, spec, field, message) => {
  const refused = profile(fresh("bad"), { type: "redis", ...spec });
  await expect(refused).rejects.toMatchObject({ code: "TP_INVALID", causes: [{ field, message: expect.stringMatching(message) as string }] });
});

test("a profile that would show a secret value is stopped before anybody sees it", { timeout: 60_000 }, async () => {
  const env = await place();
  const [name, type] = [fresh("leaky"), fresh("leak")];
  await profile(fresh("leak"), {
    type,
    generated: { password: "password(24)" },
    provisioner: {
      manifests: { objects: [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "${name}" }, data: { url: "x://u:${generated.password}@h" } }] },
    },
    outputs: {},
  });
  await deploy(name, env, { resources: { it: { type } }, variables: {} });
  const told = await waits(name, "spec.provisioner.manifests.objects[0].data.url: ConfigMap ");
  expect(told).toContain("holds generated.password, which is secret: put it into a Secret");
});

test("what a profile retains stays without users, and the profile with it, until somebody deletes it", { timeout: 60_000 }, async () => {
  const env = await place();
  const [name, type] = [fresh("keeper"), fresh("ledger")];
  const keeping = fresh("ledger");
  const objects = [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "${name}" }, data: { a: "b" } }];
  await profile(keeping, { type, provisioner: { manifests: { objects } }, outputs: { name: { value: "${name}" } }, deletion: { policy: "Retain" } });
  await deploy(name, env, { resources: { it: { type } }, variables: { NAME: "${resources.it.name}" } });
  await plane.ready(instances, name);
  await remove(name);
  const key = `${env}.${type}.${name}.it`;
  const unused = async () => (await plane.get<Dependency>(dependencies, key))?.status;
  await until("it to be unused", async () => (await unused())?.unusedSince);
  await expect(plane.delete(profiles, keeping)).rejects.toMatchObject({ code: "TP_IN_USE", message: expect.stringContaining(key) as string });
  expect((await plane.get(dependencies, key))?.metadata.deletionTimestamp).toBeUndefined();
  await plane.delete(dependencies, key, "default");
  await plane.gone(dependencies, key);
  await plane.delete(profiles, keeping);
  await until("the namespace to go", async () => (await live("v1", "Namespace", "", `default-${env}`)) === undefined);
});

test("a dependency whose profile is not there stays: nobody knows whether what it holds may go", { timeout: 60_000 }, async () => {
  const env = await place();
  const [key, type] = [fresh("orphan"), fresh("ledger")];
  const spec = { environment: env, targetNamespace: `default-${env}`, type, class: "default", id: "common", profile: "nobody" };
  await plane.create({ apiVersion: group, kind: "Dependency", metadata: { name: key, namespace: "default" }, spec } as KubeObject);
  expect((await plane.reason(dependencies, key, "ProfileNotFound")).message).toContain("What was made by it stays");
  await plane.change<Environment & StoredObject>(environments, env, (object) => void (object.spec.variables = { WAKE: "up" }));
  await until("it to be unused", async () => (await plane.get<Dependency>(dependencies, key))?.status?.unusedSince);
  expect((await plane.get(dependencies, key))?.metadata.deletionTimestamp).toBeUndefined();
  await plane.delete(dependencies, key);
  await plane.gone(dependencies, key);
});

test("what a profile makes pulls its images with the credentials of the environment", { timeout: 60_000 }, async () => {
  const pull = fresh("pull");
  await plane.create({ apiVersion: "v1", kind: "Secret", metadata: { name: pull, namespace: "default" }, stringData: { username: "u", password: "p" } });
  const env = await place({ registries: [{ server: "registry.example.com", secretRef: { namespace: "default", name: pull } }] });
  const name = fresh("pulling");
  await deploy(name, env, { resources: { cache: { type: "redis", id: "common" } }, variables: { HOST: "${resources.cache.host}" } });
  await plane.ready(instances, name);
  expect(await live("apps/v1", "StatefulSet", `default-${env}`, "common-redis")).toMatchObject({
    spec: { template: { spec: { imagePullSecrets: [{ name: "threeport-registries" }] } } },
  });
});

test("built-in profiles are there, and cannot be changed: what was bound to them stays what it was", async () => {
  const postgres = await plane.get<DependencyProfile>(profiles, "postgres-v1");
  expect(postgres?.metadata.labels).toEqual({ "threeport.io/built-in": "true" });
  const changed = plane.client.update({ apiVersion: group, kind: "DependencyProfile", name: "postgres-v1" }, {
    ...postgres,
    spec: { ...postgres?.spec, priority: 5 },
  } as KubeObject);
  await expect(changed).rejects.toMatchObject({ code: "TP_INVALID", causes: [{ field: "spec" }] });
});

test("a resource that leaves the file leaves the cluster, and one that changes its type is another one", { timeout: 90_000 }, async () => {
  const env = await place();
  const name = fresh("moving");
  const app = (resources: object, variables: Record<string, string>) => ({
    source: {
      score: {
        document: { apiVersion: "score.dev/v1b1", metadata: { name }, containers: { app: { image: "example.com/app:1", variables } }, resources },
      },
    },
  });
  await deploy(name, env, { resources: { store: { type: "redis" } }, variables: { HOST: "${resources.store.host}" } });
  await plane.ready(instances, name);
  const change = (spec: object) => plane.change<KubeObject & StoredObject>(definitions, name, (object) => void (object["spec"] = spec));
  await change(app({ store: { type: "postgres" } }, { HOST: "${resources.store.host}" }));
  await plane.gone(dependencies, `${env}.redis.${name}.store`);
  await plane.ready(dependencies, `${env}.postgres.${name}.store`);
  await plane.ready(definitions, name);
  expect((await plane.get<DependencyClaim>(claims, `${name}.store`))?.spec.type).toBe("postgres");
  await change(app({}, { HOST: "none" }));
  await plane.gone(dependencies, `${env}.postgres.${name}.store`);
  expect((await plane.ready<WorkloadInstance>(instances, name)).status?.claims).toBeUndefined();
});
