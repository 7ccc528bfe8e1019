import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { deepClone } from "../json.ts";
import type { JsonObject } from "../object.ts";
import { createMergePatch, mergePatch } from "./merge-patch.ts";

const key = fc.constantFrom("a", "b", "c", "__proto__", "constructor");
const leaf = fc.constantFrom<unknown>(0, 1, "x", true, [], [1, null], [{ a: 1 }]);
const { object } = fc.letrec<{ object: JsonObject; value: unknown }>((tie) => ({
  object: fc.dictionary(key, tie("value"), { maxKeys: 4 }) as fc.Arbitrary<JsonObject>,
  value: fc.oneof({ depthSize: "small", withCrossShrink: true }, leaf, tie("object")),
}));
const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;

describe("mergePatch", () => {
  // The examples of RFC 7386, appendix A, as far as the target is an object.
  test.each([
    { target: { a: "b" }, patch: { a: "c" }, result: { a: "c" } },
    { target: { a: "b" }, patch: { b: "c" }, result: { a: "b", b: "c" } },
    { target: { a: "b" }, patch: { a: null }, result: {} },
    { target: { a: "b", b: "c" }, patch: { a: null }, result: { b: "c" } },
    { target: { a: ["b"] }, patch: { a: "c" }, result: { a: "c" } },
    { target: { a: "c" }, patch: { a: ["b"] }, result: { a: ["b"] } },
    { target: { a: { b: "c" } }, patch: { a: { b: "d", c: null } }, result: { a: { b: "d" } } },
    { target: { a: [{ b: "c" }] }, patch: { a: [1] }, result: { a: [1] } },
    { target: { e: null }, patch: { a: 1 }, result: { e: null, a: 1 } },
    { target: {}, patch: { a: { bb: { ccc: null } } }, result: { a: { bb: {} } } },
    { target: { a: "foo" }, patch: { a: { b: 1, c: null } }, result: { a: { b: 1 } } },
    { target: {}, patch: { a: [null, { b: null }] }, result: { a: [null, { b: null }] } },
  ])("$target with $patch is $result", ({ target, patch, result }) => {
    expect(mergePatch(target, patch)).toEqual(result);
  });

  test.each([null, [], "x", 1, undefined])("a patch that is %j is refused", (patch) => {
    expect(() => mergePatch({}, patch)).toThrow(/must be a JSON object/);
  });

  test("the patch between two objects turns one into the other", () => {
    fc.assert(
      fc.property(object, object, (before, after) => {
        expect(plain(mergePatch(before, createMergePatch(before, after)))).toEqual(plain(after));
      }),
    );
  });

  test("applying a patch twice is applying it once, and the inputs stay as they were", () => {
    fc.assert(
      fc.property(object, object, (current, patch) => {
        const copies = [deepClone(current), deepClone(patch)];
        const once = mergePatch(current, patch);
        expect(mergePatch(once, patch)).toBe(once);
        expect([current, patch]).toEqual(copies);
      }),
    );
  });

  test("what a patch does not touch is shared, and a patch without effect gives the object itself", () => {
    const current = { spec: { a: { x: [1, { y: 2 }] }, b: {} } };
    const changed = mergePatch(current, { spec: { b: { c: 1 } } }) as typeof current;
    expect(changed.spec.a).toBe(current.spec.a);
    expect(mergePatch(current, { spec: { a: { x: [1, { y: 2 }] }, gone: null } })).toBe(current);
  });

  test("a patch cannot reach a prototype", () => {
    const merged = mergePatch({}, JSON.parse('{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}'));
    expect(Object.keys(merged)).toEqual(["__proto__", "constructor"]);
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});
