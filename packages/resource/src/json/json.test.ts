import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PlatformError } from "../errors.ts";
import { deepClone, deepEqual, formatPath, getPath, parsePath, setPath } from "../json.ts";

describe("deepEqual and deepClone", () => {
  test("a clone is equal and shares nothing", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const copy = deepClone(value);
        expect(deepEqual(copy, value)).toBe(true);
        if (typeof value === "object" && value !== null) expect(copy).not.toBe(value);
      }),
    );
  });

  test("two values are equal exactly when they print the same with sorted keys", () => {
    const small = fc.jsonValue({ maxDepth: 2 });
    const print = (value: unknown): string =>
      JSON.stringify(value, (_, node: unknown) =>
        typeof node === "object" && node !== null && !Array.isArray(node)
          ? Object.fromEntries(Object.entries(node).toSorted(([a], [b]) => (a < b ? -1 : 1)))
          : node,
      );
    fc.assert(fc.property(small, small, (a, b) => deepEqual(a, b) === (print(a) === print(b))));
  });

  test.each([
    { a: { x: 1, y: undefined }, b: { x: 1 }, equal: true, because: "undefined is absent in JSON" },
    { a: { x: undefined }, b: { y: 1 }, equal: false, because: "a missing key is no match for a present one" },
    { a: [1, 2], b: [2, 1], equal: false, because: "order of lists counts" },
    { a: {}, b: [], equal: false, because: "an object is no list" },
    { a: 0, b: -0, equal: true, because: "both print as 0" },
    { a: null, b: {}, equal: false, because: "null is a value" },
    { a: { toString: 1 }, b: {}, equal: false, because: "inherited properties are not data" },
    { a: JSON.parse('{"__proto__":{}}') as unknown, b: {}, equal: false, because: "__proto__ is an ordinary key" },
  ])("$a against $b is $equal, because $because", ({ a, b, equal }) => {
    expect(deepEqual(a, b)).toBe(equal);
    expect(deepEqual(b, a)).toBe(equal);
  });

  test("a clone keeps __proto__ as data", () => {
    const copy = deepClone(JSON.parse('{"__proto__":{"x":1}}') as object);
    expect(Object.keys(copy)).toEqual(["__proto__"]);
    expect((copy as { x?: number }).x).toBeUndefined();
  });
});

describe("field paths", () => {
  test.each([
    { segments: ["spec", "a", 2, "b", "x.y/z"], text: "spec.a[2].b[x.y/z]" },
    { segments: ["metadata", "labels", "app"], text: "metadata.labels.app" },
    { segments: [0, "a"], text: "[0].a" },
    { segments: ["a", "2"], text: "a.2" },
    { segments: ["a", "1.2"], text: "a[1.2]" },
    { segments: ["a", ""], text: 'a[""]' },
    { segments: ["a", ']"'], text: 'a["]\\""]' },
    { segments: [], text: "" },
  ])("$segments prints as $text", ({ segments, text }) => {
    expect(formatPath(segments)).toBe(text);
    expect(parsePath(text)).toEqual(segments);
  });

  test("every path that is printed is read back", () => {
    const segment = fc.oneof(fc.nat(), fc.string(), fc.string({ unit: fc.constantFrom(".", "[", "]", '"', "'", "\\", "/", "a", "1", " ") }));
    fc.assert(
      fc.property(fc.array(segment), (segments) => {
        expect(parsePath(formatPath(segments))).toEqual(segments);
      }),
    );
  });

  test("quotes of both kinds are read", () => {
    expect(parsePath(`spec.a[2].b["x.y/z"]['k']`)).toEqual(["spec", "a", 2, "b", "x.y/z", "k"]);
  });

  test.each(["a..b", "a.", "a[", "a[]", 'a["b]', "a]b", 'a["\\q"]'])("%s is refused", (text) => {
    expect(() => parsePath(text)).toThrow(PlatformError);
  });

  test("getPath finds own values only", () => {
    const object = { a: [{ b: 1 }], l: { "x.y/z": 2 } };
    expect(getPath(object, "a[0].b")).toBe(1);
    expect(getPath(object, 'l["x.y/z"]')).toBe(2);
    expect(getPath(object, "a.length")).toBeUndefined();
    expect(getPath(object, "constructor")).toBeUndefined();
    expect(getPath(object, "__proto__.polluted")).toBeUndefined();
    expect(getPath(object, "a[0].b.c")).toBeUndefined();
    expect(getPath(object, "")).toBe(object);
  });

  test("setPath changes a copy, shares the rest, and makes what is missing", () => {
    const object = { a: [{ b: 1 }, { b: 2 }], c: { d: 1 } };
    const changed = setPath(object, "a[1].b", 3);
    expect(changed).toEqual({ a: [{ b: 1 }, { b: 3 }], c: { d: 1 } });
    expect(object.a[1]).toEqual({ b: 2 });
    expect(changed["c"]).toBe(object.c);
    expect(setPath({}, "x.y[0].z", 1)).toEqual({ x: { y: [{ z: 1 }] } });
    expect(setPath(object, "c.d", undefined)).toEqual({ a: object.a, c: {} });
    expect(setPath(object, "x.y", undefined)).toEqual(object);
    expect(() => setPath(object, "a[5].b", 1)).toThrow(/a list of 2/);
    expect(() => setPath(object, "c.d.e", 1)).toThrow(/a number/);
  });

  test("setPath cannot reach a prototype", () => {
    const changed = setPath({}, "__proto__.admin", true);
    expect(Object.keys(changed)).toEqual(["__proto__"]);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});
