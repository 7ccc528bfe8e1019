import { expect, test } from "vitest";
import { configMap, configMaps, widget, widgets } from "../testing/paths.ts";
import { openTestApi } from "../testing/test-api.ts";

const json = { "content-type": "application/json-patch+json" };
const strategic = { "content-type": "application/strategic-merge-patch+json" };

test("a merge patch changes what it names, removes what is null, and replaces lists", async () => {
  await using api = await openTestApi();
  await api.call("POST", widgets, { body: widget("a", { size: 1, color: "red", parts: [{ name: "x" }, { name: "y" }] }) });
  const { status, body } = await api.call("PATCH", `${widgets}/a`, { body: { spec: { size: 2, color: null, parts: [{ name: "z" }] } } });
  expect([status, body["spec"]]).toEqual([200, { size: 2, parts: [{ name: "z" }] }]);
});

test("a strategic merge patch merges lists by their keys, as the schema says, and takes directives", async () => {
  await using api = await openTestApi();
  await api.call("POST", widgets, {
    body: widget("a", {
      parts: [
        { name: "x", count: 1 },
        { name: "y", count: 2 },
      ],
    }),
  });
  const merged = await api.call("PATCH", `${widgets}/a`, { headers: strategic, body: { spec: { parts: [{ name: "y", count: 3 }, { name: "z" }] } } });
  const parts = (merged.body["spec"] as { parts: { name: string; count?: number }[] }).parts;
  expect(parts.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual([{ name: "x", count: 1 }, { name: "y", count: 3 }, { name: "z" }]);
  const removed = await api.call("PATCH", `${widgets}/a`, { headers: strategic, body: { spec: { parts: [{ name: "x", $patch: "delete" }] } } });
  expect((removed.body["spec"] as { parts: object[] }).parts).toHaveLength(2);
});

test("a JSON patch runs its operations in order, all or none", async () => {
  await using api = await openTestApi();
  await api.call("POST", configMaps, { body: configMap("a", { k: "1" }) });
  const done = await api.call("PATCH", `${configMaps}/a`, {
    headers: json,
    body: [
      { op: "test", path: "/data/k", value: "1" },
      { op: "add", path: "/data/l", value: "2" },
      { op: "remove", path: "/data/k" },
    ],
  });
  expect([done.status, done.body["data"]]).toEqual([200, { l: "2" }]);
  const failed = await api.call("PATCH", `${configMaps}/a`, {
    headers: json,
    body: [
      { op: "add", path: "/data/m", value: "3" },
      { op: "test", path: "/data/l", value: "other" },
    ],
  });
  expect(failed.status).toBe(422);
  expect((await api.call("GET", `${configMaps}/a`)).body["data"]).toEqual({ l: "2" });
});

test("a patch cannot change what makes an object this object", async () => {
  await using api = await openTestApi();
  const made = (await api.call("POST", configMaps, { body: configMap("a", { k: "1" }) })).body;
  const cases = [
    { because: "a name is for life", patch: { metadata: { name: "b" } }, status: 400 },
    { because: "so is a namespace", patch: { metadata: { namespace: "other" } }, status: 400 },
    { because: "another uid means another object", patch: { metadata: { uid: "x" } }, status: 422 },
    { because: "a kind is for life", patch: { kind: "Secret" }, status: 422 },
    { because: "an object has metadata", patch: { metadata: null }, status: 400 },
    { because: "a patch is an object", patch: [], status: 400 },
    { because: "a patch is an object", patch: "null", status: 400 },
    { because: "the result must fit the schema", patch: { data: { k: 1 } }, status: 422 },
  ];
  for (const { because, patch, status } of cases)
    expect((await api.call("PATCH", `${configMaps}/a`, { body: patch })).status, `${because}: ${JSON.stringify(patch)}`).toBe(status);
  expect((await api.call("GET", `${configMaps}/a`)).body).toEqual(made);
});

test("patches of other types, and bodies that are no patch, are refused with what would be taken", async () => {
  await using api = await openTestApi();
  await api.call("POST", configMaps, { body: configMap("a") });
  const plain = await api.call("PATCH", `${configMaps}/a`, { body: {}, headers: { "content-type": "application/json" } });
  expect([plain.status, plain.body.reason, plain.body.message]).toEqual([415, "UnsupportedMediaType", expect.stringContaining("application/merge-patch+json")]);
  for (const body of [{}, [1], [{ op: "explode", path: "/a" }], [{ op: "add" }], [{ op: "remove", path: "data" }]]) {
    expect((await api.call("PATCH", `${configMaps}/a`, { body, headers: json })).status, JSON.stringify(body)).toBeOneOf([400, 422]);
  }
  expect((await api.call("PATCH", `${configMaps}/missing`, { body: {} })).status).toBe(404);
});

test("a kind's own rules see the old object and the new one", async () => {
  await using api = await openTestApi();
  await api.call("POST", widgets, { body: widget("a", { size: 5 }) });
  const refused = await api.call("PATCH", `${widgets}/a`, { body: { spec: { size: 4 } } });
  expect([refused.status, refused.body.message]).toEqual([422, 'Widget.test.threeport.io "a" is invalid: spec.size: Forbidden: may only grow']);
  expect((await api.call("PATCH", `${widgets}/a`, { body: { spec: { size: 6 } } })).status).toBe(200);
});
