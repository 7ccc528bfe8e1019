// What changes of a profile reaches its dependencies by its policy, over a simulated cluster.
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "@threeport/engine/testing";
import type { KubeObject, StoredObject } from "@threeport/resource";
import { instances, type Kind } from "@threeport/server/testing";
import type { Dependency, DependencyProfile } from "./index.ts";
import { dependencies, fresh, openWorld, type World } from "./testing/world.ts";

const group = "threeport.io/v1alpha1";
const profiles: Kind = { apiVersion: group, kind: "DependencyProfile", namespaced: false };

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world?.[Symbol.asyncDispose]());

/** A ConfigMap with a size, and a Secret with a password. */
const profileOf = (name: string, updatePolicy: string | undefined, size: string): KubeObject =>
  ({
    apiVersion: group,
    kind: "DependencyProfile",
    metadata: { name },
    spec: {
      type: name,
      ...(updatePolicy === undefined ? {} : { updatePolicy }),
      generated: { password: "password(16)" },
      provisioner: {
        manifests: {
          objects: [
            { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "${name}" }, data: { size, for: "${need.id}" } },
            { apiVersion: "v1", kind: "Secret", metadata: { name: "${name}" }, stringData: { password: "${generated.password}" } },
          ],
        },
      },
      outputs: { size: { value: size }, password: { value: "${generated.password}", secret: true } },
    },
  }) as KubeObject;

const deploy = async (app: string, env: string, type: string): Promise<string> => {
  await world.deploy(app, env, { resources: { thing: { type } }, variables: { SIZE: "${resources.thing.size}" } });
  await world.plane.ready(instances, app);
  return `${env}.${type}.${app}.thing`;
};
const resize = (name: string, size: string, more: object = {}): Promise<unknown> =>
  world.plane.change<DependencyProfile>(profiles, name, (profile) =>
    Object.assign(profile.spec, (profileOf(name, undefined, size) as unknown as DependencyProfile).spec, more),
  );
const sizeOf = async (name: string): Promise<unknown> =>
  (await world.plane.get<Dependency & StoredObject>(dependencies, name))?.status?.outputs?.values["size"];
const updateOf = async (name: string) => (await world.plane.get<Dependency & StoredObject>(dependencies, name))?.status?.update;
const waits = (name: string) => until("the newer generation to be noticed", async () => updateOf(name));

test("Automatic, which it is unless said: at once", { timeout: 60_000 }, async () => {
  const [env, app, type] = [await world.place(), fresh("app"), fresh("auto")];
  await world.plane.create(profileOf(type, undefined, "small"));
  const name = await deploy(app, env, type);
  await resize(type, "large");
  await until("the other size", async () => (await sizeOf(name)) === "large");
  await until("the workload to have it", async () => (await world.variables(env, app))["SIZE"] === "large");
  expect(await updateOf(name)).toBeUndefined();
});

test("OnDeploy: when a user is deployed anew, and not before; others that are not deployed stay", { timeout: 60_000 }, async () => {
  const [env, app, other, type] = [await world.place(), fresh("app"), fresh("other"), fresh("ondeploy")];
  await world.plane.create(profileOf(type, "OnDeploy", "small"));
  const [name, second] = [await deploy(app, env, type), await deploy(other, env, type)];
  await resize(type, "large");
  expect(await waits(name)).toMatchObject({ generation: 2, policy: "OnDeploy" });
  await waits(second);
  const told = await world.plane.ready(dependencies, name);
  expect(JSON.stringify(told["status"])).toContain(
    `generation 2 of its profile waits: the next deployment of a user takes it, or tptctl dependency update ${name}`,
  );
  await world.plane.change<StoredObject & { spec: { restartedAt: string } }>(instances, app, ({ spec }) => {
    spec.restartedAt = "2026-11-27T00:00:00Z";
  });
  await until("the other size", async () => (await sizeOf(name)) === "large");
  await until("the workload to have it", async () => (await world.variables(env, app))["SIZE"] === "large");
  expect([await updateOf(name), await sizeOf(second)]).toEqual([undefined, "small"]);
});

test("Never: by command only; what is new of a policy alone changes nothing", { timeout: 60_000 }, async () => {
  const [env, app, type] = [await world.place(), fresh("app"), fresh("never")];
  await world.plane.create(profileOf(type, undefined, "small"));
  const name = await deploy(app, env, type);
  // The edit that sets the policy is held to it.
  await resize(type, "large", { updatePolicy: "Never" });
  expect(await waits(name)).toEqual({ generation: 2, policy: "Never" });
  await world.plane.change<StoredObject & { spec: { restartedAt: string } }>(instances, app, ({ spec }) => {
    spec.restartedAt = "2026-11-27T00:00:00Z";
  });
  await world.plane.ready(instances, app);
  expect(await sizeOf(name)).toBe("small");
  await expect(world.plane.client.patch({ apiVersion: group, kind: "Dependency", namespace: "default", name }, { spec: { updateTo: 7 } })).rejects.toThrow(
    /spec\.updateTo: Invalid value: 7: the newest generation of DependencyProfile never.* is 2/,
  );
  await world.plane.change<Dependency & StoredObject>(dependencies, name, (dependency) => {
    dependency.spec.updateTo = 2;
  });
  await until("the other size", async () => (await sizeOf(name)) === "large");
  expect(await updateOf(name)).toBeUndefined();
});

test("a control plane that ends in between neither takes it early nor loses it", { timeout: 60_000 }, async () => {
  const [env, app, type] = [await world.place(), fresh("app"), fresh("restart")];
  await world.plane.create(profileOf(type, "OnDeploy", "small"));
  const name = await deploy(app, env, type);
  await world.plane.restart(async () => {});
  await resize(type, "large");
  await waits(name);
  await world.plane.restart(async () => {});
  expect(await sizeOf(name)).toBe("small");
  expect(await updateOf(name)).toMatchObject({ generation: 2 });
  await world.plane.change<StoredObject & { spec: { restartedAt: string } }>(instances, app, ({ spec }) => {
    spec.restartedAt = "2026-11-27T00:00:00Z";
  });
  await until("the other size", async () => (await sizeOf(name)) === "large");
});

test("whoever asks what a changed profile makes gets no secret value, however the profile turns it", { timeout: 60_000 }, async () => {
  const [env, app, type] = [await world.place(), fresh("app"), fresh("asked")];
  await world.plane.create(profileOf(type, "Never", "small"));
  const name = await deploy(app, env, type);
  const ask = async (
    objects: object[],
  ): Promise<{ objects?: { data?: Record<string, string>; stringData?: Record<string, string> }[]; problems?: { message: string }[] }> => {
    const { spec } = profileOf(type, "Never", "small") as unknown as DependencyProfile;
    const source = { ...spec, provisioner: { manifests: { objects } } };
    const body = { apiVersion: group, kind: "DependencyRendering", metadata: {}, spec: { dependency: name, source } };
    const answer = await world.plane.client.request("/apis/threeport.io/v1alpha1/namespaces/default/dependencyrenderings", { method: "POST", body });
    return (answer.body as { status: never }).status;
  };
  const configMap = (text: string): object => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data: { text } });
  expect((await ask([configMap("${generated.password}")])).problems?.[0]?.message).toContain("ConfigMap a holds generated.password, which is secret");
  expect((await ask([configMap("${generated.password.substring(0, 5)}")])).objects?.[0]?.data).toEqual({ text: "<gene" });
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "a" }, stringData: { password: "x-${generated.password}" } };
  expect((await ask([secret])).objects?.[0]?.stringData?.["password"]).toMatch(/^threeport\.io\/secret-value:hmac-sha256:/);
});
