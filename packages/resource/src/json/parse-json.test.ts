import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PlatformError, isErrorCode } from "../errors.ts";
import { findDuplicateKeys, parseJson } from "./parse-json.ts";
import { scanJson } from "./scan-json.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function errorOf(fn: () => unknown): PlatformError {
  try {
    fn();
  } catch (thrown) {
    if (thrown instanceof PlatformError) return thrown;
    throw thrown;
  }
  throw new Error("expected an error");
}

describe("parseJson", () => {
  test("reads what JSON.parse reads, from text and from bytes", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = JSON.stringify(value);
        expect(parseJson(text)).toEqual(JSON.parse(text));
        expect(parseJson(bytes(text))).toEqual(JSON.parse(text));
      }),
    );
  });

  test("keys that name parts of Object.prototype are data and change no prototype", () => {
    const hostile = parseJson('{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}') as Record<string, unknown>;
    expect(Object.keys(hostile)).toEqual(["__proto__", "constructor"]);
    expect(Object.getPrototypeOf(hostile)).toBe(Object.prototype);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
    expect(hostile["admin"]).toBeUndefined();
  });

  test("the prototype stays clean for any keys at any depth, also when surrogates force a copy", () => {
    const key = fc.constantFrom("__proto__", "constructor", "prototype", "toString", "a");
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ depthSize: "small" }, fc.constant("\ud800" as unknown), fc.integer(), fc.array(tie("tree")), fc.dictionary(key, tie("tree"))),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        const before = Object.getOwnPropertyNames(Object.prototype).length;
        const parsed = parseJson(JSON.stringify(value));
        const check = (node: unknown): void => {
          if (typeof node !== "object" || node === null) return;
          expect(Object.getPrototypeOf(node)).toBe(Array.isArray(node) ? Array.prototype : Object.prototype);
          for (const name of Object.keys(node)) check(Object.getOwnPropertyDescriptor(node, name)?.value);
        };
        check(parsed);
        expect(Object.getOwnPropertyNames(Object.prototype).length).toBe(before);
      }),
    );
  });

  test.each([
    { name: "bytes that are not UTF-8", body: new Uint8Array([0x22, 0xff, 0x22]), message: /UTF-8/ },
    { name: "an overlong encoding", body: new Uint8Array([0x22, 0xc0, 0xaf, 0x22]), message: /UTF-8/ },
    { name: "a surrogate encoded as UTF-8", body: new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22]), message: /UTF-8/ },
    { name: "half a surrogate pair in a string", body: '"\ud800"', message: /Unicode/ },
    { name: "a byte order mark", body: new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d]), message: /line 1, column 1/ },
    { name: "nothing", body: "", message: /empty/ },
    { name: "only space", body: " \n\t", message: /empty/ },
    { name: "a text that ends early", body: '{"a":[1,', message: /line 1, column 9: the text ends too early/ },
    { name: "a missing comma", body: '{\n"a":1\n"b":2}', message: /line 3, column 1: expected ','/ },
    { name: "a trailing comma", body: '{"a":1,}', message: /column 8: expected a key/ },
    { name: "single quotes", body: "{'a':1}", message: /column 2: expected a key/ },
    { name: "two values", body: "{} {}", message: /column 4: expected nothing/ },
    { name: "a raw control character", body: '{"a":"\u0000"}', message: /column 7: a control character/ },
    { name: "an unknown escape", body: '"\\x41"', message: /unknown escape/ },
    { name: "NaN", body: '{"a":NaN}', message: /column 6: expected a value/ },
    { name: "a leading zero", body: '{"a":01}', message: /column 7/ },
    { name: "an infinite number", body: '{"spec":{"a":[1,1e999]}}', message: /spec\.a\[1\] is too large/ },
    { name: "an integer of which digits would be lost", body: '{"a":{"b":9007199254740993}}', message: /a\.b is an integer beyond/ },
    { name: "a large negative integer", body: "[-9007199254740993]", message: /\[0\] is an integer/ },
    { name: "ten thousand levels", body: "[".repeat(10_000) + "]".repeat(10_000), message: /deeper than 500/ },
    { name: "a million levels that never close", body: "[".repeat(1_000_000), message: /ends too early/ },
    { name: "objects nested 501 deep", body: '{"a":'.repeat(501) + "1" + "}".repeat(501), message: /deeper than 500/ },
  ])("refuses $name", ({ body, message }) => {
    const error = errorOf(() => parseJson(body));
    expect(error.code).toBe("TP_BAD_REQUEST");
    expect(error.message).toMatch(message);
  });

  test("an error never quotes the body, which may hold a secret", () => {
    for (const body of ['{"password":"hunter2",}', '{"password":"hunter2" oops}', '"hunter2', '{"a":hunter2}']) {
      const error = errorOf(() => parseJson(body));
      expect(JSON.stringify([error.message, error.detail, error.causes])).not.toContain("hunter2");
    }
  });

  test("a body over the limit is too large, one at the limit is read", () => {
    expect(errorOf(() => parseJson(`"${"a".repeat(99)}"`, { bytesMax: 100 })).code).toBe("TP_TOO_LARGE");
    expect(parseJson(`"${"a".repeat(98)}"`, { bytesMax: 100 })).toHaveLength(98);
  });

  test("depth at the limit is read, also when the body is long and flat", () => {
    expect(parseJson("[".repeat(500) + "]".repeat(500))).toEqual(expect.any(Array));
    const flat = JSON.stringify(Array.from({ length: 2_000 }, () => ({ a: "[[[" })));
    expect(parseJson(flat)).toHaveLength(2_000);
  });

  test("numbers that only look suspicious are read as they are", () => {
    const text = '{"a":"1e999","b":" 12345678901234567890","c":1e3,"d":9007199254740991,"e":0.12345678901234567,"f":-0,"uid":"1e5"}';
    expect(parseJson(text)).toEqual(JSON.parse(text));
    expect(parseJson("[9223372036854775807]", { unsafeIntegers: "round" })).toEqual([2 ** 63]);
  });

  test("a million numbers or a body of one long string are read", () => {
    expect(parseJson(`[${"1,".repeat(1_000_000)}1]`)).toHaveLength(1_000_001);
    expect(parseJson(`"${"\\n".repeat(1_000_000)}"`)).toHaveLength(1_000_000);
    expect(errorOf(() => parseJson(`"${"\\n".repeat(1_000_000)}`)).message).toMatch(/not closed/);
    expect(errorOf(() => parseJson(`[${"1".repeat(1_000_000)}]`)).message).toMatch(/too large/);
  });

  test("half of a surrogate pair in an escape becomes U+FFFD, so that the text can be stored", () => {
    expect(parseJson('{"\\ud800k":["a\\udfffb","\\ud83d\\ude00"]}')).toEqual({ "\ufffdk": ["a\ufffdb", "😀"] });
  });
});

describe("findDuplicateKeys", () => {
  test.each([
    { text: '{"a":1,"b":2}', paths: [] },
    { text: '{"a":1,"a":2,"a":3}', paths: ["a"] },
    { text: '{"spec":{"c":[{"n":1},{"n":1,"x":0,"n":2}]},"spec":{}}', paths: ["spec.c[1].n", "spec"] },
    { text: '{"metadata":{"labels":{"x.y/z":"1","x.y\\u002fz":"2"}}}', paths: ["metadata.labels[x.y/z]"] },
    { text: '{"__proto__":1,"__proto__":2,"constructor":3}', paths: ["__proto__"] },
    { text: '{"a":1,"a":2,', paths: ["a"] },
  ])("finds $paths in $text", ({ text, paths }) => {
    expect(findDuplicateKeys(text)).toEqual(paths);
  });

  test("reports at most 100 of them", () => {
    const text = `{${Array.from({ length: 500 }, (_, i) => `"k${i % 250}":1`).join(",")}}`;
    expect(findDuplicateKeys(text)).toHaveLength(100);
  });
});

describe("scanJson", () => {
  test("accepts and refuses exactly what JSON.parse does", () => {
    const piece = fc.constantFrom("{", "}", "[", "]", ":", ",", '"a"', '"\\u0041"', '"\\', "1", "-", "0", ".5", "e1", "true", "null", " ", "\n", "\u0001");
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(piece).map((pieces) => pieces.join("")),
          fc.json(),
        ),
        (text) => {
          expect(accepts(() => scanJson(text))).toBe(accepts(() => JSON.parse(text)));
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

function accepts(fn: () => unknown): boolean {
  try {
    fn();
    return true;
  } catch (thrown) {
    expect(isErrorCode(thrown, "TP_INTERNAL")).toBe(false);
    return false;
  }
}
