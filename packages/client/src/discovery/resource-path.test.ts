import { expect, test } from "vitest";
import { resourcePath } from "./resource-path.ts";

const pods = { group: "", version: "v1", resource: "pods", namespaced: true };
const roles = { group: "rbac.authorization.k8s.io", version: "v1", resource: "clusterroles", namespaced: false };

test.each([
  { resource: pods, parts: {}, path: "/api/v1/pods" },
  { resource: pods, parts: { namespace: "a" }, path: "/api/v1/namespaces/a/pods" },
  { resource: pods, parts: { namespace: "a", name: "b", subresource: "log" }, path: "/api/v1/namespaces/a/pods/b/log" },
  { resource: roles, parts: { name: "system:node" }, path: "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node" },
  { resource: roles, parts: { namespace: "ignored", name: "x y?" }, path: "/apis/rbac.authorization.k8s.io/v1/clusterroles/x%20y%3F" },
])("$path", ({ resource, parts, path }) => {
  expect(resourcePath(resource, parts)).toBe(path);
});

test.each(["..", ".", "", "a/b", "%2e%2e", "a\0"])("the name %j cannot lead to another path", (name) => {
  expect(() => resourcePath(pods, { namespace: "a", name })).toThrow("cannot be the name of an object");
  expect(() => resourcePath(pods, { namespace: name })).toThrow("cannot be the name of an object");
});

test("one object of a namespaced resource needs its namespace", () => {
  expect(() => resourcePath(pods, { name: "b" })).toThrow('pods live in namespaces; say which one "b" is in');
});
