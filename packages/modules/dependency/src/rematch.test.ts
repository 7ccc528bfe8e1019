// Dependencies that get another profile, over a simulated cluster.
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "@threeport/engine/testing";
import { instances } from "@threeport/server/testing";
import type { Dependency } from "./index.ts";
import { claims, dependencies, fresh, openDependencyPlane, type DependencyPlane } from "./testing/dependency-plane.ts";

let home: DependencyPlane;
beforeAll(async () => {
  home = await openDependencyPlane();
});
afterAll(() => home?.[Symbol.asyncDispose]());

/** In the cluster with a password, and something that it requires. */
const own = (env: string, value: string) => ({
  type: "redis",
  match: { environments: [env] },
  generated: { password: "password(40)" },
  requires: { instance: { type: "postgres-instance", id: "shared" } },
  provisioner: {
    manifests: { objects: [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "${name}" }, data: { from: "${requires.instance.host}" } }] },
  },
  outputs: { host: { value }, password: { value: "${generated.password}", secret: true } },
});

test("what the old profile made goes with its volume, then the new one makes its own, and users get what that gives", { timeout: 90_000 }, async () => {
  const { plane } = home;
  const env = await home.place();
  const namespace = `default-${env}`;
  const [name, better] = [fresh("app"), fresh("better")];
  await home.deploy(name, env, {
    resources: { cache: { type: "redis", id: "common" } },
    variables: { HOST: "${resources.cache.host}", PASSWORD: "${resources.cache.password}" },
  });
  await plane.ready(instances, name);
  const key = `${env}.redis.common`;
  const password = await home.secretValue(namespace, "common-redis", "password");
  expect(await home.live("v1", "PersistentVolumeClaim", namespace, "data-common-redis-0")).toBeDefined();
  await home.ask(key, { rotations: { password: 1 } });
  await plane.ready(dependencies, key);
  await home.profile(better, own(env, "better.example.com"));
  // A better profile moves nothing by itself, and nobody slips another one in.
  expect((await plane.ready<Dependency>(dependencies, key)).spec.profile).toBe("redis-v1");
  await expect(home.ask(key, { profile: better })).rejects.toMatchObject({ causes: [{ field: "spec.profile" }] });
  // While something of the old one is still there, only the request stands; whoever ends meanwhile goes on with it.
  const set = { apiVersion: "threeport.io/v1alpha1", kind: "ResourceSet", namespaced: true };
  const hold = (finalizers: (all: readonly string[]) => string[]) =>
    plane.change(set, `dependency.${key}`, (object) => void (object.metadata.finalizers = finalizers(object.metadata.finalizers ?? [])));
  await hold((all) => [...all, "example.com/hold"]);
  await home.ask(key, { rematchTo: better });
  await plane.reason(dependencies, key, "Rematching");
  await expect(home.ask(key, { profile: better })).rejects.toMatchObject({
    causes: [{ field: "spec.profile", message: expect.stringContaining("spec.rematchTo") as string }],
  });
  await plane.restart();
  expect((await plane.get<Dependency>(dependencies, key))?.spec).toMatchObject({ profile: "redis-v1", rematchTo: better });
  await hold((all) => all.filter((each) => each !== "example.com/hold"));
  const bound = await until("it to be met by the other profile", async () => {
    const now = await plane.ready<Dependency>(dependencies, key);
    return now.spec.profile === better ? now : undefined;
  });
  expect(bound.spec).not.toHaveProperty("rematchTo");
  expect(bound.spec).not.toHaveProperty("rotations");
  expect(bound.status?.candidates).toEqual([
    { profile: better, chosen: true, reason: "has the highest priority, 0" },
    { profile: "redis-v1", chosen: false, reason: `has priority -100, and ${better} 0` },
  ]);
  for (const [kind, gone] of [
    ["StatefulSet", "common-redis"],
    ["PersistentVolumeClaim", "data-common-redis-0"],
  ] as const)
    expect(await home.live(kind === "StatefulSet" ? "apps/v1" : "v1", kind, namespace, gone)).toBeUndefined();
  await until("the workload to get the new values", async () => {
    const value = await home.secretValue(namespace, `${name}-resource-cache`, "password");
    return value.length === 40 && value !== password ? true : undefined;
  });
  await plane.ready(instances, name);
  const deployment = await home.live("apps/v1", "Deployment", namespace, name);
  expect(JSON.stringify(deployment?.spec)).toContain("better.example.com");

  // What was asked for stays to be met; a request that is taken back leaves the profile that it has.
  const passing = fresh("passing");
  await home.profile(passing, own(env, "passing.example.com"));
  await hold((all) => [...all, "example.com/hold"]);
  await home.ask(key, { rematchTo: passing });
  await plane.reason(dependencies, key, "Rematching");
  const removed = plane.delete({ apiVersion: "threeport.io/v1alpha1", kind: "DependencyProfile", namespaced: false }, passing);
  await expect(removed).rejects.toMatchObject({ code: "TP_IN_USE" });
  await home.ask(key, { rematchTo: null });
  await hold((all) => all.filter((each) => each !== "example.com/hold"));
  expect((await plane.ready<Dependency>(dependencies, key)).spec.profile).toBe(better);

  // Back again: what only the other one required is let go.
  expect(await plane.get(claims, `${key}.instance`)).toBeDefined();
  await home.ask(key, { rematchTo: "redis-v1" });
  await until("it to be met by the first profile again", async () => {
    const now = await plane.ready<Dependency>(dependencies, key);
    return now.spec.profile === "redis-v1" ? true : undefined;
  });
  await plane.gone(claims, `${key}.instance`);
  expect((await plane.get<Dependency>(dependencies, key))?.status?.candidates).toContainEqual({ profile: "redis-v1", chosen: true, reason: "was asked for" });
});

test.each<[string, (env: string) => Promise<string>, RegExp]>([
  ["is not there", () => Promise.resolve("nobody"), /there is no such DependencyProfile/],
  ["is for another type", () => Promise.resolve("mysql-v1"), /it is for type mysql and class default, and this is redis of class default/],
  [
    "is for other environments",
    async () => {
      const name = fresh("elsewhere");
      await home.profile(name, own("elsewhere", "x"));
      return name;
    },
    /is for the environments elsewhere, and this is/,
  ],
])("a profile that %s is refused, and nothing goes", { timeout: 60_000 }, async (_, named, message) => {
  const { plane } = home;
  const env = await home.place();
  const name = fresh("app");
  await home.deploy(name, env, { resources: { cache: { type: "redis", id: "common" } }, variables: { HOST: "${resources.cache.host}" } });
  await plane.ready(instances, name);
  const rematchTo = await named(env);
  await expect(home.ask(`${env}.redis.common`, { rematchTo })).rejects.toMatchObject({
    causes: [{ field: "spec.rematchTo", message: expect.stringMatching(message) as string }],
  });
  expect(await home.live("apps/v1", "StatefulSet", `default-${env}`, "common-redis")).toBeDefined();
});
