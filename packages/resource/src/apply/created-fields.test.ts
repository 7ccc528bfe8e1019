import fc from "fast-check";
import { expect, test } from "vitest";
import type { JsonObject } from "../object.ts";
import { anySample, apiVersion, sample, sampleSchema } from "./sample-kind.test-support.ts";
import { updateManagedFields } from "./update-managed-fields.ts";

/** The way of all other writes: an empty list of managers is as good as none, and leaves the short way. */
function longWay(updated: JsonObject, always: JsonObject): unknown {
  const withNone = { ...updated, metadata: { ...(updated["metadata"] as JsonObject), managedFields: [] } };
  return updateManagedFields({ ...write, live: undefined, always, updated: withNone });
}

const write = { manager: "ann", operation: "Update", apiVersion, schema: sampleSchema, nowRfc3339: "2026-01-01T00:00:00Z" } as const;
const anyAlways = fc.constantFrom<JsonObject>({}, { spec: {} }, { spec: {}, status: {} }, { other: null, word: "" });
const extra = fc.record({ other: fc.constantFrom(null, "x"), word: fc.constantFrom("", "y"), status: fc.constant({ phase: "z" }) }, { requiredKeys: [] });

test("the short way of a create and the long way of all writes find the same owner of the same fields", () => {
  fc.assert(
    fc.property(anySample, extra, anyAlways, (made, more, always) => {
      const updated = { ...made, ...more };
      const short = updateManagedFields({ ...write, live: undefined, always, updated });
      expect(JSON.stringify(short)).toBe(JSON.stringify(longWay(updated, always)));
    }),
    { numRuns: 500 },
  );
});

test("elements that stand twice, elements without key and empty containers are owned as wholes", () => {
  for (const spec of [
    { items: [{ name: "a", value: 1 }, { name: "a" }, { name: "b", tags: [] }] },
    { items: [{ value: 1 }] },
    { zones: ["a", "a", "b"] },
    { zones: [{}] },
    { labels: {}, free: {}, nested: { y: {} }, ports: [] },
    {},
  ]) {
    const updated = sample({ spec });
    expect(updateManagedFields({ ...write, live: undefined, updated })).toEqual(longWay(updated, {}));
  }
});
