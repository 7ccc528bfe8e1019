import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PlatformError } from "../errors.ts";
import { deepClone } from "../json.ts";
import { jsonPatch } from "./json-patch.ts";

function errorOf(fn: () => unknown): PlatformError {
  try {
    fn();
  } catch (thrown) {
    if (thrown instanceof PlatformError) return thrown;
    throw thrown;
  }
  throw new Error("expected an error");
}

describe("jsonPatch", () => {
  // The examples of RFC 6902, appendix A, that apply.
  test.each([
    { doc: { foo: "bar" }, patch: [{ op: "add", path: "/baz", value: "qux" }], result: { foo: "bar", baz: "qux" } },
    { doc: { foo: ["bar", "baz"] }, patch: [{ op: "add", path: "/foo/1", value: "qux" }], result: { foo: ["bar", "qux", "baz"] } },
    { doc: { baz: 1, foo: "bar" }, patch: [{ op: "remove", path: "/baz" }], result: { foo: "bar" } },
    { doc: { foo: ["a", "b", "c"] }, patch: [{ op: "remove", path: "/foo/1" }], result: { foo: ["a", "c"] } },
    { doc: { baz: "qux" }, patch: [{ op: "replace", path: "/baz", value: "boo" }], result: { baz: "boo" } },
    {
      doc: { foo: { bar: "baz", waldo: "fred" }, qux: { corge: "grault" } },
      patch: [{ op: "move", from: "/foo/waldo", path: "/qux/thud" }],
      result: { foo: { bar: "baz" }, qux: { corge: "grault", thud: "fred" } },
    },
    {
      doc: { foo: ["all", "grass", "cows", "eat"] },
      patch: [{ op: "move", from: "/foo/1", path: "/foo/3" }],
      result: { foo: ["all", "cows", "eat", "grass"] },
    },
    {
      doc: { baz: "qux", foo: ["a", 2, "c"] },
      patch: [
        { op: "test", path: "/baz", value: "qux" },
        { op: "test", path: "/foo/1", value: 2 },
      ],
      result: { baz: "qux", foo: ["a", 2, "c"] },
    },
    { doc: { foo: "bar" }, patch: [{ op: "add", path: "/child", value: { grandchild: {} } }], result: { foo: "bar", child: { grandchild: {} } } },
    { doc: { "/": 9, "~1": 10 }, patch: [{ op: "test", path: "/~01", value: 10 }], result: { "/": 9, "~1": 10 } },
    { doc: { foo: ["bar"] }, patch: [{ op: "add", path: "/foo/-", value: ["abc", "def"] }], result: { foo: ["bar", ["abc", "def"]] } },
    { doc: { a: 1 }, patch: [{ op: "replace", path: "", value: { b: 2 } }], result: { b: 2 } },
    { doc: { "": { "a/b": 1 } }, patch: [{ op: "replace", path: "//a~1b", value: 2 }], result: { "": { "a/b": 2 } } },
    { doc: { a: [1, 2] }, patch: [{ op: "replace", path: "/a/-1", value: 3 }], result: { a: [1, 3] } },
    { doc: {}, patch: [{ op: "replace", path: "/a", value: 1 }], result: { a: 1 } },
    { doc: {}, patch: [{ op: "test", path: "/a", value: null }], result: {} },
    {
      doc: { a: { b: [1] } },
      patch: [
        { op: "copy", from: "/a", path: "/c" },
        { op: "add", path: "/c/b/-", value: 2 },
        { op: "add", path: "/a/b/0", value: 0 },
      ],
      result: { a: { b: [0, 1] }, c: { b: [1, 2] } },
    },
  ])("$doc with $patch is $result", ({ doc, patch, result }) => {
    const [docBefore, patchBefore] = [deepClone(doc), deepClone(patch)];
    expect(jsonPatch(doc, patch)).toEqual(result);
    expect(doc).toEqual(docBefore);
    expect(patch).toEqual(patchBefore);
  });

  test.each([
    { patch: {}, code: "TP_BAD_REQUEST", message: /list of operations/ },
    { patch: ["x"], code: "TP_BAD_REQUEST", message: /operation 0 is not an object/ },
    { patch: [{ op: "spam", path: "/a" }], code: "TP_INVALID", message: /one of add, remove/ },
    { patch: [{ op: "add", path: "a", value: 1 }], code: "TP_INVALID", message: /JSON pointer/ },
    { patch: [{ op: "add", path: "/a" }], code: "TP_INVALID", message: /`value` is missing/ },
    { patch: [{ op: "add", path: "/x/y", value: 1 }], code: "TP_INVALID", message: /there is no \/x to change/ },
    { patch: [{ op: "add", path: "/list/4", value: 1 }], code: "TP_INVALID", message: /3 elements, no index 4/ },
    { patch: [{ op: "add", path: "/list/1e0", value: 1 }], code: "TP_INVALID", message: /not an index/ },
    { patch: [{ op: "add", path: "/list/length", value: 0 }], code: "TP_INVALID", message: /not an index/ },
    { patch: [{ op: "remove", path: "/list/3" }], code: "TP_INVALID", message: /no index 3/ },
    { patch: [{ op: "remove", path: "/list/-4" }], code: "TP_INVALID", message: /no index -4/ },
    { patch: [{ op: "remove", path: "/x" }], code: "TP_INVALID", message: /nothing at this path/ },
    { patch: [{ op: "remove", path: "/constructor" }], code: "TP_INVALID", message: /nothing at this path/ },
    { patch: [{ op: "remove", path: "" }], code: "TP_INVALID", message: /whole object/ },
    { patch: [{ op: "test", path: "/a", value: 2 }], code: "TP_INVALID", message: /test expects/ },
    { patch: [{ op: "test", path: "/a/b", value: 2 }], code: "TP_INVALID", message: /no \/a to look into/ },
    { patch: [{ op: "move", from: "/list", path: "/list/0" }], code: "TP_INVALID", message: /into itself/ },
    { patch: [{ op: "copy", path: "/b" }], code: "TP_INVALID", message: /`from` must be/ },
    { patch: [{ op: "replace", path: "", value: [] }], code: "TP_INVALID", message: /not an object/ },
    {
      patch: [
        { op: "replace", path: "", value: 1 },
        { op: "add", path: "/a", value: 1 },
      ],
      code: "TP_INVALID",
      message: /operation 1 .* not an object any more/,
    },
    { patch: Array.from({ length: 10_001 }, () => ({ op: "test", path: "/a", value: 1 })), code: "TP_TOO_LARGE", message: /10000, got 10001/ },
  ])("$patch is refused with $code", ({ patch, code, message }) => {
    const error = errorOf(() => jsonPatch({ a: 1, list: [1, 2, 3] }, patch));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  test("an error names the operation and not the values, which may be secret", () => {
    const error = errorOf(() => jsonPatch({ password: "hunter2" }, [{ op: "test", path: "/password", value: "hunter3" }]));
    expect(error.causes[0]?.field).toBe("patch[0]");
    expect(JSON.stringify([error.message, error.causes])).not.toMatch(/hunter/);
  });

  test("copies that double a value end at the limit, not in memory", () => {
    const patch = Array.from({ length: 64 }, (_, index) => ({ op: "copy", from: "/a", path: `/a/${index}` }));
    expect(errorOf(() => jsonPatch({ a: { text: "a".repeat(1_000) } }, patch)).code).toBe("TP_TOO_LARGE");
  });

  test("ten thousand insertions at the front of a long list end at the limit, not after seconds", () => {
    const patch = Array.from({ length: 10_000 }, () => ({ op: "add", path: "/a/0", value: 0 }));
    expect(errorOf(() => jsonPatch({ a: Array.from({ length: 1_000_000 }, () => 0) }, patch)).code).toBe("TP_TOO_LARGE");
    expect(jsonPatch({ a: [] }, patch)["a"]).toHaveLength(10_000);
  });

  test("a patch cannot reach a prototype", () => {
    const patched = jsonPatch({}, [
      { op: "add", path: "/__proto__", value: {} },
      { op: "add", path: "/__proto__/admin", value: true },
    ]);
    expect(Object.keys(patched)).toEqual(["__proto__"]);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
    expect(() => jsonPatch({}, [{ op: "add", path: "/constructor/prototype/admin", value: true }])).toThrow(PlatformError);
  });

  test("random operations never change their inputs, and what is added can be removed again", () => {
    const doc = { a: [1, { b: 2 }], c: { d: [] as unknown[] } };
    const pointer = fc.constantFrom("", "/a", "/a/0", "/a/1", "/a/-", "/a/1/b", "/c", "/c/d", "/c/d/0", "/e");
    const operation = fc.record({
      op: fc.constantFrom("add", "remove", "replace", "move", "copy"),
      path: pointer,
      from: pointer,
      value: fc.jsonValue({ maxDepth: 2 }),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 6 }), (patch) => {
        const before = deepClone({ doc, patch });
        try {
          jsonPatch(doc, patch);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(PlatformError);
        }
        expect({ doc, patch }).toEqual(before);
      }),
      { numRuns: 1_000 },
    );
    fc.assert(
      fc.property(fc.string(), fc.jsonValue(), (name, value) => {
        const path = `/c/${name.replaceAll("~", "~0").replaceAll("/", "~1")}x`;
        expect(
          jsonPatch(doc, [
            { op: "add", path, value },
            { op: "remove", path },
          ]),
        ).toEqual(doc);
      }),
    );
  });
});
