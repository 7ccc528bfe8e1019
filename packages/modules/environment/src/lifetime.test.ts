// Environments that end themselves: in order, not where something is to be kept, and not when somebody extends them in time.
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "@threeport/engine/testing";
import type { KubeObject, StoredObject } from "@threeport/resource";
import { conditionOf, definitions, environments, instances } from "@threeport/server/testing";
import type { Environment } from "./environment-kind.ts";
import { definitionOf, dependencies, environmentWhen, fresh, instanceOf, openWorld, refusal, type World } from "./testing/world.ts";

const hourMs = 3_600_000;
const cache = { resources: { cache: { type: "redis" } }, variables: { HOST: "${resources.cache.host}" } };

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world?.[Symbol.asyncDispose]());

async function eventsOf(environment: string): Promise<string[]> {
  const events = await world.plane.client.list<StoredObject & { involvedObject: { name: string }; reason: string }>({
    apiVersion: "v1",
    kind: "Event",
    namespace: "default",
  });
  return events.items.filter(({ involvedObject }) => involvedObject.name === environment).map(({ reason }) => reason);
}

test("when its time is over all that is in it goes, then it goes itself, and says so", { timeout: 120_000 }, async () => {
  const { plane } = world;
  const env = await world.place({ ttl: "4h" });
  const name = fresh("app");
  await world.deploy(name, env, cache);
  const dependency = `${env}.redis.${name}.cache`;
  const living = await plane.ready<Environment>(environments, env);
  const made = Date.parse(living.metadata.creationTimestamp ?? "");
  expect(Date.parse(living.status?.expiresAt ?? "")).toBe(made + 4 * hourMs);

  world.pass(3 * hourMs);
  await world.look(env);
  await plane.ready(environments, env);
  expect(await plane.get(instances, name)).toBeDefined();

  world.pass(hourMs);
  await world.look(env);
  await plane.gone(environments, env);
  expect(await plane.get(instances, name)).toBeUndefined();
  expect(await plane.get(dependencies, dependency)).toBeUndefined();
  expect(await plane.get(definitions, name)).toBeDefined();
  await until("the namespace to go", async () => (await world.live("v1", "Namespace", { namespace: "", name: `default-${env}` })) === undefined);
  expect(await eventsOf(env)).toContain("Expired");
});

test("it stops at what a profile keeps, takes nothing new meanwhile, and lives on when it is extended", { timeout: 120_000 }, async () => {
  const { plane } = world;
  const [profile, type] = [fresh("kept"), fresh("type")];
  await plane.create({
    apiVersion: environments.apiVersion,
    kind: "DependencyProfile",
    metadata: { name: profile },
    spec: { type, provisioner: { static: {} }, outputs: { host: { value: "h" } }, deletion: { policy: "Retain" } },
  } as KubeObject);
  const env = await world.place({ ttl: "1h" });
  const name = fresh("app");
  await world.deploy(name, env, { resources: { db: { type } }, variables: { HOST: "${resources.db.host}" } });
  world.pass(hourMs);
  await world.look(env);
  const told = await plane.reason(environments, env, "DependencyRetained");
  const dependency = `${env}.${type}.${name}.db`;
  expect(told.message).toBe(
    `its time is over (spec.ttl 1h), and profiles keep default/${dependency}: if what they hold may be lost, tptctl delete dependency/${dependency} -n default; else tptctl env extend ${env} --ttl 7d`,
  );
  expect(conditionOf(await plane.get(environments, env), "Stalled")?.status).toBe("True");
  expect(await plane.get(instances, name)).toBeUndefined();
  expect(await plane.get(dependencies, dependency)).toBeDefined();
  await until("the event", async () => ((await eventsOf(env)).includes("DependencyRetained") ? true : undefined));

  const refused = await refusal(plane.create(instanceOf(name, env, {})));
  expect(refused).toMatchObject({ code: "TP_NOT_ALLOWED" });
  expect(refused.message).toContain(`environment ${env} is ending, and takes no new deployments; tptctl env extend ${env} --ttl 4h keeps it`);

  await plane.change<Environment>(environments, env, ({ spec }) => void (spec.extendedAt = new Date().toISOString()));
  await plane.ready(environments, env);
  await plane.create(instanceOf(name, env, {}));
  await plane.ready(instances, name);
  world.pass(hourMs);
  await world.look(env);
  await plane.reason(environments, env, "DependencyRetained");
  await plane.delete(dependencies, dependency);
  await world.look(env);
  await plane.gone(environments, env);
});

test("a ttl on an environment that is old counts from now, and goes again when it is removed", { timeout: 60_000 }, async () => {
  const { plane } = world;
  const env = await world.place();
  await plane.ready(environments, env);
  world.pass(100 * hourMs);
  await plane.change<Environment>(environments, env, ({ spec }) => void (spec.ttl = "1h"));
  const counted = await environmentWhen(plane, env, ({ status }) => status?.expiresAt !== undefined);
  expect(conditionOf(counted, "Ready")?.reason).toBe("RuntimeReady");
  await plane.change<Environment>(environments, env, ({ spec }) => void delete spec.ttl);
  await environmentWhen(plane, env, ({ status }) => status?.expiresAt === undefined);
  world.pass(100 * hourMs);
  await world.look(env);
  await plane.ready(environments, env);
});

test("a time that is none is refused with its field, and an extension of nothing too", async () => {
  expect(await refusal(world.place({ ttl: "4 hours" }))).toMatchObject({
    code: "TP_INVALID",
    causes: [{ field: "spec.ttl", message: expect.stringContaining("write a duration such as 90m, 4h or 7d, from 1m to 3650d") as string }],
  });
  expect(await refusal(world.place({ ttl: "30s" }))).toMatchObject({ causes: [{ field: "spec.ttl" }] });
  expect(await refusal(world.place({ extendedAt: "2026-01-01T00:00:00Z" }))).toMatchObject({ causes: [{ field: "spec.extendedAt" }] });
});

test("an environment that is deleted with all in it tells what it waits for, in the order in which it goes", { timeout: 60_000 }, async () => {
  const { plane } = world;
  const env = await world.place();
  const name = fresh("app");
  await plane.create(definitionOf(name, cache));
  await plane.create(instanceOf(name, env, {}));
  await plane.ready(instances, name);
  await plane.change(instances, name, (object) => void (object.metadata.finalizers = [...(object.metadata.finalizers ?? []), "example.com/held"]));
  await plane.client.delete({ ...environments, name: env }, { propagationPolicy: "Foreground" });
  expect((await plane.reason(environments, env, "Deleting")).message).toBe(`waits for deployments default/${name} to go`);
  await plane.change(instances, name, (object) => {
    object.metadata.finalizers = (object.metadata.finalizers ?? []).filter((each) => each !== "example.com/held");
  });
  await plane.gone(environments, env);
});
