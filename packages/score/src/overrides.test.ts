import { expect, test } from "vitest";
import { mergeOverrides, overrideProperty } from "./overrides.ts";
import { withImages } from "./images.ts";
import type { ScoreDocument } from "./document.ts";

test("an overrides file merges mappings and replaces everything else, null included", () => {
  const document = { a: { x: 1, y: 2 }, list: [1, 2], s: "t", keep: true };
  expect(mergeOverrides(document, { a: { y: 3, z: 4 }, list: [], s: "", n: null })).toEqual({ a: { x: 1, y: 3, z: 4 }, list: [], s: "", keep: true, n: null });
  expect(document.a).toEqual({ x: 1, y: 2 });
});

test("no name reaches a prototype", () => {
  const merged = mergeOverrides({}, JSON.parse('{"__proto__":{"polluted":1}}')) as object;
  expect([Object.keys(merged), ({} as { polluted?: number }).polluted]).toEqual([["__proto__"], undefined]);
  overrideProperty({}, "__proto__.polluted", 1);
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
});

test.each<[string, unknown, unknown]>([
  ["a.b", 1, { a: { b: 1 }, list: [1, 2], "x.y": {} }],
  ["new.deep", "v", { a: {}, list: [1, 2], "x.y": {}, new: { deep: "v" } }],
  ["list.1", 9, { a: {}, list: [1, 9], "x.y": {} }],
  ["list.-1", 3, { a: {}, list: [1, 2, 3], "x.y": {} }],
  ["list.0", null, { a: {}, list: [2], "x.y": {} }],
  ["x\\.y.z", 1, { a: {}, list: [1, 2], "x.y": { z: 1 } }],
  ["a", undefined, { list: [1, 2], "x.y": {} }],
  ["b\\\\c", 1, { a: {}, list: [1, 2], "x.y": {}, "b\\c": 1 }],
])("the property %s set to %j", (path, value, wanted) => {
  expect(overrideProperty({ a: {}, list: [1, 2], "x.y": {} }, path, value)).toEqual(wanted);
});

test.each([
  ["list.2", /list has 2 items: write 0 to 1, or -1 to add one/],
  ["list.x", /list has 2 items/],
  ["list.-1", /list has 2 items/, null],
  ["text.below", /"t" has nothing below it/],
  ["a..b", /no path of a property/],
  ["", /no path of a property/],
])("the property %s is refused, with what to write", (path, message, value: unknown = 1) => {
  expect(() => overrideProperty({ list: [1, 2], text: "t" }, path, value)).toThrow(message);
});

test("images stand in for a dot alone, by container or for all", () => {
  const document = {
    metadata: { name: "app" },
    containers: { web: { image: "." }, side: { image: "." }, fixed: { image: "nginx" } },
  } as unknown as ScoreDocument;
  const images = (all: string | undefined, byContainer: Record<string, string> = {}) =>
    Object.entries(withImages(document, { all, byContainer: new Map(Object.entries(byContainer)) }).containers).map(([name, { image }]) => `${name}=${image}`);
  expect(images("app:1", { side: "side:2" })).toEqual(["web=app:1", "side=side:2", "fixed=nginx"]);
  expect(images(undefined)).toEqual(["web=.", "side=.", "fixed=nginx"]);
  expect(() => images(undefined, { fixed: "x" })).toThrow("workload app has no container fixed with image: .");
  expect(() => images(undefined, { nowhere: "x" })).toThrow("no container nowhere");
});
