import { expect, test } from "vitest";
import { configMaps, configMap, widget, widgets } from "../testing/paths.ts";
import { openTestApi } from "../testing/test-api.ts";
import { watching } from "../testing/watching.ts";
import { age } from "./table.ts";

const asTable = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" };
const asPartial = { accept: "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io,application/json" };

test("kubectl's Table holds the kind's columns, a row for each object, and as much of the object as was asked for", async () => {
  await using api = await openTestApi();
  await api.call("POST", widgets, { body: widget("a", { size: 3, color: "red" }) });
  const one = (await api.call("GET", `${widgets}/a`, { headers: asTable })).body as unknown as {
    kind: string;
    apiVersion: string;
    columnDefinitions: { name: string; priority: number }[];
    rows: { cells: unknown[]; object: { kind: string; metadata: { name: string }; spec?: unknown } }[];
  };
  expect([one.kind, one.apiVersion, one.columnDefinitions.map((column) => [column.name, column.priority])]).toEqual([
    "Table",
    "meta.k8s.io/v1",
    [
      ["Name", 0],
      ["Size", 0],
      ["Color", 1],
      ["Age", 0],
    ],
  ]);
  expect(one.rows[0]?.cells).toEqual(["a", 3, "red", expect.stringMatching(/^\d+s$/)]);
  expect(one.rows[0]?.object).toMatchObject({ kind: "PartialObjectMetadata", metadata: { name: "a" } });
  expect(one.rows[0]?.object.spec).toBeUndefined();
  const list = async (include: string) => (await api.call("GET", `${widgets}?includeObject=${include}`, { headers: asTable })).body as unknown as typeof one;
  expect((await list("Object")).rows[0]?.object).toMatchObject({ kind: "Widget", spec: { size: 3 } });
  expect((await list("None")).rows[0]).toEqual({ cells: ["a", 3, "red", expect.any(String)] });
  expect((await api.call("GET", `${widgets}?includeObject=Some`, { headers: asTable })).status).toBe(400);
});

test("pages of a Table go on with the token in its metadata", async () => {
  await using api = await openTestApi();
  for (const name of ["a", "b", "c"]) await api.call("POST", configMaps, { body: configMap(name) });
  const first = (await api.call("GET", `${configMaps}?limit=2`, { headers: asTable })).body;
  const second = (await api.call("GET", `${configMaps}?limit=2&continue=${String(first.metadata.continue)}`, { headers: asTable })).body;
  expect([first, second].map((page) => (page["rows"] as { cells: string[] }[]).map((row) => row.cells[0]))).toEqual([["a", "b"], ["c"]]);
});

test("PartialObjectMetadata leaves everything but metadata out, of one object and of lists", async () => {
  await using api = await openTestApi();
  await api.call("POST", configMaps, { body: configMap("a", { k: "v" }) });
  const one = (await api.call("GET", `${configMaps}/a`, { headers: asPartial })).body;
  expect([one.kind, one.apiVersion, one.metadata.name, one["data"]]).toEqual(["PartialObjectMetadata", "meta.k8s.io/v1", "a", undefined]);
  const list = (await api.call("GET", configMaps, { headers: { accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io" } })).body;
  expect([list.kind, list.items.map((item) => [item.kind, item.metadata.name, item["data"]])]).toEqual([
    "PartialObjectMetadataList",
    [["PartialObjectMetadata", "a", undefined]],
  ]);
});

test("watches speak the same forms; a Table's columns come once", async () => {
  await using api = await openTestApi();
  await using tables = await watching(api, `${configMaps}?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`, {
    headers: asTable,
  });
  await using partials = await watching(api, configMaps, { headers: asPartial });
  await api.call("POST", configMaps, { body: configMap("a", { k: "v" }) });
  await api.call("PATCH", `${configMaps}/a`, { body: { data: { l: "w" } } });
  await Promise.all([tables.until(3), partials.until(2)]);
  const forms = tables.events.map((event) => [
    event.type,
    event.object.kind,
    event.object["columnDefinitions"] !== null,
    (event.object["rows"] as { cells: unknown[] }[])[0]?.cells.slice(0, 2),
  ]);
  expect(forms).toEqual([
    ["BOOKMARK", "Table", true, [null, null]],
    ["ADDED", "Table", false, ["a", 1]],
    ["MODIFIED", "Table", false, ["a", 2]],
  ]);
  expect(partials.events.map((event) => [event.type, event.object.kind, event.object["data"]])).toEqual([
    ["ADDED", "PartialObjectMetadata", undefined],
    ["MODIFIED", "PartialObjectMetadata", undefined],
  ]);
});

test("a form that is not served is refused with 406, and nothing was written for it", async () => {
  await using api = await openTestApi();
  for (const accept of ["text/html", "application/yaml", "application/vnd.kubernetes.protobuf", "application/json;as=Chart", "x"]) {
    const refused = await api.call("POST", configMaps, { body: configMap("a"), headers: { accept } });
    expect([refused.status, refused.body.reason], accept).toEqual([406, "NotAcceptable"]);
  }
  expect((await api.call("GET", `${configMaps}/a`)).status).toBe(404);
  for (const accept of ["*/*", "application/*", "", "application/vnd.kubernetes.protobuf, application/json", "application/json;q=0.9", "text/html, */*"]) {
    expect((await api.call("GET", configMaps, { headers: { accept } })).status, accept).toBe(200);
  }
});

test("ages read as kubectl prints them", () => {
  const cases = [
    [0, "0s"],
    [119, "119s"],
    [120, "2m"],
    [61 * 2, "2m2s"],
    [599, "9m59s"],
    [600, "10m"],
    [10_799, "179m"],
    [10_800, "3h"],
    [3 * 3600 + 60, "3h1m"],
    [8 * 3600, "8h"],
    [47 * 3600, "47h"],
    [48 * 3600, "2d"],
    [50 * 3600, "2d2h"],
    [8 * 86_400, "8d"],
    [729 * 86_400, "729d"],
    [730 * 86_400, "2y"],
    [731 * 86_400, "2y1d"],
    [9 * 365 * 86_400 + 86_400, "9y"],
    [-5, "0s"],
  ] as const;
  const now = Date.parse("2026-11-22T00:00:00Z");
  for (const [seconds, text] of cases) expect(age(new Date(now - seconds * 1000).toISOString(), now), String(seconds)).toBe(text);
  expect(age("yesterday", now)).toBe("<invalid>");
});
