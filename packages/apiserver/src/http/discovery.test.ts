import { expect, test } from "vitest";
import { openTestApi } from "../testing/test-api.ts";

test("discovery names groups, versions and resources in the form that every client reads", async () => {
  await using api = await openTestApi();
  expect((await api.call("GET", "/api")).body).toMatchObject({ kind: "APIVersions", versions: ["v1"] });
  const groups = (await api.call("GET", "/apis")).body;
  expect(groups).toMatchObject({ kind: "APIGroupList", apiVersion: "v1" });
  expect((groups["groups"] as { name: string }[]).map((group) => group.name)).toEqual(["coordination.k8s.io", "test.threeport.io"]);
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
    "/openapi/v2",
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
