import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { deepEqual } from "../json.ts";
import type { JsonObject } from "../object.ts";
import { compare, isSame } from "./compare.ts";
import { fieldSetOf } from "./field-set-of.ts";
import { type FieldSet, intersection, isEmpty, isSubset, paths } from "./field-set.ts";
import { printPath } from "./path-element.ts";
import { anySample, sample, sampleSchema } from "./sample-kind.test-support.ts";

const print = (set: FieldSet) =>
  [...paths(set)]
    .map(printPath)
    .filter((path) => path.startsWith(".spec."))
    .map((path) => path.slice(".spec.".length))
    .toSorted();
const of = (spec: JsonObject) => sample({ spec });

describe("fieldSetOf", () => {
  test.each([
    { spec: { replicas: 1, title: "a" }, fields: ["replicas", "title"] },
    { spec: { labels: { k1: "a" } }, fields: ["labels.k1"], because: "the map itself is nobody's while it has keys" },
    { spec: { labels: {} }, fields: ["labels"] },
    { spec: { atomicMap: { k1: "a" }, atomicList: ["a"] }, fields: ["atomicList", "atomicMap"] },
    { spec: { zones: ["a", "b"] }, fields: ['zones[="a"]', 'zones[="b"]'] },
    { spec: { zones: [] }, fields: [] },
    { spec: { items: [{ name: "a", value: 1 }] }, fields: ['items[name="a"]', 'items[name="a"].name', 'items[name="a"].value'] },
    {
      spec: { ports: [{ port: 80 }] },
      fields: ['ports[port=80,protocol="TCP"]', 'ports[port=80,protocol="TCP"].port'],
      because: "a key that is left out takes its default",
    },
    { spec: { free: { p: { q: 1 } } }, fields: ["free.p", "free.p.q"], because: "fields without a schema are owned with what holds them" },
    { spec: { nested: null, zones: null }, fields: ["nested", "zones"] },
    { spec: { zones: ["a", "a", "b"] }, fields: ['zones[="a"]', 'zones[="b"]'] },
    {
      spec: {
        items: [
          { name: "a", value: 1 },
          { name: "a", value: 2 },
        ],
      },
      fields: ['items[name="a"]'],
      because: "of two with one name nobody can say whose field is whose",
    },
    { spec: { items: [{ value: 1 }] }, fields: ["items"], because: "without keys the list can only be owned as a whole" },
  ])("$spec has $fields", ({ spec, fields }) => {
    expect(print(fieldSetOf(of(spec), sampleSchema))).toEqual(fields);
  });
});

describe("compare", () => {
  test.each<{ before: JsonObject; after: JsonObject; removed?: string[]; modified?: string[]; added?: string[] }>([
    { before: { replicas: 1 }, after: { replicas: 2 }, modified: ["replicas"] },
    { before: { labels: { k1: "a" } }, after: { labels: { k2: "a" } }, removed: ["labels.k1"], added: ["labels.k2"] },
    { before: {}, after: { labels: { k1: "a" } }, added: ["labels", "labels.k1"] },
    { before: { labels: { k1: "a" } }, after: {}, removed: ["labels", "labels.k1"] },
    { before: { atomicList: ["a"] }, after: { atomicList: ["b"] }, modified: ["atomicList"] },
    { before: { atomicMap: { k1: "a" } }, after: { atomicMap: { k1: "b" } }, modified: ["atomicMap"] },
    { before: { zones: ["a", "b"] }, after: { zones: ["b", "a"] } },
    { before: { zones: ["a"] }, after: { zones: ["b"] }, removed: ['zones[="a"]'], added: ['zones[="b"]'] },
    { before: { items: [{ name: "a", value: 1 }] }, after: { items: [{ name: "a", value: 2 }] }, modified: ['items[name="a"].value'] },
    { before: { ports: [{ port: 80 }] }, after: { ports: [{ port: 80, protocol: "TCP" }] }, added: ['ports[port=80,protocol="TCP"].protocol'] },
    { before: { free: { p: 1 } }, after: { free: { p: { q: 1 } } }, modified: ["free.p"], added: ["free.p.q"] },
    { before: { free: { p: { q: 1 } } }, after: { free: { p: [1] } }, modified: ["free.p"], removed: ["free.p.q"] },
    { before: { zones: ["a", "a"] }, after: { zones: ["a"] }, removed: ['zones[="a"]'], added: ['zones[="a"]'] },
    { before: { nested: {} }, after: { nested: null }, modified: ["nested"] },
  ])("$before to $after", ({ before, after, removed = [], modified = [], added = [] }) => {
    const changed = compare(of(before), of(after), sampleSchema);
    expect({ removed: print(changed.removed), modified: print(changed.modified), added: print(changed.added) }).toEqual({ removed, modified, added });
  });

  test("the sets never overlap, and are all empty exactly when nothing but the order of merged lists differs", () => {
    fc.assert(
      fc.property(anySample, anySample, (before, after) => {
        const { removed, modified, added } = compare(before, after, sampleSchema);
        expect(isEmpty(intersection(removed, modified)) && isEmpty(intersection(removed, added)) && isEmpty(intersection(modified, added))).toBe(true);
        if (deepEqual(before, after)) expect(isSame({ removed, modified, added })).toBe(true);
        const back = compare(after, before, sampleSchema);
        expect([print(back.added), print(back.removed), print(back.modified)]).toEqual([print(removed), print(added), print(modified)]);
      }),
      { numRuns: 300 },
    );
  });

  test("every field of a new object is added", () => {
    fc.assert(
      fc.property(anySample, (after) => {
        expect(isSubset(fieldSetOf({ spec: after["spec"] ?? {} }, sampleSchema), compare({}, { spec: after["spec"] ?? {} }, sampleSchema).added)).toBe(true);
      }),
    );
  });
});
