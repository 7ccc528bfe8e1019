import { expect, test } from "vitest";
import { configMap, namespaces } from "../testing/paths.ts";
import { openTestApi } from "../testing/test-api.ts";
import { namespaceFinalizer } from "./core.ts";

test("nothing is created in a namespace that is not there, and the answer says how to make it", async () => {
  await using api = await openTestApi();
  const refused = await api.call("POST", `${namespaces}/nowhere/configmaps`, { body: configMap("a") });
  expect([refused.status, refused.body.reason, refused.body.message]).toEqual([404, "NotFound", expect.stringContaining("kubectl create namespace nowhere")]);
  expect((await api.call("GET", `${namespaces}/nowhere/configmaps`)).body.items).toEqual([]);
});

test("a namespace under deletion takes nothing new, keeps what it has, and says Terminating", async () => {
  await using api = await openTestApi();
  const made = (await api.call("POST", namespaces, { body: { metadata: { name: "n" } } })).body;
  expect(made).toMatchObject({ metadata: { finalizers: [namespaceFinalizer], labels: { "kubernetes.io/metadata.name": "n" } }, status: { phase: "Active" } });
  await api.call("POST", `${namespaces}/n/configmaps`, { body: configMap("a", { k: "1" }) });
  const marked = await api.call("DELETE", `${namespaces}/n`);
  expect([marked.status, marked.body["status"]]).toEqual([200, { phase: "Terminating" }]);
  const refused = await api.call("POST", `${namespaces}/n/configmaps`, { body: configMap("b") });
  expect([refused.status, refused.body.reason, refused.body.details?.causes?.[0]?.reason]).toEqual([403, "Forbidden", "NamespaceTerminating"]);
  expect((await api.call("PATCH", `${namespaces}/n/configmaps/a`, { body: { data: { k: "2" } } })).status).toBe(200);
  expect((await api.call("DELETE", `${namespaces}/n/configmaps/a`)).status).toBe(200);
  await api.call("PATCH", `${namespaces}/n`, { body: { metadata: { finalizers: null } } });
  expect((await api.call("GET", `${namespaces}/n`)).status).toBe(404);
});

test("a namespace's own label cannot be taken off, and its status answers at its subresource", async () => {
  await using api = await openTestApi();
  const changed = await api.call("PATCH", `${namespaces}/default`, { body: { metadata: { labels: { "kubernetes.io/metadata.name": "other", mine: "yes" } } } });
  expect(changed.body.metadata["labels"]).toEqual({ "kubernetes.io/metadata.name": "default", mine: "yes" });
  expect((await api.call("GET", `${namespaces}/default/status`)).body.metadata.name).toBe("default");
});
