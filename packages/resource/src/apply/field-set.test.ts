import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FieldSet, difference, fieldSet, has, intersection, isEmpty, isSubset, paths, sameFieldSet, union, withoutSubtrees } from "./field-set.ts";
import { decodeFieldsV1, encodeFieldsV1 } from "./fields-v1.ts";
import { fieldElement, keyElement, printPath, valueElement } from "./path-element.ts";

const element = fc.constantFrom("f:a", "f:b", 'k:{"name":"x"}', 'v:"y"', "i:0");
const path = fc.array(element, { minLength: 1, maxLength: 4 });
const set = fc.array(path, { maxLength: 12 }).map(fieldSet);

/** The set as the plain set of its paths: what the tree must agree with. */
const flat = (fields: FieldSet) => new Set([...paths(fields)].map((steps) => steps.join(" ")));

describe("field sets", () => {
  test("union, intersection and difference are those of the plain sets of paths", () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        expect(flat(union(a, b))).toEqual(flat(a).union(flat(b)));
        expect(flat(intersection(a, b))).toEqual(flat(a).intersection(flat(b)));
        expect(flat(difference(a, b))).toEqual(flat(a).difference(flat(b)));
        expect(isSubset(a, b)).toBe(flat(a).isSubsetOf(flat(b)));
      }),
      { numRuns: 500 },
    );
  });

  test("(a \\ b) ∪ (a ∩ b) is a, and a \\ a is empty", () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        expect(sameFieldSet(union(difference(a, b), intersection(a, b)), a)).toBe(true);
        expect(isEmpty(difference(a, a))).toBe(true);
        expect(isEmpty(intersection(difference(a, b), b))).toBe(true);
      }),
    );
  });

  test("without subtrees keeps exactly what has no path of the other set before it", () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        const kept = [...paths(a)].filter((steps) => !steps.some((_, index) => has(b, steps.slice(0, index + 1))));
        expect(flat(withoutSubtrees(a, b))).toEqual(flat(fieldSet(kept)));
      }),
      { numRuns: 500 },
    );
  });

  test("the operations leave their arguments alone", () => {
    fc.assert(
      fc.property(set, set, (a, b) => {
        const before = [flat(a), flat(b)];
        union(a, b);
        intersection(a, b);
        difference(a, b);
        withoutSubtrees(a, b);
        expect([flat(a), flat(b)]).toEqual(before);
      }),
    );
  });
});

describe("FieldsV1", () => {
  test("what is written is read back", () => {
    fc.assert(fc.property(set, (fields) => sameFieldSet(decodeFieldsV1(JSON.parse(JSON.stringify(encodeFieldsV1(fields)))), fields)));
  });

  test("a node that is in the set and has fields below it carries a dot", () => {
    const fields = fieldSet([["f:a"], ["f:a", "f:b"], ["f:c", 'k:{"name":"x"}', "f:d"]]);
    expect(encodeFieldsV1(fields)).toEqual({ "f:a": { ".": {}, "f:b": {} }, "f:c": { 'k:{"name":"x"}': { "f:d": {} } } });
  });

  test("the spelling of another server is read as ours", () => {
    const go = { 'k:{"protocol":"TCP","port":80}': { ".": {}, "f:port": {} }, 'v:"a\\u003cb"': {} };
    const fields = decodeFieldsV1(go);
    expect(has(fields, [keyElement({ port: 80, protocol: "TCP" })])).toBe(true);
    expect(has(fields, [valueElement("a<b")])).toBe(true);
  });

  test("what cannot be read owns nothing", () => {
    expect(isEmpty(decodeFieldsV1({ "x:new": {}, "k:{": {}, "v:": {}, "i:x": {}, k: {}, "": {} }))).toBe(true);
    expect(isEmpty(decodeFieldsV1("text"))).toBe(true);
    expect(flat(decodeFieldsV1({ "f:a": 5 }))).toEqual(new Set(["f:a"]));
  });

  test("fields that name parts of a prototype are ordinary fields", () => {
    const fields = fieldSet([[fieldElement("__proto__")], [fieldElement("constructor"), fieldElement("prototype")]]);
    const text = JSON.stringify(encodeFieldsV1(fields));
    expect(text).toBe('{"f:__proto__":{},"f:constructor":{"f:prototype":{}}}');
    expect(flat(decodeFieldsV1(JSON.parse(text)))).toEqual(flat(fields));
  });

  test("paths print as Kubernetes prints them", () => {
    const printed = printPath([
      fieldElement("spec"),
      fieldElement("ports"),
      keyElement({ protocol: "TCP", port: 80 }),
      fieldElement("tags"),
      valueElement("a"),
      "i:3",
    ]);
    expect(printed).toBe('.spec.ports[port=80,protocol="TCP"].tags[="a"][3]');
  });
});
