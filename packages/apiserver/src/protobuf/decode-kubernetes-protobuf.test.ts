import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PlatformError, type ErrorCode } from "@threeport/resource";
import { decodeKubernetesProtobuf } from "./decode-kubernetes-protobuf.ts";
import { messageOf } from "./kinds.ts";
import { configMap } from "./messages/core.ts";
import { arbitraryMessage } from "./testing/arbitrary-message.ts";
import { encodeBody, encodeMessage, lengthDelimited, tag, varint } from "./testing/encode-message.ts";
import { fieldsKnown, fieldsSeen } from "./testing/fields-seen.ts";
import { WireReader } from "./wire.ts";

interface Fixture {
  readonly command?: string;
  readonly kind?: string;
  readonly hex: string;
  readonly json: { readonly apiVersion: string; readonly kind: string };
}

const fixtures = (name: string): Fixture[] => JSON.parse(readFileSync(new URL(`./testdata/${name}`, import.meta.url), "utf8")) as Fixture[];
/** What kubectl sent, and what Go's own decoder and JSON encoder made of it. */
const kubectl = fixtures("kubectl-1.36.4.json");
/** Bodies that Go's serializer wrote for randomly filled objects, and their JSON; together they hold every field. */
const clientGo = fixtures("client-go-0.36.4.json");

const kinds = [...new Set(clientGo.map(({ json }) => `${json.apiVersion} ${json.kind}`))];

function decode(body: Uint8Array): { object: unknown; unknown: string[] } {
  const unknown: string[] = [];
  return { object: decodeKubernetesProtobuf(body, { unknownField: (path) => void unknown.push(path) }), unknown };
}

function refusal(body: Uint8Array): { code: ErrorCode; message: string } {
  try {
    decodeKubernetesProtobuf(body);
  } catch (error) {
    if (error instanceof PlatformError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("the body was accepted");
}

const inConfigMap = (...raw: readonly Uint8Array[]): Buffer => encodeBody({ apiVersion: "v1", kind: "ConfigMap", raw: Buffer.concat(raw) });

describe("bodies of real clients", () => {
  test.each(kubectl)("kubectl $command", ({ hex, json }) => {
    expect(decode(Buffer.from(hex, "hex"))).toEqual({ object: json, unknown: [] });
  });

  test.each(clientGo)("client-go, $kind", ({ hex, json }) => {
    expect(decode(Buffer.from(hex, "hex"))).toEqual({ object: json, unknown: [] });
  });

  test("the fixtures hold every field of every message, so no field number is merely believed", () => {
    const seen = new Set<string>();
    const known = new Set<string>();
    for (const { hex, json } of clientGo) {
      const message = messageOf(json.apiVersion, json.kind);
      if (message === undefined) throw new Error(`${json.kind} has no message`);
      const envelope = new WireReader(Buffer.from(hex, "hex"), 4);
      envelope.tag();
      envelope.message();
      envelope.tag();
      fieldsSeen(envelope.message(), message, seen);
      fieldsKnown(message, known);
    }
    expect([...known].filter((field) => !seen.has(field))).toEqual([]);
    expect([...seen].filter((field) => !known.has(field))).toEqual([]);
  });
});

describe("round trips", () => {
  test.each(kinds)("any %s that was encoded is decoded to the same object", (name) => {
    const [apiVersion = "", kind = ""] = name.split(" ");
    const message = messageOf(apiVersion, kind);
    if (message === undefined) throw new Error(`${name} has no message`);
    fc.assert(
      fc.property(arbitraryMessage(message), (value) => {
        const { object, unknown } = decode(encodeBody({ apiVersion, kind, raw: encodeMessage(message, value) }));
        expect(unknown).toEqual([]);
        expect(JSON.parse(JSON.stringify(object))).toEqual({ apiVersion, kind, ...JSON.parse(JSON.stringify(value)) });
      }),
      { numRuns: 40 },
    );
  });
});

describe("hostile bodies", () => {
  test("any bytes at all give an object or one of our errors", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(...kinds), fc.integer({ min: 0, max: 2 }), (bytes, name, wrap) => {
        const [apiVersion = "", kind = ""] = name.split(" ");
        const body = wrap === 0 ? bytes : wrap === 1 ? Buffer.concat([Buffer.from("k8s\0"), bytes]) : encodeBody({ apiVersion, kind, raw: bytes });
        expectObjectOrOurError(body);
      }),
      { numRuns: 3_000 },
    );
  });

  test("a real body that was cut, or of which some bytes were changed, gives an object or one of our errors", () => {
    const change = fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(fc.constantFrom(...clientGo), fc.array(change, { maxLength: 4 }), fc.nat(), ({ hex }, changes, cut) => {
        const whole = Buffer.from(hex, "hex");
        for (const { at, byte } of changes) whole[at % whole.length] = byte;
        expectObjectOrOurError(cut % 2 === 0 ? whole : whole.subarray(0, cut % whole.length));
      }),
      { numRuns: 3_000 },
    );
  });

  const longName = lengthDelimited(1, lengthDelimited(1, Buffer.from("settings")));
  const cases: readonly { name: string; because: string; body: Uint8Array; code: ErrorCode; says: string }[] = [
    {
      name: "JSON under the media type of protobuf",
      because: "the client's two headers disagree",
      body: Buffer.from('{"kind":"ConfigMap"}'),
      code: "TP_BAD_REQUEST",
      says: "does not begin with",
    },
    {
      name: "nothing after the magic",
      because: "there is no kind to read",
      body: Buffer.from("k8s\0"),
      code: "TP_BAD_REQUEST",
      says: "does not say of which apiVersion and kind",
    },
    {
      name: "a kind that has no message here",
      because: "the client can fall back to JSON",
      body: encodeBody({ apiVersion: "apps/v1", kind: "Deployment" }),
      code: "TP_UNSUPPORTED_MEDIA_TYPE",
      says: '"Deployment" of "apps/v1" is not read as protobuf here; send it as application/json',
    },
    {
      name: "a kind named like a property of all objects",
      because: "a look-up must not find inherited things",
      body: encodeBody({ apiVersion: "v1", kind: "constructor" }),
      code: "TP_UNSUPPORTED_MEDIA_TYPE",
      says: "constructor",
    },
    {
      name: "compressed contents",
      because: "nothing here unpacks them",
      body: encodeBody({ apiVersion: "v1", kind: "ConfigMap", contentEncoding: "gzip" }),
      code: "TP_UNSUPPORTED_MEDIA_TYPE",
      says: "gzip",
    },
    {
      name: "JSON inside the envelope",
      because: "the raw bytes are no message",
      body: encodeBody({ apiVersion: "v1", kind: "ConfigMap", contentType: "application/json" }),
      code: "TP_UNSUPPORTED_MEDIA_TYPE",
      says: "application/json",
    },
    {
      name: "a length far beyond the end",
      because: "memory must not be taken on the word of a client",
      body: inConfigMap(tag(1, 2), varint(2n ** 40n)),
      code: "TP_BAD_REQUEST",
      says: "longer than what is left",
    },
    {
      name: "a length of 64 bits",
      because: "it has no place in a double",
      body: inConfigMap(tag(1, 2), varint(2n ** 64n - 1n)),
      code: "TP_BAD_REQUEST",
      says: "longer than what is left",
    },
    {
      name: "a number of more than ten bytes",
      because: "it would never end",
      body: inConfigMap(Buffer.alloc(11, 0xff)),
      code: "TP_BAD_REQUEST",
      says: "longer than 64 bits",
    },
    {
      name: "a number of ten bytes beyond 64 bits",
      because: "cutting it off would change it",
      body: inConfigMap(tag(4, 0), Buffer.alloc(9, 0xff), Buffer.from([0x7f])),
      code: "TP_BAD_REQUEST",
      says: "longer than 64 bits",
    },
    {
      name: "field number 0",
      because: "protobuf has none",
      body: inConfigMap(Buffer.from([0x02, 0x00])),
      code: "TP_BAD_REQUEST",
      says: "no valid field number",
    },
    {
      name: "a group",
      because: "Kubernetes has none, and they nest without a length",
      body: inConfigMap(tag(9, 3)),
      code: "TP_BAD_REQUEST",
      says: "field 9 has a wire type that is not in use",
    },
    {
      name: "a name that is a number",
      because: "the field's type is fixed",
      body: inConfigMap(lengthDelimited(1, Buffer.concat([tag(1, 0), varint(7n)]))),
      code: "TP_BAD_REQUEST",
      says: "metadata.name has wire type 0, but is a string",
    },
    {
      name: "a text that is not UTF-8",
      because: "JSON could not hold it",
      body: inConfigMap(lengthDelimited(1, lengthDelimited(1, Buffer.from([0xc3, 0x28])))),
      code: "TP_BAD_REQUEST",
      says: "not valid UTF-8",
    },
    {
      name: "an integer beyond 2^53",
      because: "a double would round it",
      body: inConfigMap(lengthDelimited(1, Buffer.concat([tag(7, 0), varint(2n ** 53n + 1n)]))),
      code: "TP_BAD_REQUEST",
      says: "metadata.generation is an integer beyond ±2^53",
    },
    {
      name: "a count beyond 32 bits",
      because: "Go would cut it off to another number",
      body: encodeBody({ apiVersion: "v1", kind: "Event", raw: Buffer.concat([tag(8, 0), varint(2n ** 32n)]) }),
      code: "TP_BAD_REQUEST",
      says: "count is a number that does not fit into 32 bits",
    },
    {
      name: "a time beyond the year 9999",
      because: "RFC 3339 cannot write it",
      body: inConfigMap(lengthDelimited(1, lengthDelimited(8, Buffer.concat([tag(1, 0), varint(2n ** 40n)])))),
      code: "TP_BAD_REQUEST",
      says: "metadata.creationTimestamp cannot be read: a time is outside",
    },
    {
      name: "managed fields that are no JSON",
      because: "they travel as JSON text",
      body: inConfigMap(lengthDelimited(1, lengthDelimited(17, lengthDelimited(7, lengthDelimited(1, Buffer.from("{")))))),
      code: "TP_BAD_REQUEST",
      says: "metadata.managedFields[0].fieldsV1 cannot be read",
    },
    {
      name: "a body of nothing but empty rules",
      because: "two bytes on the wire are a hundred in memory",
      body: encodeBody({ apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", raw: Buffer.alloc(2 ** 20, Buffer.from([0x12, 0x00])) }),
      code: "TP_TOO_LARGE",
      says: "more than 262144 messages",
    },
    {
      name: "a body of nothing but empty metadata",
      because: "merging them would hold up everybody else",
      body: inConfigMap(Buffer.alloc(2 ** 20, Buffer.from([0x0a, 0x00]))),
      code: "TP_TOO_LARGE",
      says: "more than 262144 messages",
    },
    {
      name: "a body of nothing but empty map entries",
      because: "they are small on the wire only",
      body: inConfigMap(Buffer.alloc(2 ** 20, Buffer.from([0x12, 0x00]))),
      code: "TP_TOO_LARGE",
      says: "more than 262144 messages",
    },
    {
      name: "a schema within 300 schemas",
      because: "recursion must end before the stack does",
      body: encodeBody({ apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", raw: nestedSchema(300) }),
      code: "TP_BAD_REQUEST",
      says: "nested deeper than 200 levels",
    },
    {
      name: "a body that ends within its metadata",
      because: "the connection may have been cut",
      body: inConfigMap(longName.subarray(0, -1)),
      code: "TP_BAD_REQUEST",
      says: "longer than what is left",
    },
  ];

  test.each(cases)("$name is refused, because $because", ({ body, code, says }) => {
    const refused = refusal(body);
    expect(refused.code).toBe(code);
    expect(refused.message).toContain(says);
  });

  test("an error names the byte, counted from the beginning of the body", () => {
    const body = inConfigMap(lengthDelimited(2, lengthDelimited(1, Buffer.from([0xff]))));
    expect(refusal(body).message).toContain(`at byte ${body.indexOf(0xff)}:`);
  });

  test("keys that JavaScript gives a meaning to are ordinary keys of a map", () => {
    const { object } = decode(inConfigMap(encodeMessage(configMap, { metadata: {}, data: JSON.parse('{"__proto__":"a","constructor":"b"}') as object })));
    expect(JSON.stringify(object)).toContain('"data":{"__proto__":"a","constructor":"b"}');
    expect(({} as { a?: unknown }).a).toBeUndefined();
  });
});

describe("what protobuf leaves to the reader", () => {
  const name = (text: string): Buffer => lengthDelimited(1, lengthDelimited(1, Buffer.from(text)));

  test("fields of numbers that nobody knows are passed over and told by their paths", () => {
    const entry = Buffer.concat([lengthDelimited(1, Buffer.from("a.b")), lengthDelimited(2, Buffer.from("x")), tag(3, 0), varint(1n)]);
    const unknown = [lengthDelimited(99, Buffer.from("new")), tag(100, 1), Buffer.alloc(8), tag(101, 5), Buffer.alloc(4), tag(102, 0), varint(2n ** 60n)];
    const { object, unknown: told } = decode(
      inConfigMap(
        lengthDelimited(1, Buffer.concat([lengthDelimited(1, Buffer.from("settings")), tag(18, 0), varint(1n)])),
        lengthDelimited(2, entry),
        ...unknown,
      ),
    );
    expect(object).toEqual({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { "a.b": "x" } });
    expect(told).toEqual(["metadata.#18", "data[a.b].#3", "#99", "#100", "#101", "#102"]);
  });

  test("of very many unknown fields the first hundred are told", () => {
    const { unknown } = decode(inConfigMap(Buffer.alloc(30_000, Buffer.concat([tag(99, 0), varint(1n)]))));
    expect(unknown).toEqual(Array.from({ length: 100 }, () => "#99"));
  });

  test("of a field that stands twice the last one counts, and messages are merged", () => {
    const labels = lengthDelimited(1, lengthDelimited(11, Buffer.concat([lengthDelimited(1, Buffer.from("a")), lengthDelimited(2, Buffer.from("b"))])));
    expect(decode(inConfigMap(name("first"), labels, name("second"))).object).toMatchObject({ metadata: { name: "second", labels: { a: "b" } } });
    expect(decode(inConfigMap(name("first"), name(""))).object).toEqual({ apiVersion: "v1", kind: "ConfigMap", metadata: {} });
  });

  test("key and value of a map entry are empty where they are missing", () => {
    expect(decode(inConfigMap(lengthDelimited(2, Buffer.alloc(0)), lengthDelimited(3, Buffer.alloc(0)))).object).toMatchObject({
      data: { "": "" },
      binaryData: { "": "" },
    });
  });

  test("an envelope without a kind is read as the kind of the URL", () => {
    const expected = { apiVersion: "v1", kind: "ConfigMap" };
    expect(decodeKubernetesProtobuf(encodeBody({ raw: name("settings") }), { expected })).toEqual({ ...expected, metadata: { name: "settings" } });
  });

  test("DeleteOptions are known under the version of every group, as clients send them", () => {
    const raw = lengthDelimited(4, Buffer.from("Foreground"));
    for (const apiVersion of ["v1", "apps/v1", "threeport.io/v1alpha1"])
      expect(decode(encodeBody({ apiVersion, kind: "DeleteOptions", raw })).object).toEqual({
        apiVersion,
        kind: "DeleteOptions",
        propagationPolicy: "Foreground",
      });
  });

  test("a body that is a part of a larger buffer is read from its own beginning", () => {
    const body = inConfigMap(name("settings"));
    const larger = Buffer.concat([Buffer.alloc(13, 0xff), body, Buffer.alloc(5, 0xff)]);
    expect(decode(larger.subarray(13, 13 + body.length)).object).toEqual(decode(body).object);
  });
});

function expectObjectOrOurError(body: Uint8Array): void {
  try {
    expect(typeof JSON.stringify(decodeKubernetesProtobuf(body))).toBe("string");
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    expect(["TP_BAD_REQUEST", "TP_UNSUPPORTED_MEDIA_TYPE", "TP_TOO_LARGE"]).toContain(error.code);
  }
}

/** A CustomResourceDefinition whose schema is `not` a schema that is `not` a schema, and so on. */
function nestedSchema(levels: number): Buffer {
  let schema: Buffer = Buffer.alloc(0);
  for (let level = 0; level < levels; level++) schema = lengthDelimited(28, schema);
  return lengthDelimited(2, lengthDelimited(7, lengthDelimited(4, lengthDelimited(1, schema))));
}
