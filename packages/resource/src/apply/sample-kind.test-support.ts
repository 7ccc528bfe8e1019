import fc from "fast-check";
import type { JsonObject } from "../object.ts";
import type { Schema } from "../schema.ts";

const text: Schema = { type: "string" };
const integer: Schema = { type: "integer" };
const set: Schema = { type: "array", items: text, "x-kubernetes-list-type": "set" };

/** A kind with every sort of field that apply treats differently. */
export const sampleSchema: Schema = {
  type: "object",
  properties: {
    spec: {
      type: "object",
      properties: {
        replicas: integer,
        title: text,
        labels: { type: "object", additionalProperties: text },
        atomicMap: { type: "object", additionalProperties: text, "x-kubernetes-map-type": "atomic" },
        atomicList: { type: "array", items: text },
        zones: set,
        items: {
          type: "array",
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["name"],
          items: { type: "object", properties: { name: text, value: integer, tags: set } },
        },
        ports: {
          type: "array",
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["port", "protocol"],
          items: { type: "object", properties: { port: integer, protocol: { type: "string", default: "TCP" }, title: text } },
        },
        free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
        nested: { type: "object", properties: { x: integer, y: { type: "object", properties: { z: text } } } },
      },
    },
    status: { type: "object", properties: { phase: text } },
  },
};

const few = (...names: string[]) => fc.shuffledSubarray(names);
const optional = <T extends Record<string, fc.Arbitrary<unknown>>>(fields: T) => fc.record(fields, { requiredKeys: [] });
const map = (value: fc.Arbitrary<unknown>) => fc.dictionary(fc.constantFrom("k1", "k2"), value);
const letter = fc.constantFrom("a", "b");

const { free } = fc.letrec((tie) => ({
  free: fc.dictionary(
    fc.constantFrom("p", "q", "__proto__"),
    fc.oneof({ depthSize: "small" }, fc.constant(1), fc.constant([1, { a: 1 }]), letter, tie("free")),
    { maxKeys: 2 },
  ),
}));

/** Any `spec` of {@link sampleSchema}, small enough that fields meet. */
export const anySpec = optional({
  replicas: fc.integer({ min: 1, max: 2 }),
  title: letter,
  labels: map(letter),
  atomicMap: map(letter),
  atomicList: few("a", "b"),
  zones: few("a", "b", "c"),
  items: few("a", "b", "c").chain((names) =>
    fc.tuple(...names.map((name) => optional({ value: fc.integer({ min: 1, max: 2 }), tags: few("a", "b") }).map((rest) => ({ name, ...rest })))),
  ),
  ports: fc.shuffledSubarray([{ port: 80 }, { port: 80, protocol: "UDP" }, { port: 81, title: "x" }]),
  free,
  nested: optional({ x: fc.integer({ min: 1, max: 2 }), y: optional({ z: letter }) }),
});

export const apiVersion = "example.io/v1";

export function sample(fields: JsonObject = {}, metadata: JsonObject = {}): JsonObject {
  return { apiVersion, kind: "Sample", metadata: { name: "x", ...metadata }, ...fields };
}

export const anySample: fc.Arbitrary<JsonObject> = fc
  .tuple(fc.option(anySpec, { nil: undefined }), optional({ labels: map(letter), finalizers: few("f/1", "f/2") }))
  .map(([spec, metadata]) => sample(spec === undefined ? {} : { spec: spec as JsonObject }, metadata as JsonObject));
