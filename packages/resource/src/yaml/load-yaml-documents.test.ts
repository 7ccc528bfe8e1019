import fc from "fast-check";
import { stringify } from "yaml";
import { describe, expect, test } from "vitest";
import { PlatformError } from "../errors.ts";
import { loadYamlDocuments, type YamlOptions } from "./load-yaml-documents.ts";

const values = (text: string | Uint8Array, options?: YamlOptions) => loadYamlDocuments(text, options).documents.map(({ value }) => value);

function refusal(text: string | Uint8Array, options?: YamlOptions): PlatformError {
  try {
    loadYamlDocuments(text, options);
  } catch (error) {
    if (error instanceof PlatformError) return error;
    throw error;
  }
  throw new Error("was accepted");
}

describe("what people write", () => {
  test.each([
    { name: "several documents, empty ones and comments", text: "# hi\n---\na: 1\n---\n---\n# x\n---\nb: 2\n...\n", is: [{ a: 1 }, { b: 2 }] },
    { name: "JSON, with tabs", text: '{\n\t"a": [\n\t\t1,\n\t\t{"b": null}\n\t]\n}', is: [{ a: [1, { b: null }] }] },
    { name: "a byte order mark and Windows line ends", text: "\ufeffa: 1\r\nb: |\r\n  x\r\n  y\r\n", is: [{ a: 1, b: "x\ny\n" }] },
    { name: "numbers", text: "a: [0, -1, 1e3, .5, 0x1f, 0o17, -0]", is: [{ a: [0, -1, 1000, 0.5, 31, 15, 0] }] },
    { name: "file modes, as kubectl reads them", text: "defaultMode: 0644", is: [{ defaultMode: 420 }] },
    {
      name: "words",
      text: "a: [~, null, true, False, 'true', \"null\", 12:30, 2024-01-01, 1_000, 1.2.3]",
      is: [{ a: [null, null, true, false, "true", "null", "12:30", "2024-01-01", "1_000", "1.2.3"] }],
    },
    { name: "keys that look like values", text: "on: 1\n8080: 2\ntrue: 3\ny: 4", is: [{ on: 1, 8080: 2, true: 3, y: 4 }] },
    {
      name: "tags that say what is there",
      text: "a: !!str 12\nb: !!int 3\nc: !!float 3\nd: ! 12\ne: !!map {}\nf: !!seq []",
      is: [{ a: "12", b: 3, c: 3, d: "12", e: {}, f: [] }],
    },
    { name: "aliases", text: "a: &x {b: [1]}\nc: *x\nd: &x 2\ne: *x", is: [{ a: { b: [1] }, c: { b: [1] }, d: 2, e: 2 }] },
    {
      name: "merge keys; what stands there wins, then the first source",
      text: "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  <<: [*a, *b]\n  x: 3",
      is: [{ a: { x: 1, y: 1 }, b: { y: 2, z: 2 }, c: { x: 3, y: 1, z: 2 } }],
    },
    { name: "a quoted << is a key like others", text: '"<<": 1', is: [{ "<<": 1 }] },
    { name: "constructor as a key", text: "constructor: {prototype: 1}", is: [{ constructor: { prototype: 1 } }] },
  ])("$name", ({ text, is }) => {
    expect(values(text)).toEqual(is);
  });

  test("an alias is a copy: changing one place changes no other", () => {
    const [document] = values("a: &x {b: 1}\nc: *x") as [{ a: { b: number }; c: { b: number } }];
    document.a.b = 2;
    expect(document.c.b).toBe(1);
  });

  test("words that kubectl reads as booleans are text, and a warning says where", () => {
    const { documents, warnings } = loadYamlDocuments("country: NO\nswitches: [on, 'off', y]\n");
    expect(documents[0]?.value).toEqual({ country: "NO", switches: ["on", "off", "y"] });
    expect(warnings).toEqual([
      { line: 1, column: 10, message: 'NO is text here, but false for kubectl; write "NO" or false to say which' },
      { line: 2, column: 12, message: 'on is text here, but true for kubectl; write "on" or true to say which' },
    ]);
  });

  test("each document knows its line", () => {
    expect(loadYamlDocuments("# x\na: 1\n---\n\n# y\nb: 1\n").documents.map(({ line }) => line)).toEqual([2, 6]);
  });

  test("any JSON object comes back as it was, from JSON and from YAML", () => {
    const key = fc.string().filter((text) => text !== "__proto__" && text !== "<<");
    const json = fc.object({
      key,
      values: [
        fc.string({ unit: "grapheme" }),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 }),
      ],
      maxDepth: 4,
    });
    const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
    fc.assert(
      fc.property(json, (value) => {
        expect(values(JSON.stringify(value))).toEqual([plain(value)]);
        expect(values(stringify(value))).toEqual([plain(value)]);
      }),
      { numRuns: 300 },
    );
  });
});

describe("I1: what cannot be read says where and what to do", () => {
  test.each([
    { name: "a duplicate key", text: "a: 1\nb: 2\na: 3\n", says: '3:1: the key "a" stands here a second time (first in line 1); keep one' },
    { name: "a tab as indent", text: "a:\n\tb: 1\n", says: "2:1: Tabs are not allowed as indentation; indent with spaces, never with tabs" },
    { name: "a second colon", text: "a: b: c", says: "1:4: Nested mappings are not allowed in compact mappings; put the value in quotes" },
    { name: "a crooked indent", text: "a:\n  b: 1\n c: 2\n", says: "3:1: All mapping items must start at the same column" },
    { name: "a NUL", text: "a: b\0c", says: '1:5: the character U+0000 is not allowed; remove it, or write it as "\\u0000" in double quotes' },
    { name: "the lexer's own marks", text: "a: 1\n\x02b: 2\n\x1f", says: "2:1: the character U+0002 is not allowed" },
    { name: "half a surrogate pair", text: 'a: "\\ud800"', says: "1:4: the text holds half of a UTF-16 pair" },
    { name: "a tag that runs code", text: "a: !!js/function 'x'", says: "the tag !!js/function cannot be used here" },
    { name: "a tag of a template language", text: "a: !Ref x", says: "the tag !Ref cannot be used here" },
    { name: "a set", text: "a: !!set {x, y}", says: "the tag !!set cannot be used here" },
    { name: "a tag that does not fit", text: "a: !!int x", says: "the tag !!int cannot be used here" },
    { name: "infinity by exponent", text: "a: 1e999", says: "1:4: this is a number that JSON cannot hold; put it in quotes" },
    { name: "infinity by name", text: "a: -.inf", says: "1:4: this is a number that JSON cannot hold" },
    { name: "a number that would change", text: "a: 9007199254740993", says: "1:4: the number is larger than a number can be exactly" },
    { name: "a postal code", text: "a: 08540", says: "1:4: the number starts with 0, which some read as octal" },
    { name: "an account number", text: "a: 012345670123", says: "1:4: the number starts with 0, which some read as octal" },
    { name: "a very long key", text: `${"k".repeat(2000)}: 1`, says: "write the key behind `? `" },
    { name: "a list as key", text: "? [a]\n: b", says: "1:3: a key must be text" },
    { name: "a missing key", text: ": b", says: "1:1: a key is missing before the colon" },
    { name: "the prototype", text: "a:\n  __proto__: {b: 1}", says: '2:3: the key "__proto__" is not accepted' },
    { name: "an alias of nothing", text: "a: *b", says: "1:4: *b refers to nothing above it" },
    { name: "an alias of itself", text: "a: &a [*a]", says: "1:8: *a refers to nothing above it" },
    { name: "a merge of text", text: "a: &a x\nb: {<<: *a}", says: "2:5: `<<` merges mappings" },
    { name: "a list as document", text: "- a", says: "1:1: a document must be a mapping" },
    { name: "text as document", text: "hello", says: "1:1: a document must be a mapping" },
    { name: "an open bracket", text: "a: [1, 2", says: "1:9: Flow sequence" },
    { name: "a lone directive", text: "%%%\n", says: "1:1: Unknown directive" },
  ])("$name", ({ text, says }) => {
    const error = refusal(text, { file: "app.yaml" });
    expect(error.code).toBe("TP_YAML_INVALID");
    expect(error.message).toContain(says);
    expect(error.message).toMatch(/^app\.yaml:\d+:\d+: /);
  });

  test("bytes that are no UTF-8, and UTF-16, say how to save the file", () => {
    expect(refusal(Buffer.from([0x61, 0x3a, 0x20, 0x31, 0x0a, 0x62, 0xff])).message).toBe("2:2: the file holds bytes that are not UTF-8; save it as UTF-8");
    expect(refusal(Buffer.from("\ufeffa: 1", "utf16le")).message).toBe("the file is UTF-16; save it as UTF-8");
  });

  test("no message quotes a value, which may be a secret", () => {
    for (const text of ["a: 0123456789", "a: 9007199254740993123", "a: b: s3cret9", "a: @s3cret9", 'a: "x" s3cret9', "a: [x] s3cret9"]) {
      expect(refusal(text).message).not.toMatch(/s3cret9|0123456789|9007199254740993123/);
    }
  });
});

describe("I1: nothing costs more than its limit", () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${[..."bcdefghij"].map((name, index) => `${name}: &${name} [${Array(9).fill(`*${"abcdefghi"[index]}`)}]`).join("\n")}`;
  const merges = `a: &a {k: [1,2,3,4,5,6,7,8,9]}\n${[..."bcdefghij"].map((name, index) => `${name}: &${name}\n  <<: *${"abcdefghi"[index]}\n  l: [${Array(9).fill(`*${"abcdefghi"[index]}`)}]`).join("\n")}`;
  test.each([
    { name: "an alias bomb", text: bomb, says: "more than 500000 values, aliases written out" },
    { name: "a bomb of merge keys", text: merges, says: "more than 500000 values, aliases written out" },
    { name: "10 MB in one word", text: `a: ${"x".repeat(10e6)}`, says: "longer than 8 MiB" },
    { name: "100,000 documents", text: "--- {a: 1}\n".repeat(100_000), says: "1001:1: more than 1000 documents" },
    { name: "brackets 10,000 deep", text: `a: ${"[".repeat(10_000)}`, says: "nested deeper than 100 levels" },
    { name: "a list 100,000 deep in one line", text: `a:\n  ${"- ".repeat(100_000)}x`, says: "nested deeper than 100 levels" },
    {
      name: "mappings 1,000 deep",
      text: Array.from({ length: 1_000 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n"),
      says: "nested deeper than 100 levels",
    },
    {
      name: "depth by aliases",
      text: `a: &a0 [x]\n${Array.from({ length: 200 }, (_, n) => `b${n}: &a${n + 1} [*a${n}]`).join("\n")}`,
      says: "nested deeper than 100 levels",
    },
    { name: "millions of nothings", text: `a: [${",".repeat(4e6)}]`, says: "more than 500000 values" },
  ])("$name", ({ text, says }) => {
    expect(refusal(text).message).toContain(says);
  });

  test("100 levels are fine, and limits may be set", () => {
    expect(values(`a: ${"[".repeat(98)}${"]".repeat(98)}`)).toHaveLength(1);
    expect(refusal("a: {b: {c: 1}}", { depthMax: 1 }).message).toContain("deeper than 1 levels");
  });

  test("20,000 different keys, and 20,000 aliases, take time in proportion", () => {
    const time = (count: number) => {
      const text = Array.from({ length: count }, (_, n) => `k${n}: &a${n} v\nr${n}: *a${n}`).join("\n");
      const start = performance.now();
      loadYamlDocuments(text);
      return performance.now() - start;
    };
    time(1_000); // warm
    const small = time(2_000);
    expect(time(20_000)).toBeLessThan(small * 10 * 5); // squares would be × 100; room for a busy machine
  });
});
