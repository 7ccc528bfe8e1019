// Generated values that are made anew, over a simulated cluster.
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "@threeport/engine/testing";
import { instances } from "@threeport/server/testing";
import type { Dependency } from "./index.ts";
import { dependencies, fresh, openDependencyPlane, type DependencyPlane } from "./testing/dependency-plane.ts";

let home: DependencyPlane;
beforeAll(async () => {
  home = await openDependencyPlane();
});
afterAll(() => home?.[Symbol.asyncDispose]());

const rotate = (name: string, rotations: Record<string, number>) => home.ask(name, { rotations });

const cache = (id?: string) => ({
  resources: { cache: { type: "redis", ...(id === undefined ? {} : { id }) } },
  variables: { PASSWORD: "${resources.cache.password}" },
});

test("a new password is taken by the server, and exactly the pods that use it are replaced", { timeout: 90_000 }, async () => {
  const { plane } = home;
  const env = await home.place();
  const namespace = `default-${env}`;
  const [first, second, other, without] = [fresh("first"), fresh("second"), fresh("other"), fresh("without")];
  await home.deploy(first, env, cache("common"));
  await home.deploy(second, env, cache("common"));
  await home.deploy(other, env, cache());
  await home.deploy(without, env, { resources: {}, variables: { A: "b" } });
  for (const name of [first, second, other, without]) await plane.ready(instances, name);
  const running = async () => ({
    server: await home.pods(namespace, "common-redis"),
    first: await home.pods(namespace, first),
    second: await home.pods(namespace, second),
    other: await home.pods(namespace, other),
    without: await home.pods(namespace, without),
  });
  const before = await running();
  const password = await home.secretValue(namespace, "common-redis", "password");
  const name = `${env}.redis.common`;
  await rotate(name, { password: 1 });
  const now = await until("the workloads to have the new password", async () => {
    const value = await home.secretValue(namespace, `${first}-resource-cache`, "password");
    return value !== password && value === (await home.secretValue(namespace, `${second}-resource-cache`, "password")) ? value : undefined;
  });
  expect(now).toMatch(/^[A-Za-z0-9]{24}$/);
  expect(await home.secretValue(namespace, "common-redis", "password")).toBe(now);
  for (const each of [first, second]) await plane.ready(instances, each);
  const after = await until("all of the pods to be new", async () => {
    const found = await running();
    const replaced = (["server", "first", "second"] as const).every((each) => found[each].length === 1 && found[each][0] !== before[each][0]);
    return replaced ? found : undefined;
  });
  expect({ other: after.other, without: after.without }).toEqual({ other: before.other, without: before.without });
  // Looked at again, for whatever reason, it is what it is.
  const generated = { apiVersion: "v1", kind: "Secret", namespaced: true };
  const secret = await plane.get(generated, `dependency-${name}-generated`);
  expect(secret?.metadata.annotations).toEqual({ "threeport.io/rotations": "password=1" });
  await rotate(name, { password: 1 });
  await plane.restart();
  await plane.ready(dependencies, name);
  expect((await plane.get(generated, `dependency-${name}-generated`))?.metadata.resourceVersion).toBe(secret?.metadata.resourceVersion);
});

test("a database gets its new password from a Job of its own, and what comes while that runs is made after it", { timeout: 90_000 }, async () => {
  const { plane } = home;
  const env = await home.place();
  const namespace = `default-${env}`;
  const name = fresh("shop");
  await home.deploy(name, env, { resources: { db: { type: "postgres" } }, variables: { PASSWORD: "${resources.db.password}" } });
  await plane.ready(instances, name);
  const key = `${env}.postgres.${name}.db`;
  const database = String((await plane.get<Dependency>(dependencies, key))?.status?.outputs?.values["name"]);
  const password = await home.secretValue(namespace, database, "password");
  expect(await home.live("batch/v1", "Job", namespace, `${database}-make`)).toBeDefined();
  await rotate(key, { password: 1 });
  await rotate(key, { password: 2 });
  // Whoever ends in between goes on where it was.
  await plane.restart();
  await until("the workload to have the last password", async () => {
    const value = await home.secretValue(namespace, `${name}-resource-db`, "password");
    const job = await home.live("batch/v1", "Job", namespace, `${database}-make-2`);
    return job !== undefined && value !== password && value === (await home.secretValue(namespace, database, "password")) ? true : undefined;
  });
  await plane.ready(dependencies, key);
  for (const gone of [`${database}-make`, `${database}-make-1`])
    await until(`Job ${gone} to go`, async () => (await home.live("batch/v1", "Job", namespace, gone)) === undefined);
});

/** What each gives for its new value: a Job that tells the server, which stays as it is, or a new pod of the server. */
test.each([
  { type: "mysql", value: "password", key: "password", told: "by a Job" },
  { type: "s3", value: "secretKey", key: "secret_key", told: "by a Job" },
  { type: "mssql", value: "password", key: "password", told: "by a Job" },
  { type: "azure-blob", value: "key", key: "account_key", told: "by its start" },
])("a new value of $type reaches the server $told, and the workload", { timeout: 90_000 }, async ({ type, value, key, told }) => {
  const { plane } = home;
  const env = await home.place();
  const namespace = `default-${env}`;
  const name = fresh("app");
  await home.deploy(name, env, { resources: { it: { type } }, variables: { V: `\${resources.it.${key}}` } });
  await plane.ready(instances, name);
  const dependency = `${env}.${type}.${name}.it`;
  const set = { apiVersion: "threeport.io/v1alpha1", kind: "ResourceSet", namespaced: true };
  const { objects } = (await plane.get(set, `dependency.${dependency}`))?.["spec"] as { objects: { kind: string; metadata: { name: string } }[] };
  const made = objects.find(({ kind }) => kind === "Secret")?.metadata.name ?? "";
  const jobs = objects.filter(({ kind }) => kind === "Job").map((job) => job.metadata.name);
  const server = async () => (await home.live("v1", "Pod", namespace, `${made}-0`))?.metadata.uid;
  const before = { output: await home.secretValue(namespace, `${name}-resource-it`, key), server: await server() };
  expect(jobs).toEqual([`${made}-make`]);
  await rotate(dependency, { [value]: 1 });
  await until("the workload to have the new value", async () => {
    const now = await home.secretValue(namespace, `${name}-resource-it`, key);
    return now !== "" && now !== before.output && now === (await home.secretValue(namespace, made, value)) ? now : undefined;
  });
  await plane.ready(dependencies, dependency);
  const job = await home.live("batch/v1", "Job", namespace, `${made}-make-1`);
  const replaced = (await server()) !== before.server;
  expect({ job: job !== undefined, replaced }).toEqual({ job: told === "by a Job", replaced: told === "by its start" });
});

test.each<[string, string, Record<string, number>, string, RegExp]>([
  [
    "postgres-instance-v1 keeps what its volume has",
    "postgres-instance.shared",
    { password: 1 },
    "spec.rotations.password",
    /does not call password rotatable/,
  ],
  ["nothing of the name is generated", "redis.common", { token: 1 }, "spec.rotations.token", /generates no token; it generates password/],
  ["a number cannot shrink", "redis.common", { password: 1 }, "spec.rotations.password", /it is 2, and can only grow/],
])("a rotation is refused when %s", { timeout: 60_000 }, async (_, suffix, rotations, field, message) => {
  const { plane } = home;
  const env = await home.place();
  const name = fresh("app");
  await home.deploy(name, env, {
    resources: { db: { type: "postgres" }, cache: { type: "redis", id: "common" } },
    variables: { A: "${resources.db.host}", B: "${resources.cache.host}" },
  });
  await plane.ready(instances, name);
  await rotate(`${env}.redis.common`, { password: 2 });
  await expect(rotate(`${env}.${suffix}`, rotations)).rejects.toMatchObject({ causes: [{ field, message: expect.stringMatching(message) as string }] });
});
