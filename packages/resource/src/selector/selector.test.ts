import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PlatformError } from "../errors.ts";
import { compileLabelSelector, parseFieldSelector, parseLabelSelector } from "./index.ts";

function messageOf(fn: () => unknown): string {
  try {
    fn();
  } catch (thrown) {
    if (thrown instanceof PlatformError && thrown.code === "TP_BAD_REQUEST") return thrown.message;
    throw thrown;
  }
  throw new Error("expected an error");
}

describe("parseLabelSelector", () => {
  test.each([
    { text: "", labels: undefined, matches: true },
    { text: "a=b", labels: { a: "b" }, matches: true },
    { text: "a==b", labels: { a: "b" }, matches: true },
    { text: "a=b", labels: { a: "c" }, matches: false },
    { text: "a=b", labels: undefined, matches: false },
    { text: "a!=b", labels: {}, matches: true },
    { text: "a!=b", labels: { a: "b" }, matches: false },
    { text: "a in (x,y)", labels: { a: "y" }, matches: true },
    { text: "a in (x,y)", labels: {}, matches: false },
    { text: "a notin (x,y)", labels: {}, matches: true },
    { text: "a notin (x,y)", labels: { a: "x" }, matches: false },
    { text: "a", labels: { a: "" }, matches: true },
    { text: "a", labels: {}, matches: false },
    { text: "!a", labels: {}, matches: true },
    { text: "! a", labels: { a: "1" }, matches: false },
    { text: "a=", labels: { a: "" }, matches: true },
    { text: "a=", labels: {}, matches: false },
    { text: "a in (,x)", labels: { a: "" }, matches: true },
    { text: "a>5", labels: { a: "10" }, matches: true },
    { text: "a<5", labels: { a: "10" }, matches: false },
    { text: "a>5", labels: { a: "x" }, matches: false },
    { text: "a=b,c!=d,e in (x,y),f notin (z),g,!h", labels: { a: "b", e: "x", g: "" }, matches: true },
    { text: " a = b , c in ( x , y ) ", labels: { a: "b", c: "y" }, matches: true },
    { text: "x.io/in=in,in in (notin)", labels: { "x.io/in": "in", in: "notin" }, matches: true },
    { text: "constructor", labels: {}, matches: false },
    { text: "toString!=x", labels: {}, matches: true },
  ])("$text against $labels is $matches", ({ text, labels, matches }) => {
    expect(parseLabelSelector(text).matches(labels)).toBe(matches);
  });

  test.each([
    { text: "a b", message: /expected '=', '!=', 'in' or 'notin'/ },
    { text: "a=b c", message: /expected ',' or the end/ },
    { text: ",a", message: /expected a label key/ },
    { text: "a,", message: /expected a label key/ },
    { text: "a,,b", message: /expected a label key/ },
    { text: "!", message: /expected a label key/ },
    { text: "!a=b", message: /expected ','/ },
    { text: "a in x", message: /expected '\('/ },
    { text: "a in (x", message: /expected ',' or '\)'/ },
    { text: "a>x", message: /whole number/ },
    { text: "a=b!c", message: /expected ','/ },
    { text: "-a=b", message: /a label key name part must be/ },
    { text: "a=b/c", message: /the value "b\/c" must be/ },
    { text: `a=${"b".repeat(64)}`, message: /no more than 63/ },
    { text: "__proto__", message: /a label key/ },
    { text: "a\u0000=b", message: /a label key/ },
  ])("$text is refused", ({ text, message }) => {
    expect(messageOf(() => parseLabelSelector(text))).toMatch(message);
  });

  test("a hostile text of 100 KB is answered at once", () => {
    for (const text of ["a in (".repeat(20_000), "!".repeat(100_000), "a,".repeat(50_000), " ".repeat(100_000)]) {
      const started = performance.now();
      try {
        parseLabelSelector(text);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(PlatformError);
      }
      expect(performance.now() - started).toBeLessThan(2_000);
    }
  });

  test("what a selector prints is read back as the same selector", () => {
    const key = fc.constantFrom("a", "in", "x.io/b");
    const value = fc.constantFrom("", "x", "y", "notin");
    const term = fc.oneof(
      fc.tuple(key, fc.constantFrom("=", "==", "!="), value).map((parts) => parts.join("")),
      fc.tuple(key, fc.constantFrom("in", "notin"), fc.array(value, { minLength: 2 })).map(([name, word, values]) => `${name} ${word} (${values.join(",")})`),
      key,
      key.map((name) => `!${name}`),
    );
    const labels = fc.dictionary(key, value);
    fc.assert(
      fc.property(fc.array(term), labels, (terms, some) => {
        const selector = parseLabelSelector(terms.join(","));
        const again = parseLabelSelector(selector.toString());
        expect(again.toString()).toBe(selector.toString());
        expect(again.matches(some)).toBe(selector.matches(some));
        expect(selector.matches(some)).toBe(terms.every((one) => parseLabelSelector(one).matches(some)));
      }),
    );
  });
});

describe("compileLabelSelector", () => {
  test("labels and expressions must all hold", () => {
    const selector = compileLabelSelector({
      matchLabels: { app: "web" },
      matchExpressions: [
        { key: "tier", operator: "In", values: ["b", "a"] },
        { key: "zone", operator: "NotIn", values: ["z"] },
        { key: "old", operator: "DoesNotExist" },
        { key: "app", operator: "Exists", values: [] },
      ],
    });
    expect(selector.toString()).toBe("app,app=web,!old,tier in (a,b),zone!=z");
    expect(selector.matches({ app: "web", tier: "a" })).toBe(true);
    expect(selector.matches({ app: "web", tier: "a", old: "" })).toBe(false);
  });

  test("no selector selects nothing, an empty one everything", () => {
    expect(compileLabelSelector(undefined).matches({})).toBe(false);
    expect(compileLabelSelector(null).nothing).toBe(true);
    expect(compileLabelSelector({}).matches(undefined)).toBe(true);
  });

  test.each([
    { selector: "app=web", message: /must be an object/ },
    { selector: { app: "web" }, message: /not "app"/ },
    { selector: { matchLabels: { a: 1 } }, message: /object of strings/ },
    { selector: { matchExpressions: {} }, message: /must be a list/ },
    { selector: { matchExpressions: [1] }, message: /must hold objects/ },
    { selector: { matchExpressions: [{ key: 1, operator: "In" }] }, message: /key must be a string/ },
    { selector: { matchExpressions: [{ key: "a", operator: "in", values: ["b"] }] }, message: /operator must be/ },
    { selector: { matchExpressions: [{ key: "a", operator: "In" }] }, message: /at least one value/ },
    { selector: { matchExpressions: [{ key: "a", operator: "Exists", values: ["b"] }] }, message: /takes no values/ },
    { selector: { matchExpressions: [{ key: "a", operator: "In", values: [1] }] }, message: /list of strings/ },
  ])("$selector is refused", ({ selector, message }) => {
    expect(messageOf(() => compileLabelSelector(selector))).toMatch(message);
  });
});

describe("parseFieldSelector", () => {
  const object: Record<string, string> = { "metadata.name": "x", "metadata.namespace": "ns", "spec.host": "a,b=c\\d" };
  const get = (field: string) => object[field];

  test.each([
    { text: "", matches: true },
    { text: "metadata.name=x", matches: true },
    { text: "metadata.name==x,metadata.namespace!=y", matches: true },
    { text: "metadata.name=y", matches: false },
    { text: "metadata.name!=x", matches: false },
    { text: "spec.missing=", matches: true },
    { text: "spec.missing!=x", matches: true },
    { text: "spec.host=a\\,b\\=c\\\\d", matches: true },
    { text: "metadata.name=x,,", matches: true },
  ])("$text is $matches", ({ text, matches }) => {
    expect(parseFieldSelector(text).matches(get)).toBe(matches);
  });

  test.each(["metadata.name", "=x", "!=x", "metadata.name=a=b", "a=\\x", "a=b\\", "a!b"])("%s is refused", (text) => {
    expect(messageOf(() => parseFieldSelector(text))).toMatch(/field selector/);
  });

  test("any value can be selected by when it is escaped", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (value, other) => {
        const escaped = (text: string) => text.replace(/[\\,=]/g, "\\$&");
        const selector = parseFieldSelector(`a=${escaped(value)},b!=${escaped(other)}`);
        expect(selector.requirements).toEqual([
          { field: "a", operator: "=", value },
          { field: "b", operator: "!=", value: other },
        ]);
        expect(parseFieldSelector(selector.toString()).requirements.length).toBe(2);
      }),
    );
  });
});
