import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ConnectionConfig } from "@threeport/client";
import { describeWithKubernetes, startApiServer, type TestApiServer } from "@threeport/cluster/testing";
import { until } from "@threeport/engine/testing";
import { openTestControlPlane, type TestControlPlane } from "./testing/test-control-plane.ts";

// The same definitions and objects, good and bad, at our API and at the real kube-apiserver: the same answers.

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

type Call = (method: string, path: string, body?: unknown, contentType?: string) => Promise<Answer>;

function caller(connection: ConnectionConfig): { readonly call: Call } & Disposable {
  const { caData, clientCertificate, clientKey, token } = connection;
  const agent = new Agent({
    keepAlive: true,
    ...(caData === undefined ? {} : { ca: caData }),
    ...(clientCertificate === undefined || clientKey === undefined ? {} : { cert: clientCertificate, key: clientKey }),
  });
  const { hostname, port } = new URL(connection.server);
  const call: Call = async (method, path, body, contentType) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const sent = request({
      hostname,
      port,
      method,
      path,
      agent,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(text === undefined ? {} : { "content-type": contentType ?? (method === "PATCH" ? "application/merge-patch+json" : "application/json") }),
      },
    });
    sent.end(text);
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    return { status: answer.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString("utf8")) as Record<string, unknown> };
  };
  return { call, [Symbol.dispose]: () => agent.destroy() };
}

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const group = "example.com";

interface DefinitionInput {
  readonly names?: object;
  readonly spec?: object;
  readonly version?: object;
  readonly versions?: readonly object[];
  readonly schema?: object;
  readonly metadata?: object;
  readonly scope?: string;
}

/** A definition whose plural is `<kind>s` in lower case. */
function definition(kind: string, input: DefinitionInput = {}) {
  const plural = `${kind.toLowerCase()}s`;
  const version = {
    name: "v1",
    served: true,
    storage: true,
    schema: { openAPIV3Schema: input.schema ?? { type: "object", properties: { spec: { type: "object", properties: { size: { type: "integer" } } } } } },
    ...input.version,
  };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}`, ...input.metadata },
    spec: { group, scope: input.scope ?? "Namespaced", names: { plural, kind, ...input.names }, versions: input.versions ?? [version], ...input.spec },
  };
}

/** What of an answer must be the same: of objects all but what every server decides for itself, of refusals the fields and reasons. */
function essence({ status, body }: Answer): unknown {
  if (body["kind"] !== "Status") return { status, object: withoutServerFields(body) };
  const details = body["details"] as { causes?: { field?: string; reason?: string; message?: string }[] } | undefined;
  const causes = (details?.causes ?? [])
    .filter((cause) => isComparable(cause))
    .map(({ field, reason }) => `${hoisted(field ?? "")}: ${reason ?? ""}`)
    .sort();
  return { status, reason: body["reason"], causes: [...new Set(causes)] };
}

/**
 * kube-apiserver says some things twice, or of no field: that an only version's name is none, that the scale cannot be read from
 * a text, that rules were not looked at because of what else is wrong, that alternatives fit or fit not.
 */
function isComparable({ field = "<nil>", message = "" }: { field?: string; message?: string }): boolean {
  return field !== "<nil>" && field !== "spec.version" && !field.startsWith(".") && !message.includes("(oneOf)");
}

/** kube-apiserver moves the schema of an only version to where v1beta1 had it, and names fields there. Ours are those that were written. */
function hoisted(field: string): string {
  return field
    .replace("spec.versions[0].schema.openAPIV3Schema", "spec.validation.openAPIV3Schema")
    .replace("spec.versions[0].", "spec.")

    .replace("JSONPath", "jsonPath");
}

function withoutServerFields(object: Record<string, unknown>): unknown {
  const { managedFields: _m, uid: _u, resourceVersion: _r, creationTimestamp: _c, ...metadata } = (object["metadata"] ?? {}) as Record<string, unknown>;
  const { status, ...rest } = object;
  return { ...rest, metadata, ...(object["kind"] === "CustomResourceDefinition" ? {} : { status }) };
}

const bad: readonly (readonly [because: string, body: object])[] = [
  ["its name is another", definition("Bad", { metadata: { name: "x.example.com" } })],
  ["no storage version", definition("Bad", { version: { storage: false } })],
  ["no served version", definition("Unserved", { version: { served: false } })],
  ["no schema", definition("Bad", { version: { schema: undefined } })],
  ["a group without a dot", { ...definition("Bad", { spec: { group: "nodot" } }), metadata: { name: "bads.nodot" } }],
  ["a group of Kubernetes", { ...definition("Bad", { spec: { group: "x.k8s.io" } }), metadata: { name: "bads.x.k8s.io" } }],
  ["a scope that is none", definition("Bad", { scope: "Everywhere" })],
  ["no kind", definition("Bad", { names: { kind: "" } })],
  ["kind and list kind are one", definition("Bad", { names: { listKind: "Bad" } })],
  ["preserveUnknownFields", definition("Bad", { spec: { preserveUnknownFields: true } })],
  ["a field without a type", definition("Bad", { schema: { type: "object", properties: { spec: { properties: {} } } } })],
  ["no type at the root", definition("Bad", { schema: { properties: {} } })],
  ["an array without items", definition("Bad", { schema: { type: "object", properties: { spec: { type: "array" } } } })],
  ["items without a type", definition("Bad", { schema: { type: "object", properties: { spec: { type: "array", items: {} } } } })],
  ["a type that is none", definition("Bad", { schema: { type: "object", properties: { spec: { type: "thing" } } } })],
  [
    "properties and additionalProperties",
    definition("Bad", {
      schema: { type: "object", properties: { spec: { type: "object", properties: { a: { type: "string" } }, additionalProperties: { type: "string" } } } },
    }),
  ],
  ["additionalProperties false", definition("Closed", { schema: { type: "object", properties: { spec: { type: "object", additionalProperties: false } } } })],
  ["uniqueItems", definition("Bad", { schema: { type: "object", properties: { spec: { type: "array", uniqueItems: true, items: { type: "string" } } } } })],
  ["$ref", definition("Bad", { schema: { type: "object", properties: { spec: { type: "object", $ref: "#/definitions/x" } } } })],
  ["a pattern that is none", definition("Bad", { schema: { type: "object", properties: { spec: { type: "string", pattern: "(" } } } })],
  ["a type inside anyOf", definition("Bad", { schema: { type: "object", properties: { spec: { type: "object", anyOf: [{ type: "object" }] } } } })],
  [
    "a field only inside anyOf",
    definition("Only", { schema: { type: "object", properties: { spec: { type: "object", anyOf: [{ properties: { a: { minimum: 1 } } }] } } } }),
  ],
  [
    "a field only inside anyOf, beside others",
    definition("Beside", {
      schema: {
        type: "object",
        properties: { spec: { type: "object", properties: { b: { type: "string" } }, anyOf: [{ properties: { a: { minimum: 1 } } }] } },
      },
    }),
  ],
  [
    "metadata with labels",
    definition("Bad", { schema: { type: "object", properties: { metadata: { type: "object", properties: { labels: { type: "object" } } } } } }),
  ],
  [
    "a map list without keys",
    definition("Bad", {
      schema: { type: "object", properties: { spec: { type: "array", "x-kubernetes-list-type": "map", items: { type: "object", properties: {} } } } },
    }),
  ],
  [
    "keys that are no fields",
    definition("Bad", {
      schema: {
        type: "object",
        properties: {
          spec: {
            type: "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["a"],
            items: { type: "object", properties: { b: { type: "string" } } },
          },
        },
      },
    }),
  ],
  [
    "keys that may be missing",
    definition("Bad", {
      schema: {
        type: "object",
        properties: {
          spec: {
            type: "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["a"],
            items: { type: "object", properties: { a: { type: "string" } } },
          },
        },
      },
    }),
  ],
  [
    "a set of objects",
    definition("Bad", {
      schema: { type: "object", properties: { spec: { type: "array", "x-kubernetes-list-type": "set", items: { type: "object", properties: {} } } } },
    }),
  ],
  [
    "a list type that is none",
    definition("Bad", { schema: { type: "object", properties: { spec: { type: "array", "x-kubernetes-list-type": "bag", items: { type: "string" } } } } }),
  ],
  [
    "int-or-string with a type",
    definition("Typed", { schema: { type: "object", properties: { spec: { type: "string", "x-kubernetes-int-or-string": true } } } }),
  ],
  [
    "an embedded resource without properties",
    definition("Bad", { schema: { type: "object", properties: { spec: { type: "object", "x-kubernetes-embedded-resource": true } } } }),
  ],
  [
    "preserve-unknown-fields false",
    definition("Bad", { schema: { type: "object", properties: { spec: { type: "object", "x-kubernetes-preserve-unknown-fields": false } } } }),
  ],
  [
    "a default of another type",
    definition("Bad", { schema: { type: "object", properties: { spec: { type: "object", properties: { a: { type: "integer", default: "x" } } } } } }),
  ],
  [
    "a default that would be pruned",
    definition("Bad", {
      schema: {
        type: "object",
        properties: { spec: { type: "object", properties: { a: { type: "object", properties: { b: { type: "string" } }, default: { c: 1 } } } } },
      },
    }),
  ],
  ["a column of a type that is none", definition("Bad", { version: { additionalPrinterColumns: [{ name: "A", type: "thing", jsonPath: ".a" }] } })],
  ["a column without a path", definition("Bad", { version: { additionalPrinterColumns: [{ name: "A", type: "string", jsonPath: "" }] } })],
  ["a scale outside of spec", definition("Bad", { version: { subresources: { scale: { specReplicasPath: ".x", statusReplicasPath: ".status.n" } } } })],
  ["a warning without deprecation", definition("Bad", { version: { deprecationWarning: "old" } })],
  [
    "a rule that does not compile",
    definition("Bad", {
      schema: {
        type: "object",
        properties: { spec: { type: "object", properties: { a: { type: "integer" } }, "x-kubernetes-validations": [{ rule: "self.b > 1" }] } },
      },
    }),
  ],
  [
    "a rule that is no bool",
    definition("Bad", {
      schema: {
        type: "object",
        properties: { spec: { type: "object", properties: { a: { type: "integer" } }, "x-kubernetes-validations": [{ rule: "self.a" }] } },
      },
    }),
  ],
  ["an empty rule", definition("Bad", { schema: { type: "object", properties: { spec: { type: "object", "x-kubernetes-validations": [{ rule: " " }] } } } })],
  [
    "a rule with a reason that is none",
    definition("Bad", { schema: { type: "object", properties: { spec: { type: "object", "x-kubernetes-validations": [{ rule: "true", reason: "No" }] } } } }),
  ],
  [
    "a transition rule in a list without keys",
    definition("Bad", {
      schema: {
        type: "object",
        properties: { spec: { type: "array", items: { type: "integer", "x-kubernetes-validations": [{ rule: "self >= oldSelf" }] } } },
      },
    }),
  ],
  ["a selectable field that is none", definition("Bad", { version: { selectableFields: [{ jsonPath: ".spec.nope" }] } })],
  ["a version name that is none", definition("Bad", { version: { name: "V1" } })],
];

const everything = definition("Thing", {
  version: {
    subresources: { status: {}, scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas", labelSelectorPath: ".status.selector" } },
  },
  schema: {
    type: "object",
    required: ["spec"],
    properties: {
      spec: {
        type: "object",
        required: ["replicas"],
        properties: {
          replicas: { type: "integer", minimum: 1, maximum: 10, format: "int32" },
          ratio: { type: "number", exclusiveMinimum: true, minimum: 0, multipleOf: 0.5 },
          name: { type: "string", minLength: 2, maxLength: 5, pattern: "^[a-z]+$" },
          mode: { type: "string", enum: ["a", "b"], default: "a" },
          on: { type: "boolean" },
          tags: { type: "array", items: { type: "string" }, maxItems: 3, "x-kubernetes-list-type": "set" },
          parts: {
            type: "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            items: { type: "object", required: ["name"], properties: { name: { type: "string" }, count: { type: "integer", default: 1 } } },
          },
          labels: { type: "object", additionalProperties: { type: "string" }, minProperties: 1 },
          port: { "x-kubernetes-int-or-string": true },
          free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
          maybe: { type: "string", nullable: true },
          never: { type: "string" },
          nested: { type: "object", default: {}, properties: { deep: { type: "string", default: "d" } } },
          template: { type: "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true },
          when: { type: "string", format: "date-time" },
          choice: { type: "object", properties: { a: { type: "string" }, b: { type: "string" } }, oneOf: [{ required: ["a"] }, { required: ["b"] }] },
          ruled: {
            type: "object",
            properties: {
              min: { type: "integer" },
              max: { type: "integer" },
              fixed: { type: "string", "x-kubernetes-validations": [{ rule: "self == oldSelf", message: "fixed is fixed" }] },
            },
            "x-kubernetes-validations": [
              { rule: "!has(self.min) || !has(self.max) || self.min <= self.max", message: "min is at most max" },
              { rule: "!has(self.max) || self.max < 100", messageExpression: "'max is too large'", reason: "FieldValueForbidden", fieldPath: ".max" },
            ],
          },
        },
      },
      status: { type: "object", properties: { replicas: { type: "integer" }, selector: { type: "string" }, phase: { type: "string" } } },
    },
  },
});

const thing = (name: string, spec: object, rest: object = {}) => ({
  apiVersion: "example.com/v1",
  kind: "Thing",
  metadata: { name },
  spec: { replicas: 1, ...spec },
  ...rest,
});
const things = "/apis/example.com/v1/namespaces/default/things";

/** Objects to create: the first column says what is special. */
const objects: readonly (readonly [because: string, body: object])[] = [
  ["the least", thing("least", {})],
  ["unknown fields", thing("unknown", { nope: 1, parts: [{ name: "x", what: 1 }] }, { other: 1 })],
  [
    "an embedded object",
    thing("embedded", { template: { apiVersion: "v1", kind: "Pod", metadata: { name: "x", labels: { a: "b" }, nope: 1 }, spec: { any: 1 } } }),
  ],
  ["a free field", thing("free", { free: { a: { b: [1, "2", null] } }, port: "http" })],
  ["a null that may be", thing("nullable", { maybe: null })],
  ["a null that may not be", thing("nulls", { never: null, nested: null, mode: null })],
  ["a status", thing("status", {}, { status: { phase: "x" } })],
  ["a time", thing("time", { when: "2026-01-02T03:04:05Z", ratio: 1.5, on: true, tags: ["a", "b"], labels: { a: "b" }, choice: { a: "x" } })],
  ["rules kept", thing("ruled", { ruled: { min: 1, max: 2, fixed: "x" } })],
  ["no spec", { apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "bad" } }],
  ["a missing field", { ...thing("bad", {}), spec: {} }],
  ["a number that is too small", thing("bad", { replicas: 0 })],
  ["a number that is too large", thing("bad", { replicas: 11 })],
  ["a text in the place of a number", thing("bad", { replicas: "1" })],
  ["a fraction in the place of an integer", thing("bad", { replicas: 1.5 })],
  ["a number in the place of a text", thing("bad", { name: 5 })],
  ["a bound that is excluded", thing("bad", { ratio: 0 })],
  ["no multiple", thing("bad", { ratio: 0.3 })],
  ["a text that is too short", thing("bad", { name: "a" })],
  ["a text that is too long", thing("bad", { name: "abcdef" })],
  ["a text that does not match", thing("bad", { name: "AB" })],
  ["a value that is not allowed", thing("bad", { mode: "c" })],
  ["too many elements", thing("bad", { tags: ["a", "b", "c", "d"] })],
  ["an element twice", thing("bad", { tags: ["a", "a"] })],
  ["a key twice", thing("bad", { parts: [{ name: "x" }, { name: "x", count: 2 }] })],
  ["an element without its key", thing("bad", { parts: [{ count: 1 }] })],
  ["too few fields", thing("bad", { labels: {} })],
  ["a map's value of another type", thing("bad", { labels: { a: 1 } })],
  ["neither integer nor text", thing("bad", { port: true })],
  ["an embedded object without a kind", thing("bad", { template: { apiVersion: "v1", metadata: { name: "x" } } })],
  ["an embedded object of a bad name", thing("bad", { template: { apiVersion: "v1", kind: "Pod", metadata: { labels: { "a b": "c" } } } })],
  ["a time that is none", thing("bad", { when: "yesterday" })],
  ["none of one", thing("bad", { choice: {} })],
  ["two of one", thing("bad", { choice: { a: "x", b: "y" } })],
  ["a list in the place of an object", thing("bad", { nested: [] })],
  ["a rule broken", thing("bad", { ruled: { min: 3, max: 2 } })],
  ["a rule broken at its field", thing("bad", { ruled: { max: 100 } })],
  ["a name that is none", thing("Bad_Name", {})],
  ["a label that is none", { ...thing("bad", {}), metadata: { name: "bad", labels: { "a b": "c" } } }],
];

/** Changes of `ruled`, in order. */
const changes: readonly (readonly [because: string, method: string, path: string, body: object, contentType?: string])[] = [
  ["a merge patch", "PATCH", `${things}/ruled`, { spec: { replicas: 2 } }],
  ["a JSON patch", "PATCH", `${things}/ruled`, [{ op: "replace", path: "/spec/replicas", value: 3 }], "application/json-patch+json"],
  ["a strategic merge patch", "PATCH", `${things}/ruled`, { spec: { replicas: 2 } }, "application/strategic-merge-patch+json"],
  ["a transition rule broken", "PATCH", `${things}/ruled`, { spec: { ruled: { fixed: "y" } } }],
  ["a put without a version", "PUT", `${things}/ruled`, thing("ruled", {})],
  ["status by the main endpoint", "PATCH", `${things}/ruled`, { status: { phase: "x" } }],
  ["status by its own", "PATCH", `${things}/ruled/status`, { spec: { replicas: 9 }, status: { phase: "x", replicas: 3, selector: "a=b", nope: 1 } }],
  ["a bad status", "PATCH", `${things}/ruled/status`, { status: { phase: 1 } }],
  ["the scale", "PATCH", `${things}/ruled/scale`, { spec: { replicas: 4 } }],
  ["a scale beyond the schema", "PATCH", `${things}/ruled/scale`, { spec: { replicas: 40 } }],
  ["a label", "PATCH", `${things}/ruled`, { metadata: { labels: { a: "b" } } }],
  ["nothing", "PATCH", `${things}/ruled`, {}],
];

/** A schema with bounds on everything, so that kube-apiserver estimates rules as cheap enough. */
const ruledSpec = (rules: readonly string[]) => {
  const text = { type: "string", maxLength: 50 };
  return {
    type: "object",
    properties: {
      replicas: { type: "integer" },
      minReplicas: { type: "integer" },
      ratio: { type: "number" },
      name: text,
      on: { type: "boolean" },
      tags: { type: "array", maxItems: 5, items: text },
      counts: { type: "array", maxItems: 5, items: { type: "integer" } },
      parts: {
        type: "array",
        maxItems: 5,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        items: { type: "object", required: ["name"], properties: { name: text, count: { type: "integer" } } },
      },
      labels: { type: "object", maxProperties: 5, additionalProperties: text },
      port: { "x-kubernetes-int-or-string": true },
      at: { type: "string", format: "date-time", maxLength: 30 },
      lasts: { type: "string", format: "duration", maxLength: 20 },
      data: { type: "string", format: "byte", maxLength: 20 },
      "a-b.c": text,
      namespace: text,
      absent: text,
      empty: { type: "object", properties: { x: text } },
    },
    "x-kubernetes-validations": rules.map((rule) => ({ rule })),
  };
};

const ruledObject = {
  replicas: 3,
  minReplicas: 2,
  ratio: 2.5,
  name: "web-1",
  on: true,
  tags: ["a", "b"],
  counts: [1, 2, 2],
  parts: [
    { name: "x", count: 1 },
    { name: "y", count: 2 },
  ],
  labels: { a: "b" },
  port: 80,
  at: "2026-01-02T03:04:05Z",
  lasts: "1h30m",
  data: "aGk=",
  "a-b.c": "escaped",
  namespace: "reserved",
  empty: {},
};

/** All of them hold of the object above, there as here. */
const trueRules = [
  "self.replicas >= self.minReplicas",
  "self.replicas * 2 - 1 == 5 && self.replicas / 2 == 1 && self.replicas % 2 == 1 && -self.replicas == -3",
  "self.ratio > 2.0 && self.ratio < 3.0 && double(self.replicas) > self.ratio && int(self.ratio) == 2",
  "self.replicas > 2.5",
  "self.name.startsWith('web') && self.name.endsWith('1') && self.name.contains('b-') && self.name.matches('^[a-z]+-[0-9]$')",
  "has(self.name) && !has(self.absent) && has(self.empty) && !has(self.empty.x)",
  "size(self.tags) == 2 && self.tags.size() == 2 && self.name.size() == 5 && size(self.labels) == 1",
  "self.tags.all(t, t.size() == 1) && self.tags.exists(t, t == 'a') && self.tags.exists_one(t, t == 'b')",
  "self.tags.map(t, t + '!') == ['a!', 'b!'] && self.tags.filter(t, t != 'a') == ['b'] && self.tags.map(t, t == 'a', t) == ['a']",
  "self.parts.map(p, p.count).sum() == 3 && self.counts.isSorted() && self.counts.max() == 2 && self.counts.min() == 1",
  "self.counts.indexOf(2) == 1 && self.counts.lastIndexOf(2) == 2 && self.tags.indexOf('z') == -1",
  "self.parts.exists(p, p.name == 'y' && p.count == 2) && self.parts[0] != self.parts[1] && self.parts[0] in self.parts",
  "'a' in self.labels && self.labels['a'] == 'b' && self.labels.all(k, self.labels[k].size() > 0) && !('z' in self.labels)",
  "type(self.port) == int ? self.port == 80 : self.port == '80'",
  "self.at > timestamp('2026-01-01T00:00:00Z') && self.at.getFullYear() == 2026 && self.at.getMonth() == 0 && self.at.getDayOfMonth() == 1 && self.at.getDate() == 2",
  "self.at.getHours() == 3 && self.at - timestamp('2026-01-02T03:04:00Z') == duration('5s') && self.at + duration('1h') > self.at",
  "self.lasts == duration('90m') && self.lasts > duration('1h') && self.lasts.getMinutes() == 90",
  "self.data == b'hi' && string(self.data) == 'hi'",
  "self.a__dash__b__dot__c == 'escaped' && self.__namespace__ == 'reserved'",
  "self.name.replace('-', '.') == 'web.1' && self.name.split('-') == ['web', '1'] && self.name.charAt(0) == 'w' && self.name.substring(0, 3) == 'web'",
  "self.name.upperAscii() == 'WEB-1' && ' x '.trim() == 'x' && self.name.indexOf('-') == 3 && 'a-b-a'.lastIndexOf('a') == 4",
  "'a-b-a'.replace('a', 'x', 1) == 'x-b-a'",
  "self.name.find('[0-9]+') == '1' && 'a1b22'.findAll('[0-9]+') == ['1', '22'] && 'a1b22'.findAll('[0-9]+', 1) == ['1'] && 'x'.find('[0-9]') == ''",
  "isURL('https://example.com:80/a?b=c') && !isURL('../x') && url('https://example.com:8080/a?b=c').getHostname() == 'example.com'",
  "url('https://example.com:8080/a').getPort() == '8080' && url('https://example.com/a').getScheme() == 'https' && url('https://example.com:8080/a').getHost() == 'example.com:8080'",
  "url('https://example.com/a b').getEscapedPath() == '/a%20b' && url('https://example.com/?k=a&k=b').getQuery() == {'k': ['a', 'b']}",
  "quantity('1Gi').isGreaterThan(quantity('900Mi')) && quantity('100m').add(quantity('900m')).compareTo(quantity('1')) == 0 && quantity('2').asInteger() == 2 && !isQuantity('x') && quantity('2').sub(1).compareTo(quantity('1')) == 0",
  "quantity('1.5').asApproximateFloat() == 1.5 && quantity('50').isInteger() && sign(quantity('-1')) == -1",
  "isIP('::1') && !isIP('1.2.3') && ip('127.0.0.1').isLoopback() && ip('10.0.0.1').family() == 4 && ip('fe80::1').isLinkLocalUnicast() && ip('8.8.8.8').isGlobalUnicast()",
  "isCIDR('10.0.0.0/8') && cidr('10.0.0.0/8').containsIP('10.1.2.3') && cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && cidr('10.0.0.0/8').prefixLength() == 8",
  "sets.contains([1, 2, 3], [1, 2]) && sets.intersects(self.tags, ['b']) && sets.equivalent(['b', 'a'], self.tags) && !sets.contains([1], [2])",
  "self.?name.orValue('') == 'web-1' && self.?absent.orValue('none') == 'none' && !self.?absent.hasValue() && self.?labels['a'].orValue('') == 'b'",
  "optional.of(1).value() == 1 && !optional.none().hasValue() && optional.ofNonZeroValue(0).orValue(7) == 7",
  "self.tags.join('-') == 'a-b' && self.tags.join() == 'ab'",
  "'%s has %d'.format([self.name, self.replicas]) == 'web-1 has 3' && '%.2f'.format([self.ratio]) == '2.50' && '%x'.format([255]) == 'ff' && '%%'.format([]) == '%'",
  "string(self.replicas) == '3' && int('12') == 12 && double('1.5') == 1.5 && uint(3) == 3u && bool('true') && string(true) == 'true'",
  "dyn(1) == 1 && [1, 2] + [3] == [1, 2, 3] && {'a': 1}.a == 1 && 1 in [1, 2] && 'x' + 'y' == 'xy'",
  "(false && 1 / 0 == 1) == false && (true || 1 / 0 == 1)",
  "self.on && !false && (self.on ? 1 : 2) == 1",
  '"a\\u00e9" == "aé" && r"\\d" == "\\\\d" && """x""" == "x"',
];

/** Neither server takes these. */
const wrongRules = [
  "self.nope == 1",
  "self.replicas == 'a'",
  "self.replicas +",
  "self.replicas",
  "unknown(self.replicas)",
  "self.tags.nothing()",
  "self.tags + 1 == [1]",
  "self.name < 1",
  "self.on + self.on",
  "self.parts.all(p, p.nope == 1)",
  "has(self.nope)",
  "other == 1",
  "self.replicas == 1.5",
  "!self.replicas",
  "self.labels.a.b == 1",
  "self.tags['a'] == 'a'",
  "'a' in self.name",
  "self.name.matches(1)",
  "size(1) == 1",
  "[1, 2].map(x)  == [1]",
];

describeWithKubernetes("custom resources here and at kube-apiserver", () => {
  let ours: TestControlPlane;
  let theirs: TestApiServer;
  let calls: { readonly ours: Call; readonly theirs: Call };
  const owned = new AsyncDisposableStack();

  beforeAll(async () => {
    [ours, theirs] = await Promise.all([openTestControlPlane(), startApiServer()]);
    owned.use(ours);
    owned.use(theirs);
    calls = { ours: owned.use(caller(ours.connection)).call, theirs: owned.use(caller(theirs.connection)).call };
    await until("the namespace of theirs", async () => (await calls.theirs("GET", "/api/v1/namespaces/default")).status === 200);
  }, 90_000);
  afterAll(() => owned.disposeAsync());

  const both = async (...input: Parameters<Call>) => {
    const [here, there] = await Promise.all([calls.ours(...input), calls.theirs(...input)]);
    return { here, there };
  };
  const differing = async (cases: readonly (readonly [because: string, ...Parameters<Call>])[]) => {
    const found: object[] = [];
    for (const [because, ...input] of cases) {
      const { here, there } = await both(...input);
      const [a, b] = [essence(here), essence(there)];
      if (JSON.stringify(a, sorted) !== JSON.stringify(b, sorted))
        found.push({ because, here: a, there: b, saysHere: here.body["message"], saysThere: there.body["message"] });
    }
    return found;
  };

  test("definitions that are refused there are refused here, for the same fields", async () => {
    expect(await differing(bad.map(([because, body]) => [because, "POST", definitions, body]))).toEqual([]);
  });

  test("objects are completed, pruned and refused alike", async () => {
    expect(await differing([["the definition", "POST", definitions, everything]])).toEqual([]);
    for (const call of Object.values(calls)) await until("the kind to be served", async () => (await call("GET", things)).status === 200);
    expect(await differing(objects.map(([because, body]) => [because, "POST", things, body]))).toEqual([]);
  });

  test("a definition says the same of itself: accepted, in conflict, in deletion", async () => {
    const state = ({ body }: Answer) => {
      const { conditions, ...status } = (body["status"] ?? {}) as { conditions?: Record<string, unknown>[] | null };
      const said = (conditions ?? []).map(({ lastTransitionTime: _t, message: _m, ...condition }) => condition);
      return {
        status,
        conditions: said.sort((a, b) => (String(a["type"]) < String(b["type"]) ? -1 : 1)),
        finalizers: (body["metadata"] as { finalizers?: string[] }).finalizers,
      };
    };
    const statusOf = async (call: Call, name: string, reason: string) =>
      until(`${name} to say ${reason}`, async () => {
        const found = state(await call("GET", `${definitions}/${name}`));
        return found.conditions.some((condition) => condition["reason"] === reason) ? found : undefined;
      });
    // Each condition is written by a controller of its own there, one after another.
    const compare = async (name: string, reason: string) => {
      await until(`both to say the same of ${name}`, async () => {
        const [here, there] = await Promise.all([statusOf(calls.ours, name, reason), statusOf(calls.theirs, name, reason)]);
        expect(here).toEqual(there);
        return true;
      });
    };
    await both("POST", definitions, definition("Said", { names: { shortNames: ["sd"], categories: ["all"] } }));
    await compare("saids.example.com", "InitialNamesAccepted");
    await both("POST", definitions, { ...definition("Other", { names: { kind: "Said", shortNames: ["sd"] } }) });
    await compare("others.example.com", "NotAccepted");
    const approved = definition("Approved", { spec: { group: "x.k8s.io" } });
    await both("POST", definitions, {
      ...approved,
      metadata: { name: "approveds.x.k8s.io", annotations: { "api-approved.kubernetes.io": "unapproved, experimental" } },
    });
    await compare("approveds.x.k8s.io", "InitialNamesAccepted");
    const held = { apiVersion: "example.com/v1", kind: "Said", metadata: { name: "held", finalizers: ["example.com/hold"] } };
    for (const call of Object.values(calls))
      await until("it to be served", async () => (await call("POST", "/apis/example.com/v1/namespaces/default/saids", held)).status < 500);
    await both("DELETE", `${definitions}/saids.example.com`);
    await compare("saids.example.com", "InstanceDeletionInProgress");
    await both("PATCH", "/apis/example.com/v1/namespaces/default/saids/held", { metadata: { finalizers: null } });
    await until("it to go", async () => (await calls.ours("GET", `${definitions}/saids.example.com`)).status === 404); // theirs looks every 5 s
  });

  test("rules mean the same: what holds, what does not hold, and what is no rule", async () => {
    const verdict = async (rule: string) => {
      const body = definition("Single", { schema: { type: "object", properties: { spec: ruledSpec([rule]) } } });
      const { here, there } = await both("POST", `${definitions}?dryRun=All`, body);
      return here.status === there.status
        ? []
        : [{ rule, here: here.status, there: there.status, saysHere: here.body["message"], saysThere: there.body["message"] }];
    };
    const differing: object[] = [];
    for (const rule of [...trueRules, ...wrongRules]) differing.push(...(await verdict(rule)));
    expect(differing).toEqual([]);
    for (const [kind, rules] of [
      ["Holding", trueRules],
      // A refusal tells 32 problems here, and 100 there.
      ["Breaking", trueRules.slice(0, 25).map((rule) => `!(${rule})`)],
      ["Broken", trueRules.slice(25).map((rule) => `!(${rule})`)],
    ] as const) {
      const path = `/apis/example.com/v1/namespaces/default/${kind.toLowerCase()}s`;
      await both("POST", definitions, definition(kind, { schema: { type: "object", properties: { spec: ruledSpec(rules) } } }));
      for (const call of Object.values(calls)) await until(`${kind} to be served`, async () => (await call("GET", path)).status === 200);
      const { here, there } = await both("POST", path, { apiVersion: "example.com/v1", kind, metadata: { name: "x" }, spec: ruledObject });
      const said = ({ status, body }: Answer) => ({
        status,
        says: ((body["details"] as { causes?: { message: string }[] } | undefined)?.causes ?? []).map(({ message }) => message).sort(),
      });
      expect(said(here)).toEqual(said(there));
      expect(there.status).toBe(kind === "Holding" ? 201 : 422);
    }
  });

  test("changes are taken and refused alike", async () => {
    expect(await differing(changes)).toEqual([]);
    expect(await differing([["the scale", "GET", `${things}/ruled/scale`]])).toEqual([]);
  });
});

function sorted(_: string, value: unknown): unknown {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;
}
