import { expect, test } from "vitest";
import { openTestApi } from "../testing/test-api.ts";

test("discovery names groups, versions and resources in the form that every client reads", async () => {
  await using api = await openTestApi();
  expect((await api.call("GET", "/api")).body).toMatchObject({ kind: "APIVersions", versions: ["v1"] });
  const groups = (await api.call("GET", "/apis")).body;
  expect(groups).toMatchObject({ kind: "APIGroupList", apiVersion: "v1" });
  expect((groups["groups"] as { name: string }[]).map((group) => group.name)).toEqual([
    "apiextensions.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "coordination.k8s.io",
    "events.k8s.io",
    "rbac.authorization.k8s.io",
    "test.threeport.io",
  ]);
  expect((await api.call("GET", "/apis/test.threeport.io")).body).toEqual({
    kind: "APIGroup",
    apiVersion: "v1",
    name: "test.threeport.io",
    versions: [{ groupVersion: "test.threeport.io/v1alpha1", version: "v1alpha1" }],
    preferredVersion: { groupVersion: "test.threeport.io/v1alpha1", version: "v1alpha1" },
  });
  const resources = (await api.call("GET", "/apis/test.threeport.io/v1alpha1")).body["resources"] as { name: string; verbs: string[] }[];
  expect(resources.map((resource) => resource.name)).toEqual(["widgets", "widgets/status", "shelves"]);
  expect(resources[0]).toEqual({
    name: "widgets",
    singularName: "widget",
    namespaced: true,
    kind: "Widget",
    shortNames: ["wd"],
    verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
  });
  expect(resources[1]?.verbs).toEqual(["get", "patch", "update"]);
  expect(((await api.call("GET", "/api/v1")).body["resources"] as { name: string }[]).map((resource) => resource.name)).toContain("configmaps");
});

test("what is not served is not found, with or without a slash at the end", async () => {
  await using api = await openTestApi();
  for (const path of [
    "/api/v2",
    "/apis/nowhere",
    "/apis/test.threeport.io/v2",
    "/apis/",
    "/apis//v1",
    "/api/v1/nowhere",
    "/apis/test.threeport.io/v1alpha1/gadgets",
    "/openapi/v2/x",
    "/openapi/v3/apis/nowhere/v1",
    "/openapi/v3/apis",
    "/openapi/v3/api/v1/x",
    "/constructor",
    "/apis/__proto__",
    "/apis/constructor/v1",
  ]) {
    const { status, body } = await api.call("GET", path);
    expect([status, body.reason], path).toEqual(path === "/apis/" ? [200, undefined] : [404, "NotFound"]);
  }
  for (const path of ["/api/", "/api/v1/", "/apis/test.threeport.io/", "/apis/test.threeport.io/v1alpha1/", "/version/", "/"])
    expect((await api.call("GET", path)).status, path).toBe(200);
});

test("a kind that is registered later appears in discovery at once", async () => {
  await using api = await openTestApi();
  const known = api.context.registry.byKind("test.threeport.io/v1alpha1", "Widget");
  if (known === undefined) throw new Error("the harness has no Widget");
  api.context.registry.add({ ...known, group: "late.threeport.io", apiVersion: "late.threeport.io/v1", version: "v1", resource: "widgets.late.threeport.io" });
  expect((await api.call("GET", "/apis/late.threeport.io/v1")).status).toBe(200);
  expect((await api.call("GET", "/apis/late.threeport.io/v1/namespaces/default/widgets")).body.kind).toBe("WidgetList");
});

test("the version is one that clients of Kubernetes can compare", async () => {
  await using api = await openTestApi();
  expect((await api.call("GET", "/version")).body).toMatchObject({
    major: "1",
    minor: expect.stringMatching(/^\d+$/),
    gitVersion: expect.stringMatching(/^v\d+\.\d+\.\d+\+threeport-/),
  });
});

const aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

test("aggregated discovery tells all of every group in two answers, in the version that the client likes best", async () => {
  await using api = await openTestApi();
  const named = await api.call("GET", "/apis", { headers: { accept: `${aggregated},${aggregated.replace("v=v2", "v=v2beta1")},application/json` } });
  expect([named.status, named.headers["content-type"], named.headers["vary"]]).toEqual([200, aggregated, "Accept"]);
  expect(named.body).toMatchObject({ kind: "APIGroupDiscoveryList", apiVersion: "apidiscovery.k8s.io/v2" });
  const groups = named.body["items"] as unknown as { metadata: { name: string }; versions: { version: string; freshness: string; resources: object[] }[] }[];
  const own = groups.find((group) => group.metadata.name === "test.threeport.io")?.versions[0];
  expect([own?.version, own?.freshness]).toEqual(["v1alpha1", "Current"]);
  expect(own?.resources[0]).toEqual({
    resource: "widgets",
    responseKind: { group: "test.threeport.io", version: "v1alpha1", kind: "Widget" },
    scope: "Namespaced",
    singularResource: "widget",
    verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
    shortNames: ["wd"],
    subresources: [
      { subresource: "status", responseKind: { group: "test.threeport.io", version: "v1alpha1", kind: "Widget" }, verbs: ["get", "patch", "update"] },
    ],
  });
  const core = await api.call("GET", "/api", { headers: { accept: aggregated.replace("v=v2", "v=v2beta1") } });
  expect(core.body).toMatchObject({ apiVersion: "apidiscovery.k8s.io/v2beta1" });
  expect(JSON.stringify(core.body)).toContain('"resource":"configmaps"');
});

test("discovery is sent again only when it changed, and each form has its own ETag", async () => {
  await using api = await openTestApi();
  const get = (headers: Record<string, string>) => api.call("GET", "/apis", { headers });
  const first = await get({ accept: aggregated });
  const etag = String(first.headers["etag"]);
  expect((await get({ accept: aggregated, "if-none-match": etag })).status).toBe(304);
  expect((await get({ "if-none-match": etag })).status).toBe(200);
  const known = api.context.registry.byKind("test.threeport.io/v1alpha1", "Widget");
  if (known === undefined) throw new Error("the harness has no Widget");
  api.context.registry.add({ ...known, plural: "gadgets", resource: "gadgets.test.threeport.io" });
  const changed = await get({ accept: aggregated, "if-none-match": etag });
  expect([changed.status, changed.headers["etag"] === etag]).toEqual([200, false]);
});

const accepts: { accept: string; status: number; type: string }[] = [
  { accept: "*/*", status: 200, type: "application/json" },
  { accept: "application/json, */*", status: 200, type: "application/json" },
  { accept: "application/vnd.kubernetes.protobuf, application/json;q=0.5", status: 200, type: "application/json" },
  { accept: `application/json;q=0.2, ${aggregated};q=0.9`, status: 200, type: aggregated },
  { accept: aggregated.replace("v=v2", "v=v3"), status: 406, type: "application/json" },
  { accept: "application/vnd.kubernetes.protobuf", status: 406, type: "application/json" },
  { accept: "application/json;q=0", status: 406, type: "application/json" },
];
test.each(accepts)("$accept is answered with $status", async ({ accept, status, type }) => {
  await using api = await openTestApi();
  const answer = await api.call("GET", "/apis", { headers: { accept } });
  expect([answer.status, String(answer.headers["content-type"]).startsWith(type)]).toEqual([status, true]);
});
