import { expect, test } from "vitest";
import { configMap, configMaps, widget, widgets } from "../testing/paths.ts";
import { openTestApi } from "../testing/test-api.ts";

test("K1: generation begins at 1 and grows only when something outside metadata and status changes", async () => {
  await using api = await openTestApi();
  const generation = async () => (await api.call("GET", `${widgets}/a`)).body.metadata.generation;
  expect((await api.call("POST", widgets, { body: widget("a", { size: 1 }, { generation: 99 }) })).body.metadata.generation).toBe(1);
  await api.call("PATCH", `${widgets}/a`, { body: { metadata: { labels: { a: "b" }, annotations: { c: "d" }, finalizers: ["test.threeport.io/hold"] } } });
  expect(await generation()).toBe(1);
  await api.call("PATCH", `${widgets}/a/status`, { body: { status: { ready: true } } });
  expect(await generation()).toBe(1);
  await api.call("PATCH", `${widgets}/a`, { body: { metadata: { generation: 7 } } });
  expect(await generation()).toBe(1);
  await api.call("PATCH", `${widgets}/a`, { body: { spec: { size: 2 } } });
  expect(await generation()).toBe(2);
});

test("K1: generation grows when deletionTimestamp is set, and not when the deletion is asked for again", async () => {
  await using api = await openTestApi();
  await api.call("POST", widgets, { body: widget("a", {}, { finalizers: ["test.threeport.io/hold"] }) });
  const first = await api.call("DELETE", `${widgets}/a`);
  expect([first.status, first.body.metadata.generation]).toEqual([200, 2]);
  const second = await api.call("DELETE", `${widgets}/a`);
  expect([second.status, second.body.metadata.generation, second.body.metadata.resourceVersion]).toEqual([200, 2, first.body.metadata.resourceVersion]);
});

test("K1: kinds without a status have no generation", async () => {
  await using api = await openTestApi();
  const made = await api.call("POST", configMaps, { body: configMap("a", { k: "v" }, { generation: 5 }) });
  expect(made.body.metadata.generation).toBeUndefined();
});
