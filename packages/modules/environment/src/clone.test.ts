// Clones: what they take, that it is taken once, and that nobody gains anything by one.
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "@threeport/engine/testing";
import type { WorkloadInstance } from "@threeport/module-workload";
import type { KubeObject } from "@threeport/resource";
import { environments, instances } from "@threeport/server/testing";
import type { Environment } from "./environment-kind.ts";
import { definitionOf, dependencies, environmentWhen, fresh, instanceOf, openWorld, refusal, type World } from "./testing/world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld(["one", "two"]);
});
afterAll(() => world?.[Symbol.asyncDispose]());

const { apiVersion, kind } = environments;
const cloneOf = (from: string, spec: object = {}, metadata: object = {}): KubeObject & { metadata: { name: string } } =>
  ({ apiVersion, kind, metadata: { name: fresh("pr"), ...metadata }, spec: { cloneOf: { environment: from }, project: "default", ...spec } }) as KubeObject;
async function clone(from: string, spec: object = {}): Promise<string> {
  const made = cloneOf(from, spec);
  await world.plane.create(made);
  return made.metadata.name;
}
const secretOf = async (env: string, name: string): Promise<string> => {
  const secret = await world.live("v1", "Secret", { namespace: `default-${env}`, name: `${name}-resource-cache` });
  return JSON.stringify(secret?.data);
};

test("a clone takes what the other one says and what its project runs there, with dependencies of its own, once", { timeout: 120_000 }, async () => {
  const { plane } = world;
  const dev = await world.place({ variables: { LEVEL: "debug" }, quota: { workloads: 9 }, baseDomain: "dev.example.com", tier: "staging" });
  const [web, aside, theirs] = [fresh("web"), fresh("aside"), fresh("theirs")];
  const cache = {
    resources: { cache: { type: "redis" }, env: { type: "environment" } },
    variables: { PASSWORD: "${resources.cache.password}", LEVEL: "${resources.env.LEVEL}" },
  };
  const values = { containers: { app: { variables: { EXTRA: "1" } } } };
  await world.deploy(web, dev, { ...cache, as: `${web}-${dev}`, spec: { replicas: 2, values } });
  await world.deploy(aside, dev, { as: aside, spec: { release: `${aside}-1`, targetNamespace: fresh("ns") } });
  await plane.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: theirs } });
  await world.deploy(theirs, dev, { project: theirs });

  const pr = await clone(dev);
  const made = await environmentWhen(plane, pr, ({ status }) => status?.clone !== undefined);
  const [webCopy, asideCopy] = [`${web}-${pr}`, `${aside}-${pr}`];
  expect(made.status?.clone).toMatchObject({ environment: dev, deployments: [asideCopy, webCopy].toSorted() });
  expect(made.spec).toMatchObject({
    runtime: "one",
    tier: "development",
    baseDomain: "dev.example.com",
    variables: { LEVEL: "debug" },
    quota: { workloads: 9 },
    cloneOf: { environment: dev, generation: (await plane.get<Environment>(environments, dev))?.metadata.generation },
  });
  await plane.ready(environments, pr);
  const copied = await plane.ready<WorkloadInstance>(instances, webCopy);
  expect(copied.spec).toMatchObject({ definition: web, environment: pr, release: "latest", replicas: 2, values });
  const other = await plane.ready<WorkloadInstance>(instances, asideCopy);
  const before = await plane.get<WorkloadInstance>(instances, aside);
  expect(other.spec).toMatchObject({ release: `${aside}-1`, targetNamespace: `${before?.spec.targetNamespace ?? ""}-${pr}` });
  expect(await plane.get(instances, `${theirs}-${pr}`, theirs)).toBeUndefined();

  await plane.ready(dependencies, `${pr}.redis.${web}.cache`);
  expect(await secretOf(pr, web)).not.toBe(await secretOf(dev, web));
  const deployment = await world.live("apps/v1", "Deployment", { namespace: `default-${pr}`, name: web });
  expect(JSON.stringify(deployment?.spec)).toContain('{"name":"LEVEL","value":"debug"}');

  // What is taken is taken: neither a change of the other one nor its end moves anything here.
  await plane.change<Environment>(environments, dev, ({ spec }) => void (spec.variables = { LEVEL: "other" }));
  await world.deploy(fresh("later"), dev);
  await plane.delete(instances, webCopy);
  await plane.gone(instances, webCopy);
  await world.look(pr);
  await plane.client.delete({ apiVersion, kind, name: dev }, { propagationPolicy: "Foreground" });
  await plane.gone(environments, dev);
  const now = await plane.ready<Environment>(environments, pr);
  expect([now.spec.variables, now.status?.clone]).toEqual([{ LEVEL: "debug" }, made.status?.clone]);
  expect(await plane.get(instances, webCopy)).toBeUndefined();
  await plane.ready(instances, asideCopy);
});

test("what a clone says itself comes first; rights in one cluster are none in another", { timeout: 60_000 }, async () => {
  const { plane } = world;
  const allow = { podSecurity: "privileged" };
  const dev = await world.place({ variables: { A: "1", B: "1" }, allow, defaults: { replicas: 2 }, dependencies: { deniedTypes: ["redis"] } });
  const own = await clone(dev, { variables: { B: "2" }, baseDomain: "pr.example.com", defaults: { replicas: 3 }, runtime: "two", ttl: "4h" });
  const there = await environmentWhen(plane, own, ({ status }) => status?.clone !== undefined);
  expect(there.spec).toMatchObject({ runtime: "two", variables: { A: "1", B: "2" }, baseDomain: "pr.example.com", defaults: { replicas: 3 }, ttl: "4h" });
  expect(there.spec).toMatchObject({ dependencies: { deniedTypes: ["redis"] } });
  expect(there.spec.allow).toBeUndefined();
  const same = await environmentWhen(plane, await clone(dev), ({ status }) => status?.clone !== undefined);
  expect(same.spec.allow).toEqual(allow);
  // The manifest that made it does not undo what was taken, however it is written.
  await plane.client.apply(
    { apiVersion, kind, metadata: { name: own }, spec: { cloneOf: { environment: dev }, project: "default", runtime: "two", ttl: "8h" } } as KubeObject,
    {
      fieldManager: "kubectl",
      force: true,
    },
  );
  await plane.change<Environment>(environments, own, ({ spec }) => {
    spec.cloneOf = { environment: dev };
    spec.baseDomain = "";
  });
  const later = await environmentWhen(plane, own, ({ spec }) => spec.ttl === "8h");
  expect(later.spec).toMatchObject({ cloneOf: there.spec.cloneOf, baseDomain: "pr.example.com", runtime: "two" });
});

test("a name that is in the way is told, and the clone goes on when it is free", { timeout: 60_000 }, async () => {
  const { plane } = world;
  const [dev, elsewhere] = [await world.place(), await world.place()];
  const web = fresh("web");
  await world.deploy(web, dev, { as: `${web}-${dev}` });
  const made = cloneOf(dev);
  const name = `${web}-${made.metadata.name}`;
  await plane.create(instanceOf(web, elsewhere, { as: name }));
  await plane.create(made);
  expect((await plane.reason(environments, made.metadata.name, "CloneNameTaken")).message).toContain(
    `there is a deployment default/${name} of workload ${web} in environment ${elsewhere}, where the clone of ${dev} would have one`,
  );
  await plane.delete(instances, name);
  await plane.gone(instances, name);
  await plane.ready(environments, made.metadata.name);
  expect((await plane.ready<WorkloadInstance>(instances, name)).spec.environment).toBe(made.metadata.name);
});

test("an environment of one project takes nothing of others", { timeout: 60_000 }, async () => {
  const { plane } = world;
  const project = fresh("shop");
  await plane.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: project } });
  const env = await world.place({ project });
  const name = fresh("app");
  await plane.create(definitionOf(name, {}));
  const refused = await refusal(plane.create(instanceOf(name, env, {})));
  expect(refused).toMatchObject({ code: "TP_NOT_ALLOWED" });
  expect(refused.message).toContain(
    `environment ${env} belongs to project ${project}, and takes nothing of project default; deploy to another environment (tptctl env list)`,
  );
  await plane.create(definitionOf(name, { project }));
  await plane.create(instanceOf(name, env, { project }));
  expect(await refusal(plane.client.patch({ apiVersion, kind, name: env }, { spec: { project: null } }))).toMatchObject({
    causes: [{ field: "spec.project" }],
  });
  expect(await refusal(plane.create(cloneOf(env)))).toMatchObject({ code: "TP_NOT_ALLOWED" });
  // One that came before the environment did is held by its reconciler.
  const [early, late] = [fresh("early"), fresh("env")];
  await plane.create(definitionOf(early, {}));
  await plane.create(instanceOf(early, late, {}));
  await plane.create({ apiVersion, kind, metadata: { name: late }, spec: { runtime: "one", project } } as KubeObject);
  await plane.reason(instances, early, "NotOfProject");
});

test.each([
  ["without a project", { project: undefined }, "spec.project"],
  ["that allows more", { allow: { podSecurity: "privileged" } }, "spec.allow"],
  ["with a quota of its own", { quota: { workloads: 100 } }, "spec.quota"],
  ["with other dependencies", { dependencies: {} }, "spec.dependencies"],
  ["that says what it has taken", { cloneOf: { environment: "dev", generation: 1 } }, "spec.cloneOf.generation"],
])("a clone %s is refused with the field", async (_, spec, field) => {
  expect(await refusal(clone("dev", spec))).toMatchObject({ code: "TP_INVALID", causes: [{ field }] });
});

test("whoever may only create environments makes clones, of what he may clone, and gains nothing by it", { timeout: 90_000 }, async () => {
  const { plane } = world;
  const rbac = "rbac.authorization.k8s.io";
  const jane = fresh("jane");
  const subjects = [{ apiGroup: rbac, kind: "User", name: jane }];
  const bind = (kindOf: string, role: { kind: string; name: string }) =>
    plane.create({
      apiVersion: `${rbac}/v1`,
      kind: kindOf,
      metadata: { name: fresh("b"), ...(kindOf === "RoleBinding" ? { namespace: "default" } : {}) },
      roleRef: { apiGroup: rbac, ...role },
      subjects,
    } as KubeObject);
  const [dev, closed] = [await world.place({}, { labels: { data: "mine" } }), fresh("pull")];
  const role = fresh("cloner");
  await plane.create({
    apiVersion: `${rbac}/v1`,
    kind: "ClusterRole",
    metadata: { name: role },
    rules: [
      { apiGroups: ["threeport.io"], resources: ["environments"], verbs: ["create"] },
      { apiGroups: ["threeport.io"], resources: ["environments"], verbs: ["clone"], resourceNames: [dev] },
    ],
  } as KubeObject);
  await bind("ClusterRoleBinding", { kind: "ClusterRole", name: role });
  await bind("ClusterRoleBinding", { kind: "ClusterRole", name: "threeport:environment-user" });
  const as = { headers: { "impersonate-user": jane } };
  const write = (object: KubeObject) => plane.client.create({ apiVersion, kind }, object, as);
  const says = async (object: KubeObject): Promise<string> => (await refusal(write(object))).message;

  const noDeployments = `cannot create resource "workloadinstances" in API group "threeport.io" in the namespace "default"`;
  await until("her rights to be in force", async () => (await says(cloneOf(dev))).includes(noDeployments));
  await bind("RoleBinding", { kind: "ClusterRole", name: "edit" });
  await until("a clone", () => write(cloneOf(dev)));

  const plain = { apiVersion, kind, metadata: { name: fresh("env") }, spec: { runtime: "one", allow: { podSecurity: "privileged" } } } as KubeObject;
  expect(await says(plain)).toMatch(/cannot update resource "environments".*only clones can be made/);
  const other = await world.place();
  expect(await says(cloneOf(other))).toMatch(/cannot clone resource "environments"/);
  expect(await says(cloneOf(dev, { tier: "production" }))).toContain(`a clone of ${dev} is at most development, as that is, and not production`);
  expect(await says(cloneOf("nowhere"))).toMatch(/cannot clone resource "environments"/);

  await plane.create({
    apiVersion,
    kind: "DependencyProfile",
    metadata: { name: fresh("p") },
    spec: { type: fresh("t"), match: { labels: { data: "theirs" } }, provisioner: { static: {} } },
  } as KubeObject);
  expect(await says(cloneOf(dev, {}, { labels: { data: "theirs", pr: "42" } }))).toContain("label data decides which DependencyProfiles fit");
  await write(cloneOf(dev, {}, { labels: { data: "mine", pr: "42" } }));

  const registries = [{ server: "ghcr.io", secretRef: { namespace: "ops", name: closed } }];
  await plane.change<Environment>(environments, dev, ({ spec }) => void (spec.registries = registries));
  expect(await says(cloneOf(dev))).toMatch(/cannot get resource "secrets".*spec.registries: \[\] clones it without/);
  await write(cloneOf(dev, { registries: [] }));
});

test("who clones deploys again what reads Secrets, and must be allowed to read them", { timeout: 90_000 }, async () => {
  const { plane } = world;
  const rbac = "rbac.authorization.k8s.io";
  const [jane, payment, name, dev] = [fresh("jane"), fresh("payment"), fresh("app"), await world.place()];
  await plane.create({ apiVersion: "v1", kind: "Secret", metadata: { name: payment, namespace: "default" }, stringData: { token: "x" } });
  await world.deploy(name, dev, { resources: { pay: { type: "secret", params: { name: payment } } }, variables: { T: "${resources.pay.token}" } });
  const subjects = [{ apiGroup: rbac, kind: "User", name: jane }];
  await plane.create({
    apiVersion: `${rbac}/v1`,
    kind: "ClusterRole",
    metadata: { name: jane },
    rules: [{ apiGroups: ["threeport.io"], resources: ["workloadinstances"], verbs: ["create"] }],
  } as KubeObject);
  for (const role of [jane, "threeport:environment-cloner"])
    await plane.create({
      apiVersion: `${rbac}/v1`,
      kind: "ClusterRoleBinding",
      metadata: { name: fresh("b") },
      roleRef: { apiGroup: rbac, kind: "ClusterRole", name: role },
      subjects,
    } as KubeObject);
  const write = () => plane.client.create({ apiVersion, kind }, cloneOf(dev), { headers: { "impersonate-user": jane } });
  await until("the Secret to be asked for", async () =>
    (await refusal(write())).message.includes(`secrets "${payment}" is forbidden: User "${jane}" cannot get`),
  );
});
