// Secrets of the project as dependencies: who may have them, and that a change reaches the pods.
import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "@threeport/engine/testing";
import { targetOf } from "@threeport/client";
import type { KubeObject, StoredObject } from "@threeport/resource";
import { definitions, instance, instances } from "@threeport/server/testing";
import { claims, definitionOf, dependencies, fresh, openWorld, type World } from "./testing/world.ts";
import type { Dependency } from "./index.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world?.[Symbol.asyncDispose]());

const secret = (name: string, stringData: object): KubeObject => ({ apiVersion: "v1", kind: "Secret", metadata: { name, namespace: "default" }, stringData });
const secrets = { apiVersion: "v1", kind: "Secret", namespaced: true };
const reading = (resource: object, key = "token") => ({
  resources: { pay: { type: "secret", ...resource } },
  variables: { TOKEN: `\${resources.pay.${key}}` },
});

test("a workload waits for a Secret of its project, reads it, gets what it is changed to, and says so when it goes", { timeout: 90_000 }, async () => {
  const { plane } = world;
  const env = await world.place();
  const [name, payment] = [fresh("shop"), fresh("payment")];
  await world.deploy(name, env, reading({ params: { name: payment } }));
  await world.waits(
    name,
    `waits for secret pay: there is no Secret ${payment} in namespace default; make it: kubectl --context threeport create secret generic ${payment} --namespace default --from-literal=KEY=VALUE`,
  );
  await plane.create({ ...secret(payment, { token: "the-first-one" }), data: { "store.jks": Buffer.from([0xff, 0xfe, 0x00]).toString("base64") } });
  await plane.ready(instances, name);
  expect(await world.variables(env, name)).toEqual({ TOKEN: "the-first-one" });
  const key = `${env}.secret.${name}.pay`;
  const dependency = await plane.ready<Dependency>(dependencies, key);
  expect(dependency.status).toMatchObject({ sourceSecret: payment, outputs: { values: {}, secret: { name: payment, keys: ["token"] } } });
  expect((await plane.reason(dependencies, key, "Provided")).message).toBe(`is Secret ${payment}; not read, since they are no text: store.jks`);
  const texts = [dependency, await plane.get(claims, `${name}.pay`), await plane.get(instances, name), await plane.get(definitions, name)];
  expect(texts.map((each) => JSON.stringify(each)).filter((text) => text.includes("the-first-one"))).toEqual([]);

  const template = async () => JSON.stringify((await world.live("apps/v1", "Deployment", { namespace: `default-${env}`, name }))?.spec["template"]);
  const before = await template();
  await plane.change<StoredObject & { data: Record<string, string> }>(secrets, payment, (object) => {
    object.data["token"] = Buffer.from("the-second-one").toString("base64");
  });
  await until("the second one to be read", async () => (await world.variables(env, name))["TOKEN"] === "the-second-one");
  await until("its pods to be replaced", async () => (await template()) !== before);

  await plane.delete(secrets, payment, "default");
  await world.waits(name, `there is no Secret ${payment} in namespace default`);
  expect(await world.variables(env, name)).toEqual({ TOKEN: "the-second-one" });
  await plane.create(secret(payment, { token: "the-third-one" }));
  await until("the third one to be read", async () => (await world.variables(env, name))["TOKEN"] === "the-third-one");
  await plane.ready(instances, name);
  await world.remove(name);
  await plane.gone(dependencies, key);
  expect(await plane.get(secrets, payment, "default")).toBeDefined();
});

test("without a name in its params it is the last part of the id; nobody joins a use of another Secret", { timeout: 90_000 }, async () => {
  const { plane } = world;
  const env = await world.place();
  const [id, other] = [fresh("mail"), fresh("other")];
  await plane.create(secret(id, { token: "of the mail" }));
  await plane.create(secret(other, { token: "of the other" }));
  const [first, second, third] = [fresh("first"), fresh("second"), fresh("third")];
  await world.deploy(first, env, reading({ id }));
  await plane.ready(instances, first);
  expect(await world.variables(env, first)).toEqual({ TOKEN: "of the mail" });
  await world.deploy(second, env, reading({ id, params: { name: other } }));
  await world.waits(second, `workload ${first} (pay) gives secret ${id} other params than workload ${second} (pay)`);
  expect((await plane.get<Dependency>(dependencies, `${env}.secret.${id}`))?.status?.sourceSecret).toBe(id);
  await world.remove(first);
  await plane.ready(instances, second);
  expect(await world.variables(env, second)).toEqual({ TOKEN: "of the other" });
  // Who names nothing means the Secret that the id says, and not the one that another user of the id named.
  await world.deploy(third, env, reading({ id }));
  await world.waits(third, `workload ${second} (pay) gives secret ${id} other params than workload ${third} (pay)`);
  await world.remove(second);
  await plane.ready(instances, third);
  expect(await world.variables(env, third)).toEqual({ TOKEN: "of the mail" });
});

test("who writes what reads a Secret must be allowed to read it himself", { timeout: 60_000 }, async () => {
  const { plane } = world;
  const env = await world.place();
  const [open, closed, jane] = [fresh("open"), fresh("closed"), fresh("jane")];
  const rbac = "rbac.authorization.k8s.io";
  const subjects = [{ apiGroup: rbac, kind: "User", name: jane }];
  const binding = (kind: string, metadata: object, role: string) =>
    plane.create({
      apiVersion: `${rbac}/v1`,
      kind,
      metadata,
      roleRef: { apiGroup: rbac, kind: kind.replace("Binding", ""), name: role },
      subjects,
    } as KubeObject);
  await plane.create({
    apiVersion: `${rbac}/v1`,
    kind: "Role",
    metadata: { name: jane, namespace: "default" },
    rules: [
      { apiGroups: ["threeport.io"], resources: ["workloaddefinitions", "workloadinstances", "dependencyclaims"], verbs: ["*"] },
      { apiGroups: [""], resources: ["secrets"], resourceNames: [open], verbs: ["get"] },
    ],
  } as KubeObject);
  await binding("RoleBinding", { name: jane, namespace: "default" }, jane);
  await binding("ClusterRoleBinding", { name: jane }, "threeport:environment-user");
  const as = { headers: { "impersonate-user": jane } };
  const write = (object: KubeObject) => plane.client.create({ apiVersion: object.apiVersion, kind: object.kind, namespace: "default" }, object, as);
  const refused = (what: Promise<unknown>) =>
    expect(what).rejects.toMatchObject({
      code: "TP_FORBIDDEN",
      message: expect.stringContaining(`secrets "${closed}" is forbidden: User "${jane}" cannot get resource "secrets"`) as string,
    });
  const [name, admins] = [fresh("app"), fresh("admins")];
  await until("her rights to be in force", () => write(definitionOf(name, reading({ params: { name: open } }))));
  await write(instance(name, name, { environment: env }));

  await refused(write(definitionOf(fresh("app"), reading({ params: { name: closed } }))));
  await refused(write(definitionOf(fresh("app"), { resources: { [closed]: { type: "secret" } }, variables: {} })));
  const changed = definitionOf(name, reading({ params: { name: closed } }));
  await refused(plane.client.patch(targetOf(changed), { spec: changed["spec"] }, as));
  // What is different in one deployment counts too, and so does deploying what somebody else wrote.
  const values = { resources: { pay: { params: { name: closed } } } };
  await refused(write(instance(fresh("other"), name, { environment: env, targetNamespace: fresh("ns"), values })));
  await plane.create(definitionOf(admins, reading({ params: { name: closed } })));
  await refused(write(instance(admins, admins, { environment: env })));
  // Another program under an old name of a resource would read the same values.
  const image = { spec: { source: { score: { document: { containers: { app: { image: "example.com/hers:1" } } } } } } };
  await refused(plane.client.patch({ ...definitions, name: admins, namespace: "default" }, image, as));
  const claim = { environment: env, targetNamespace: `default-${env}`, workload: name, resource: "x", type: "secret", class: "default", id: "x" };
  await refused(
    write({
      apiVersion: claims.apiVersion,
      kind: claims.kind,
      metadata: { name: fresh("claim"), namespace: "default" },
      spec: { ...claim, params: { name: closed } },
    } as KubeObject),
  );

  const computed = definitionOf(fresh("app"), {
    ...reading({ params: { name: "${resources.env.NAME}" } }),
    resources: { env: { type: "environment" }, pay: { type: "secret", params: { name: "${resources.env.NAME}" } } },
  });
  await expect(write(computed)).rejects.toMatchObject({
    code: "TP_INVALID",
    causes: [{ field: "spec.source.score.document.resources.pay.params.name", message: expect.stringContaining("write the name out") as string }],
  });
});

test.each([
  ["of another type", { type: "redis", provisioner: { secret: {} } }, "spec.type"],
  ["with outputs of its own", { type: "secret", provisioner: { secret: {} }, outputs: { host: { value: "x" } } }, "spec.outputs"],
  ["that asks for one by itself", { type: "redis", provisioner: { static: {} }, requires: { it: { type: "secret" } } }, "spec.requires.it.type"],
])("a profile %s cannot hand out Secrets of projects", async (_, spec, field) => {
  const profile = { apiVersion: "threeport.io/v1alpha1", kind: "DependencyProfile", metadata: { name: fresh("bad") }, spec } as KubeObject;
  await expect(world.plane.create(profile)).rejects.toMatchObject({ code: "TP_INVALID", causes: [{ field }] });
});
