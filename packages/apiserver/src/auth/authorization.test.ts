import { expect, test, vi } from "vitest";
import { z } from "zod";
import { defineKind } from "@threeport/resource";
import { binding, clusterRole, inForce, keepDefaults, rbac, role, userWith } from "../testing/access.ts";
import { configMap, configMaps, namespaces, secrets, shelf, shelves, widget, widgets } from "../testing/paths.ts";
import { openTestApi } from "../testing/test-api.ts";

/** Rules of aggregated roles are written after they are in force. */
const settled = { timeout: 10_000, interval: 50 } as const;

const read = { apiGroups: [""], resources: ["configmaps"], verbs: ["get", "list", "watch"] };

test("P1: who has no right is refused before anything is read, with the same words whether the object is there or not", async () => {
  await using api = await openTestApi();
  await api.call("POST", configMaps, { body: configMap("there") });
  const nobody = await userWith(api, "nobody");
  const there = await nobody("GET", `${configMaps}/there`);
  const missing = await nobody("GET", `${configMaps}/missing`);
  expect(there.status).toBe(403);
  expect(there.body.message).toBe('configmaps "there" is forbidden: User "nobody" cannot get resource "configmaps" in API group "" in the namespace "default"');
  expect(JSON.parse(missing.text.replaceAll("missing", "there"))).toEqual(JSON.parse(there.text));
  expect(there.body.details).toMatchObject({ name: "there", kind: "configmaps" });
  for (const [method, path, body] of [
    ["GET", configMaps],
    ["GET", `${configMaps}?watch=true`],
    ["GET", "/api/v1/configmaps"],
    ["POST", configMaps, configMap("new")],
    ["PUT", `${configMaps}/there`, configMap("there")],
    ["PATCH", `${configMaps}/there`, {}],
    ["DELETE", `${configMaps}/there`],
    ["DELETE", configMaps],
    ["GET", `${configMaps}/there/nothing`],
    ["GET", `${namespaces}/default`],
    ["GET", `${widgets}/a/status`],
    ["GET", "/metrics"],
  ] as const) {
    const answer = await nobody(method, path, body === undefined ? {} : { body });
    expect([answer.status, answer.body.reason, answer.body.details?.code], `${method} ${path}`).toEqual([403, "Forbidden", "TP_FORBIDDEN"]);
  }
  expect((await api.call("GET", configMaps)).body.items).toHaveLength(1);
});

test("P1: a right counts for its verbs, its namespace and its names, and a list of one name is a reading of it", async () => {
  await using api = await openTestApi();
  for (const name of ["mine", "other"]) await api.call("POST", configMaps, { body: configMap(name) });
  const reader = await userWith(api, "reader", { here: [read] });
  expect((await reader("GET", configMaps)).body.items).toHaveLength(2);
  expect((await reader("GET", "/api/v1/configmaps")).status, "not all namespaces").toBe(403);
  expect((await reader("GET", "/api/v1/configmaps?fieldSelector=metadata.namespace%3Ddefault")).status, "a selector is no namespace").toBe(403);
  expect((await reader("POST", configMaps, { body: configMap("x") })).status).toBe(403);
  const named = await userWith(api, "named", { here: [{ ...read, resourceNames: ["mine"] }] });
  expect((await named("GET", `${configMaps}/mine`)).status).toBe(200);
  expect((await named("GET", `${configMaps}/other`)).status).toBe(403);
  expect((await named("GET", configMaps)).status).toBe(403);
  const selected = await named("GET", `${configMaps}?fieldSelector=metadata.name%3Dmine`);
  expect(selected.body.items.map((item) => item.metadata.name)).toEqual(["mine"]);
  expect((await named("GET", `${configMaps}?fieldSelector=metadata.name%3Dother`)).status).toBe(403);
  expect((await named("GET", `${configMaps}?fieldSelector=metadata.name!%3Dmine`)).status).toBe(403);
  const all = await userWith(api, "all", { everywhere: [{ ...read, verbs: ["list"] }] });
  expect((await all("GET", "/api/v1/configmaps")).body.items).toHaveLength(2);
  expect((await all("GET", configMaps)).status).toBe(200);
  expect((await all("GET", `${configMaps}/mine`)).status).toBe(403);
});

test("P1: subresources are rights of their own, and a namespace can be read by a right inside it", async () => {
  await using api = await openTestApi();
  await api.call("POST", widgets, { body: widget("a") });
  const rule = { apiGroups: ["test.threeport.io"], verbs: ["get", "patch"] };
  const status = await userWith(api, "status", { here: [{ ...rule, resources: ["widgets/status"] }] });
  expect((await status("PATCH", `${widgets}/a/status`, { body: { status: { phase: "x" } } })).status).toBe(200);
  expect((await status("GET", `${widgets}/a`)).status).toBe(403);
  const main = await userWith(api, "main", { here: [{ ...rule, resources: ["widgets"] }] });
  expect((await main("GET", `${widgets}/a`)).status).toBe(200);
  expect((await main("GET", `${widgets}/a/status`)).status).toBe(403);
  const any = await userWith(api, "any", { here: [{ ...rule, resources: ["*/status"] }] });
  expect((await any("GET", `${widgets}/a/status`)).status).toBe(200);
  const inside = await userWith(api, "inside", { here: [{ apiGroups: [""], resources: ["namespaces"], verbs: ["get", "list"] }] });
  expect((await inside("GET", `${namespaces}/default`)).status).toBe(200);
  expect((await inside("GET", namespaces)).status).toBe(403);
});

test("P1: a change of rights is in force at once, or well within a second", async () => {
  await using api = await openTestApi();
  const user = await userWith(api, "user", { here: [] });
  const becomes = (status: number) => vi.waitFor(async () => expect((await user("GET", configMaps)).status).toBe(status), inForce);
  for (let round = 0; round < 3; round++) {
    await becomes(403);
    await api.call("PATCH", `${rbac}/namespaces/default/roles/user`, { body: { rules: [read] } });
    await becomes(200);
    await api.call("PATCH", `${rbac}/namespaces/default/roles/user`, { body: { rules: [] } });
  }
  await api.call("PATCH", `${rbac}/namespaces/default/roles/user`, { body: { rules: [read] } });
  await becomes(200);
  await api.call("DELETE", `${rbac}/namespaces/default/rolebindings/user`);
  await becomes(403);
});

test("P1: nobody writes or gives a role that allows more than he may himself", async () => {
  await using api = await openTestApi();
  const manage = { apiGroups: ["rbac.authorization.k8s.io"], resources: ["roles", "rolebindings"], verbs: ["create", "update", "patch", "get"] };
  const clerk = await userWith(api, "clerk", { here: [manage, read] });
  const roles = `${rbac}/namespaces/default/roles`;
  const bindings = `${rbac}/namespaces/default/rolebindings`;
  expect((await clerk("POST", roles, { body: role("same", [{ ...read, verbs: ["get"] }]) })).status, "what he may himself").toBe(201);
  const more = await clerk("POST", roles, { body: role("more", [{ ...read, verbs: ["get", "delete"] }]) });
  expect(more.status).toBe(403);
  expect(more.body.message).toContain("would grant what you may not do yourself: delete configmaps");
  expect((await clerk("POST", roles, { body: role("star", [{ ...read, verbs: ["*"] }]) })).status, "a wildcard is more than its parts").toBe(403);
  expect((await clerk("PATCH", `${roles}/same`, { body: { rules: [{ ...read, resources: ["secrets"] }] } })).status).toBe(403);
  expect((await clerk("PATCH", `${roles}/same?dryRun=All`, { body: { rules: [{ ...read, resources: ["secrets"] }] } })).status, "not even tried").toBe(403);
  expect((await clerk("PATCH", `${roles}/same`, { body: { metadata: { annotations: { note: "x" } } } })).status).toBe(200);
  await api.call("POST", roles, { body: role("strong", [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }]) });
  expect((await clerk("POST", bindings, { body: binding("RoleBinding", "give", "Role/same", "friend") })).status).toBe(201);
  expect((await clerk("POST", bindings, { body: binding("RoleBinding", "take", "Role/strong", "clerk") })).status).toBe(403);
  expect((await clerk("POST", bindings, { body: binding("RoleBinding", "later", "Role/not-there", "clerk") })).status, "it may be written later").toBe(403);
  await api.call("POST", bindings, { body: binding("RoleBinding", "strong", "Role/strong", "boss") });
  const subject = { kind: "User", apiGroup: "rbac.authorization.k8s.io", name: "clerk" };
  expect((await clerk("PATCH", `${bindings}/strong`, { body: { subjects: [subject] } })).status, "joining is taking").toBe(403);
  const binder = await userWith(api, "binder", {
    here: [manage, { apiGroups: manage.apiGroups, resources: ["roles"], resourceNames: ["strong"], verbs: ["bind"] }],
  });
  expect((await binder("POST", bindings, { body: binding("RoleBinding", "bound", "Role/strong", "friend") })).status, "the verb bind").toBe(201);
  const escalator = await userWith(api, "escalator", { here: [manage, { apiGroups: manage.apiGroups, resources: ["roles"], verbs: ["escalate"] }] });
  expect((await escalator("POST", roles, { body: role("anything", [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }]) })).status).toBe(201);
});

test("P1: an aggregated ClusterRole has the rules that its selectors find, at once; only who may do everything makes one or feeds one", async () => {
  await using api = await openTestApi();
  await keepDefaults(api);
  const user = await userWith(api, "viewer");
  await api.objects.create({ ...binding("RoleBinding", "view", "ClusterRole/view", "viewer"), metadata: { name: "view", namespace: "default" } });
  const becomes = (path: string, status: number) => vi.waitFor(async () => expect((await user("GET", path)).status).toBe(status), inForce);
  await becomes(widgets, 200);
  await becomes(secrets, 403);
  const labels = { "rbac.authorization.k8s.io/aggregate-to-view": "true" };
  const extra = clusterRole("extra", [{ apiGroups: [""], resources: ["secrets"], verbs: ["list"] }], { labels });
  await api.call("POST", `${rbac}/clusterroles`, { body: extra });
  await becomes(secrets, 200);
  await vi.waitFor(async () => {
    for (const name of ["view", "edit", "admin"]) {
      const { body } = await api.call("GET", `${rbac}/clusterroles/${name}`);
      expect((body["rules"] as { resources?: string[]; verbs: string[] }[]).some((rule) => rule.resources?.[0] === "secrets" && rule.verbs[0] === "list")).toBe(
        true,
      );
    }
  });
  await api.call("DELETE", `${rbac}/clusterroles/extra`);
  await becomes(secrets, 403);
  const manager = await userWith(api, "manager", {
    everywhere: [{ apiGroups: ["rbac.authorization.k8s.io"], resources: ["clusterroles"], verbs: ["create", "patch"] }],
  });
  const aggregate = { ...clusterRole("mine", []), aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: "b" } }] } };
  expect((await manager("POST", `${rbac}/clusterroles`, { body: aggregate })).status).toBe(403);
  expect((await manager("PATCH", `${rbac}/clusterroles/cluster-admin`, { body: { metadata: { labels } } })).status).toBe(403);
});

test("P1: the default roles are made at the first start and mended at the next, unless somebody keeps them as they are", async () => {
  await using api = await openTestApi();
  await keepDefaults(api);
  const path = (name: string) => `${rbac}/clusterroles/${name}`;
  const versions = async () => (await api.call("GET", `${rbac}/clusterroles`)).body.items.map((item) => [item.metadata.name, item.metadata.resourceVersion]);
  await vi.waitFor(async () => expect((await api.call("GET", path("admin"))).body["rules"]).not.toEqual([]), settled);
  await vi.waitFor(async () => {
    const before = await versions();
    await keepDefaults(api);
    expect(await versions()).toEqual(before);
  }, settled);
  const own = { apiGroups: [""], resources: ["configmaps"], verbs: ["mine"] };
  await api.call("PATCH", path("system:basic-user"), { body: { rules: [own] } });
  await api.call("PATCH", path("system:discovery"), {
    body: { rules: [own], metadata: { annotations: { "rbac.authorization.kubernetes.io/autoupdate": "false" } } },
  });
  await api.call("DELETE", path("view"));
  await keepDefaults(api);
  const rules = (await api.call("GET", path("system:basic-user"))).body["rules"] as unknown[];
  expect(rules.length, "his rule and the two that were missing").toBe(3);
  expect((await api.call("GET", path("system:discovery"))).body["rules"]).toEqual([own]);
  expect((await api.call("GET", path("view"))).status).toBe(200);
});

test("P2: who makes his object refer to another needs `use` on it, for a Secret `get`; what it refers to already is not asked again", async () => {
  await using api = await openTestApi();
  for (const name of ["s1", "s2"]) await api.call("POST", shelves, { body: shelf(name) });
  const write = { apiGroups: ["test.threeport.io"], resources: ["widgets"], verbs: ["create", "patch", "update", "get"] };
  const user = await userWith(api, "user", {
    here: [write],
    everywhere: [{ apiGroups: ["test.threeport.io"], resources: ["shelves"], resourceNames: ["s1"], verbs: ["use"] }],
  });
  expect((await user("POST", widgets, { body: widget("a", { shelf: "s1" }) })).status).toBe(201);
  const refused = await user("POST", widgets, { body: widget("b", { shelf: "s2" }) });
  expect([refused.status, refused.body.message]).toEqual([
    403,
    'shelves.test.threeport.io "s2" is forbidden: User "user" cannot use resource "shelves" in API group "test.threeport.io" at the cluster scope: spec.shelf refers to it',
  ]);
  const missing = await user("POST", widgets, { body: widget("b", { shelf: "not-there" }) });
  expect([missing.status, missing.body.message], "what is not there is refused in the same words").toEqual([
    403,
    refused.body.message.replace("s2", "not-there"),
  ]);
  expect((await user("PATCH", `${widgets}/a`, { body: { spec: { shelf: "s2" } } })).status).toBe(403);
  expect((await user("PATCH", `${widgets}/a?dryRun=All`, { body: { spec: { shelf: "s2" } } })).status).toBe(403);
  await api.call("PATCH", `${widgets}/a`, { body: { spec: { shelf: "s2" } } });
  expect((await user("PATCH", `${widgets}/a`, { body: { spec: { size: 5 } } })).status, "the reference is there already").toBe(200);
  expect((await user("POST", widgets, { body: widget("c", { friends: [{ name: "a" }] }) })).status, "his own namespace is his").toBe(201);
});

test("P2: a reference into another namespace is refused to everybody; an object that has no namespace may name one", async () => {
  const reference = { path: "spec.secret.name", to: { group: "", resource: "secrets" }, namespace: { path: "namespace" }, waitsFor: 0 } as const;
  const named = z.object({ namespace: z.string().describe("Namespace."), name: z.string().describe("Name.") }).describe("A Secret.");
  const traits = { group: "test.threeport.io", version: "v1alpha1", description: "For this test.", references: [reference] };
  const fields = { spec: z.object({ secret: named }).describe("What is wanted.") };
  const inside = defineKind({ ...traits, kind: "Inside", plural: "insides", scope: "Namespaced", fields });
  const outside = defineKind({ ...traits, kind: "Outside", plural: "outsides", scope: "Cluster", fields });
  await using api = await openTestApi({ kinds: [inside, outside] });
  const object = (kind: string, namespace: string) => ({
    apiVersion: "test.threeport.io/v1alpha1",
    kind,
    metadata: { name: "a" },
    spec: { secret: { namespace, name: "s" } },
  });
  const base = "/apis/test.threeport.io/v1alpha1";
  const refused = await api.call("POST", `${base}/namespaces/default/insides`, { body: object("Inside", "other") });
  expect([refused.status, refused.body.message]).toEqual([422, expect.stringContaining("must not refer to an object in another namespace")]);
  expect((await api.call("POST", `${base}/namespaces/default/insides`, { body: object("Inside", "default") })).status).toBe(201);
  const user = await userWith(api, "user", {
    here: [{ apiGroups: [""], resources: ["secrets"], verbs: ["get"] }],
    everywhere: [{ apiGroups: ["test.threeport.io"], resources: ["outsides"], verbs: ["create"] }],
  });
  expect((await user("POST", `${base}/outsides`, { body: object("Outside", "other") })).status, "he may not get that Secret").toBe(403);
  expect((await user("POST", `${base}/outsides`, { body: object("Outside", "default") })).status).toBe(201);
});

test("P1: an apply that creates needs `create` too, an apply that changes only `patch`", async () => {
  await using api = await openTestApi();
  const rule = { apiGroups: [""], resources: ["configmaps"] };
  const patcher = await userWith(api, "patcher", { here: [{ ...rule, verbs: ["patch"] }] });
  const apply = (name: string) =>
    patcher("PATCH", `${configMaps}/${name}?fieldManager=me`, {
      body: configMap(name, { a: "b" }),
      headers: { "content-type": "application/apply-patch+yaml" },
    });
  const refused = await apply("new");
  expect([refused.status, refused.body.message]).toEqual([403, expect.stringContaining('cannot create resource "configmaps"')]);
  await api.call("POST", configMaps, { body: configMap("old") });
  expect((await apply("old")).status).toBe(200);
});

const invalid = [
  { kind: "roles", says: "rules[0].verbs: Required value", body: role("x", [{ ...read, verbs: [] }]) },
  { kind: "roles", says: "rules[0].apiGroups: Required value", body: role("x", [{ verbs: ["get"], resources: ["a"] }]) },
  { kind: "roles", says: "rules[0].resources: Required value", body: role("x", [{ verbs: ["get"], apiGroups: [""] }]) },
  { kind: "roles", says: "namespaced rules cannot apply to non-resource URLs", body: role("x", [{ verbs: ["get"], nonResourceURLs: ["/metrics"] }]) },
  { kind: "roles", says: "metadata.name", body: role("a|b", []) },
  { kind: "roles", says: "metadata.name", body: role("a%b", []) },
  { kind: "rolebindings", says: "roleRef.kind: Unsupported value", body: binding("RoleBinding", "x", "Other/a", "u") },
  {
    kind: "rolebindings",
    says: "subjects[0].namespace: Required value",
    body: { ...binding("RoleBinding", "x", "Role/a", "u"), subjects: [{ kind: "ServiceAccount", name: "a" }] },
  },
  {
    kind: "rolebindings",
    says: "subjects[0].kind: Unsupported value",
    body: { ...binding("RoleBinding", "x", "Role/a", "u"), subjects: [{ kind: "Robot", name: "a" }] },
  },
  {
    kind: "rolebindings",
    says: "subjects[0].apiGroup",
    body: { ...binding("RoleBinding", "x", "Role/a", "u"), subjects: [{ kind: "User", name: "a", apiGroup: "b" }] },
  },
];

test("RBAC objects are checked as upstream checks them, and a roleRef never changes", async () => {
  await using api = await openTestApi();
  for (const { kind, says, body } of invalid) {
    const answer = await api.call("POST", `${rbac}/namespaces/default/${kind}`, { body });
    expect([answer.status, answer.body.message], says).toEqual([422, expect.stringContaining(says)]);
  }
  const bindings = `${rbac}/namespaces/default/rolebindings`;
  expect((await api.call("POST", bindings, { body: binding("RoleBinding", "system:with:colons", "Role/a", "u") })).status).toBe(201);
  const changed = await api.call("PATCH", `${bindings}/system:with:colons`, { body: { roleRef: { name: "b" } } });
  expect([changed.status, changed.body.message]).toEqual([422, expect.stringContaining("cannot change roleRef")]);
});
