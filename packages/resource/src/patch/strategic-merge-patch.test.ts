import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PlatformError } from "../errors.ts";
import { deepClone, deepEqual, isJsonObject } from "../json.ts";
import type { JsonObject } from "../object.ts";
import { type Schema, childSchema } from "../schema.ts";
import { identityOf, listStrategy } from "./merge-list.ts";
import { strategicMergePatch } from "./strategic-merge-patch.ts";

const text: Schema = { type: "string" };
const schema: Schema = {
  type: "object",
  properties: {
    spec: {
      type: "object",
      properties: {
        replicas: { type: "integer" },
        args: { type: "array", items: text },
        tags: { type: "array", items: text, "x-kubernetes-patch-strategy": "merge" },
        zones: { type: "array", items: text, "x-kubernetes-list-type": "set" },
        containers: {
          type: "array",
          "x-kubernetes-patch-strategy": "merge",
          "x-kubernetes-patch-merge-key": "name",
          items: {
            type: "object",
            properties: { name: text, image: text, tags: { type: "array", items: text, "x-kubernetes-patch-strategy": "merge" } },
          },
        },
        ports: {
          type: "array",
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["port", "protocol"],
          items: { type: "object", properties: { port: { type: "integer" }, protocol: { type: "string", default: "TCP" }, name: text } },
        },
        strategy: { type: "object", properties: { type: text, rolling: { type: "object" } }, "x-kubernetes-patch-strategy": "retainKeys" },
        whole: { type: "object", additionalProperties: text, "x-kubernetes-patch-strategy": "replace" },
      },
    },
  },
};

const patched = (spec: JsonObject, patch: JsonObject) => strategicMergePatch({ spec }, { spec: patch }, schema)["spec"];
const c = (name: string, more: JsonObject = {}) => ({ name, ...more });

describe("strategicMergePatch", () => {
  test.each([
    { because: "objects merge and null removes", spec: { replicas: 1, whole: { a: "1" } }, patch: { replicas: null }, result: { whole: { a: "1" } } },
    { because: "a list without a strategy is replaced", spec: { args: ["a", "b"] }, patch: { args: ["c"] }, result: { args: ["c"] } },
    {
      because: "a set takes what is new, before what is only there",
      spec: { tags: ["a", "b"] },
      patch: { tags: ["c", "b"] },
      result: { tags: ["c", "a", "b"] },
    },
    { because: "a list of type set merges without a patch strategy", spec: { zones: ["a"] }, patch: { zones: ["a", "b"] }, result: { zones: ["a", "b"] } },
    {
      because: "values leave a set by their list",
      spec: { tags: ["a", "b", "c"] },
      patch: { "$deleteFromPrimitiveList/tags": ["b", "x"] },
      result: { tags: ["a", "c"] },
    },
    { because: "nothing leaves a set that is not there", spec: {}, patch: { "$deleteFromPrimitiveList/tags": ["b"] }, result: {} },
    {
      because: "elements merge by key and new ones are added",
      spec: { containers: [c("a", { image: "1" }), c("b", { image: "1" })] },
      patch: { containers: [c("b", { image: "2" }), c("d")] },
      result: { containers: [c("a", { image: "1" }), c("b", { image: "2" }), c("d")] },
    },
    {
      because: "an element is deleted by its key",
      spec: { containers: [c("a"), c("b")] },
      patch: { containers: [{ $patch: "delete", name: "a" }] },
      result: { containers: [c("b")] },
    },
    {
      because: "a list is replaced when an element says so",
      spec: { containers: [c("a"), c("b")] },
      patch: { containers: [c("x"), { $patch: "replace" }] },
      result: { containers: [c("x")] },
    },
    {
      because: "null in an element removes its field",
      spec: { containers: [c("a", { image: "1" })] },
      patch: { containers: [c("a", { image: null })] },
      result: { containers: [c("a")] },
    },
    {
      because: "a new element has no nulls and no directives",
      spec: { containers: [] },
      patch: { containers: [c("a", { image: null, tags: ["x"], "$setElementOrder/tags": ["x"] })] },
      result: { containers: [c("a", { tags: ["x"] })] },
    },
    {
      because: "the order that the patch gives wins, and others keep their place before what they stood before",
      spec: { containers: [c("a"), c("s"), c("b"), c("d")] },
      patch: { "$setElementOrder/containers": [c("d"), c("b"), c("a")], containers: [c("b", { image: "2" })] },
      result: { containers: [c("s"), c("d"), c("b", { image: "2" }), c("a")] },
    },
    { because: "an order alone reorders", spec: { tags: ["a", "b"] }, patch: { "$setElementOrder/tags": ["b", "a"] }, result: { tags: ["b", "a"] } },
    {
      because: "list-map keys with defaults identify elements",
      spec: {
        ports: [
          { port: 80, name: "x" },
          { port: 80, protocol: "UDP" },
        ],
      },
      patch: { ports: [{ port: 80, protocol: "TCP", name: "web" }] },
      result: {
        ports: [
          { port: 80, name: "web", protocol: "TCP" },
          { port: 80, protocol: "UDP" },
        ],
      },
    },
    {
      because: "keys that are not retained go",
      spec: { strategy: { type: "RollingUpdate", rolling: { max: 1 } } },
      patch: { strategy: { $retainKeys: ["type"], type: "Recreate" } },
      result: { strategy: { type: "Recreate" } },
    },
    {
      because: "$patch: replace replaces an object",
      spec: { strategy: { type: "a", rolling: {} } },
      patch: { strategy: { $patch: "replace", type: "b" } },
      result: { strategy: { type: "b" } },
    },
    { because: "$patch: delete empties an object", spec: { strategy: { type: "a" } }, patch: { strategy: { $patch: "delete" } }, result: { strategy: {} } },
    {
      because: "$patch: merge says what happens anyway",
      spec: { strategy: { type: "a" } },
      patch: { strategy: { $patch: "merge", rolling: {} } },
      result: { strategy: { type: "a", rolling: {} } },
    },
    { because: "a replace strategy replaces objects", spec: { whole: { a: "1" } }, patch: { whole: { b: "2" } }, result: { whole: { b: "2" } } },
    { because: "another type replaces", spec: { args: ["a"] }, patch: { args: { x: null, y: 1 } }, result: { args: { y: 1 } } },
  ])("$because", ({ spec, patch, result }) => {
    const before = deepClone({ spec, patch });
    expect(patched(spec, patch)).toEqual(result);
    expect({ spec, patch }).toEqual(before);
  });

  test("finalizers and owners merge in every object, also without a schema", () => {
    const owner = (uid: string) => ({ uid, name: uid });
    const current = { metadata: { finalizers: ["a"], ownerReferences: [owner("1")] }, list: [1] };
    const result = strategicMergePatch(current, { metadata: { finalizers: ["b"], ownerReferences: [owner("2")] }, list: [2] });
    expect(result).toEqual({ metadata: { finalizers: ["b", "a"], ownerReferences: [owner("2"), owner("1")] }, list: [2] });
  });

  test.each([
    { patch: [], code: "TP_BAD_REQUEST" },
    { patch: { spec: { $patch: "remove" } }, code: "TP_BAD_REQUEST" },
    { patch: { spec: { strategy: { $retainKeys: "type" } } }, code: "TP_BAD_REQUEST" },
    { patch: { spec: { strategy: { $retainKeys: ["type"], rolling: {} } } }, code: "TP_BAD_REQUEST" },
    { patch: { spec: { "$deleteFromPrimitiveList/tags": "a" } }, code: "TP_BAD_REQUEST" },
    { patch: { spec: { "$deleteFromPrimitiveList/containers": ["a"] } }, code: "TP_BAD_REQUEST" },
    { patch: { spec: { "$setElementOrder/tags": {} } }, code: "TP_BAD_REQUEST" },
    { patch: { spec: { "$setElementOrder/tags": ["a", "b"], tags: ["b", "a"] } }, code: "TP_INVALID" },
    { patch: { spec: { "$setElementOrder/tags": ["a"], tags: ["b"] } }, code: "TP_INVALID" },
    { patch: { spec: { containers: [{ image: "x" }] } }, code: "TP_INVALID" },
    { patch: { spec: { containers: ["x"] } }, code: "TP_INVALID" },
    { patch: { spec: { containers: [{ $patch: "delete" }] } }, code: "TP_INVALID" },
    { patch: { spec: { containers: [{ $patch: "merge", name: "a" }] } }, code: "TP_BAD_REQUEST" },
    { patch: { spec: { tags: [{ a: 1 }] } }, code: "TP_INVALID" },
  ])("$patch is refused with $code", ({ patch, code }) => {
    const current = { spec: { tags: ["a"], containers: [c("a")], strategy: { type: "x" } } };
    let thrown: unknown;
    try {
      strategicMergePatch(current, patch, schema);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(PlatformError);
    expect((thrown as PlatformError).code).toBe(code);
  });

  test("a patch without effect gives the object itself, and untouched parts are shared", () => {
    const current = { spec: { containers: [c("a", { image: "1" }), c("b")], tags: ["x"], args: ["y"] } };
    const same = { spec: { containers: [c("a", { image: "1" })], "$setElementOrder/containers": [c("a"), c("b")], tags: ["x"], args: ["y"] } };
    expect(strategicMergePatch(current, same, schema)).toBe(current);
    const changed = strategicMergePatch(current, { spec: { containers: [c("b", { image: "2" })] } }, schema) as typeof current;
    expect(changed.spec.containers[0]).toBe(current.spec.containers[0]);
  });

  test("a patch cannot reach a prototype", () => {
    const result = strategicMergePatch({}, JSON.parse('{"__proto__":{"admin":true},"a":{"__proto__":{"admin":true}}}'), schema);
    expect(Object.keys(result)).toEqual(["__proto__", "a"]);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  test("the patch between two objects, as kubectl makes it, turns one into the other", () => {
    const names = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"));
    const container = fc.record({ image: fc.constantFrom("1", "2"), tags: names }, { requiredKeys: [] });
    const spec = fc.record(
      {
        replicas: fc.nat({ max: 2 }),
        args: fc.array(fc.constantFrom("a", "b")),
        tags: names,
        zones: names,
        containers: names.chain((all) => fc.tuple(...all.map((name) => container.map((rest) => ({ name, ...rest }))))),
        strategy: fc.record({ type: fc.constantFrom("x", "y"), rolling: fc.record({ max: fc.nat({ max: 2 }) }, { requiredKeys: [] }) }, { requiredKeys: [] }),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(spec, spec, (from, to) => {
        const before = deepClone({ spec: from }) as unknown as JsonObject;
        const after = deepClone({ spec: to }) as unknown as JsonObject;
        expect(strategicMergePatch(before, difference(before, after, schema), schema)).toEqual(after);
        expect(before).toEqual({ spec: from });
      }),
      { numRuns: 500 },
    );
  });
});

/** The patch that kubectl would send: deletions by directive, changed elements by key, and the order of every merged list. */
function difference(before: JsonObject, after: JsonObject, within: Schema | undefined): JsonObject {
  const patch: JsonObject = {};
  for (const key of Object.keys(before)) if (!Object.hasOwn(after, key)) patch[key] = null;
  for (const [key, value] of Object.entries(after)) {
    const was = before[key];
    const sub = childSchema(within, key);
    const strategy = listStrategy(sub);
    if (deepEqual(was, value)) continue;
    if (isJsonObject(was) && isJsonObject(value)) patch[key] = difference(was, value, sub);
    else if (!Array.isArray(was) || !Array.isArray(value) || strategy.kind === "replace") patch[key] = value;
    else if (strategy.kind === "set") {
      patch[key] = value.filter((item) => !was.includes(item));
      patch[`$deleteFromPrimitiveList/${key}`] = was.filter((item) => !value.includes(item));
      patch[`$setElementOrder/${key}`] = value;
    } else {
      const identity = identityOf(strategy);
      const old = new Map(was.map((item) => [identity(item), item as JsonObject]));
      const now = new Set(value.map(identity));
      const name = (item: JsonObject) => Object.fromEntries(strategy.keys.map((listKey) => [listKey.name, item[listKey.name]]));
      const changed = (value as JsonObject[]).map((item) => ({ ...difference(old.get(identity(item)) ?? {}, item, sub?.items), ...name(item) }));
      const gone = [...old].filter(([id]) => !now.has(id)).map(([, item]) => ({ $patch: "delete", ...name(item) }));
      patch[key] = [...changed, ...gone];
      patch[`$setElementOrder/${key}`] = (value as JsonObject[]).map(name);
    }
  }
  return patch;
}
