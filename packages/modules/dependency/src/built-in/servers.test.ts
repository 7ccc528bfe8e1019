// Servers in simulated clusters: one of its own, or one that an environment shares and what each workload needs by itself.
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "@threeport/engine/testing";
import { instances } from "@threeport/server/testing";
import { dependencies, fresh, openWorld, type World } from "../testing/world.ts";
import type { Dependency } from "../index.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world?.[Symbol.asyncDispose]());

/** Outputs, and those of them that must differ between two workloads. */
const types = [
  { type: "mysql", server: "mysql-instance", outputs: ["host", "port", "name", "database", "username", "password"], own: ["name", "username", "password"] },
  {
    type: "s3",
    server: "s3-instance",
    outputs: ["bucket", "endpoint", "region", "access_key_id", "secret_key", "aws_access_key_id", "aws_secret_key", "aws_secret_access_key"],
    own: ["bucket", "access_key_id", "secret_key"],
  },
  { type: "kafka-topic", server: "kafka-instance", outputs: ["host", "port", "name", "num_partitions"], own: ["name"] },
];

test.each(types)(
  "two workloads have a $type each on one server, and it stays while one of them uses it",
  { timeout: 90_000 },
  async ({ type, server, outputs, own }) => {
    const { plane } = world;
    const env = await world.place();
    const app = { resources: { it: { type } }, variables: Object.fromEntries(outputs.map((output) => [output.toUpperCase(), `\${resources.it.${output}}`])) };
    // Longer than a name of a MySQL user may be.
    const names = [fresh("first"), fresh("second-one-of-them-with-a-long-name")];
    for (const name of names) await world.deploy(name, env, app);
    const found: Record<string, string>[] = [];
    for (const name of names) {
      await plane.ready(instances, name);
      found.push(await world.variables(env, name));
    }
    const [first = {}, second = {}] = found;
    expect(Object.keys(first).toSorted()).toEqual(outputs.map((output) => output.toUpperCase()).toSorted());
    expect(Object.values(first).filter((value) => value === "")).toEqual([]);
    const different = Object.keys(first).filter((name) => first[name] !== second[name]);
    expect(different).toEqual(expect.arrayContaining(own.map((output) => output.toUpperCase())));
    for (const { USERNAME = "" } of found) expect(USERNAME.length).toBeLessThanOrEqual(32);
    const usersOf = async () => (await plane.get<Dependency>(dependencies, `${env}.${server}.shared`))?.status?.users;
    const use = (name = ""): string => `${env}.${type}.${name}.it.instance`;
    await until("both to use the server", async () => isDeepStrictEqual(await usersOf(), names.map(use).toSorted()));
    await world.remove(names[0] ?? "");
    await plane.gone(dependencies, `${env}.${type}.${String(names[0])}.it`);
    await until("the other one to use it alone", async () => isDeepStrictEqual(await usersOf(), [use(names[1])]));
    await plane.ready(instances, names[1] ?? "");
  },
);

test("a workload gets one of each server that is its own", { timeout: 120_000 }, async () => {
  const { plane } = world;
  const env = await world.place();
  const name = fresh("everything");
  const read = {
    amqp: "vhost",
    "azure-blob": "connection_string",
    elasticsearch: "password",
    "gcp-pubsub-emulator": "emulator_host",
    "llm-model": "api-key",
    mongodb: "connection",
    mssql: "connection",
    redis: "password",
  };
  const resources = Object.fromEntries(Object.keys(read).map((type) => [type, { type }]));
  const variables = Object.fromEntries(Object.entries(read).map(([type, output], index) => [`V${index}`, `\${resources.${type}.${output}}`]));
  await world.deploy(name, env, { resources, variables });
  await plane.ready(instances, name);
  const [vhost, blob = "", password, pubsub, key, , sql] = Object.values(await world.variables(env, name));
  expect([vhost, key]).toEqual(["app", "not-needed"]);
  expect(blob).toMatch(/^DefaultEndpointsProtocol=http;AccountName=app;AccountKey=[A-Za-z0-9]{88};BlobEndpoint=http:\/\/\S+\.svc:10000\/app;$/);
  expect(password).toMatch(/^[A-Za-z0-9]{24}$/);
  expect(pubsub).toMatch(/^\S+\.svc:8085$/);
  expect(sql).toMatch(/^Server=tcp:\S+\.svc,1433;Initial Catalog=app;User ID=app;Password=Aa1[A-Za-z0-9]{24};/);
});

test("a workload in a namespace of its own gets what is on the environment's server", { timeout: 90_000 }, async () => {
  const { plane } = world;
  const env = await world.place();
  const app = { resources: { it: { type: "postgres" } }, variables: { PASSWORD: "${resources.it.password}", HOST: "${resources.it.host}" } };
  const [first, second, namespace] = [fresh("first"), fresh("second"), fresh("ns")];
  await world.deploy(first, env, app);
  await plane.ready(instances, first);
  await world.deploy(second, env, app, { targetNamespace: namespace });
  await plane.ready(instances, second);
  const name = (await plane.get<Dependency>(dependencies, `${env}.postgres.${second}.it`))?.status?.outputs?.values["name"];
  // The Secret that the Job reads must be where the Job is.
  const job = await world.live("batch/v1", "Job", { namespace, name: `${String(name)}-make` });
  const secrets = [...JSON.stringify(job?.spec).matchAll(/"secretKeyRef":\{"name":"([^"]+)"/g)].map(([, each]) => each);
  expect(new Set(secrets)).toEqual(new Set([name]));
  expect(Object.keys((await world.live("v1", "Secret", { namespace, name: String(name) }))?.data ?? {}).toSorted()).toEqual(["admin", "password"]);
});
