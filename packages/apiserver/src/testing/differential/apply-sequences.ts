import { array, boolean, constant, constantFrom, nat, oneof, option, record, shuffledSubarray, subarray, tuple, type Arbitrary } from "fast-check";
import type { JsonObject } from "@threeport/resource";

/** One write of one object by one of several managers, in words that any Kubernetes API is asked in. */
export interface ManagedWrite {
  readonly manager: string;
  readonly verb: "apply" | "create" | "replace" | "merge" | "strategic" | "json" | "reset";
  /** Of apply. */
  readonly force: boolean;
  /** Of replace: the object is read first, and keeps the managedFields that were read. */
  readonly keepsManagedFields: boolean;
  readonly subresource?: "status";
  /** What the object shall say beside its type and name; of a patch: what is merged in. */
  readonly fields: JsonObject;
  /** Of a JSON patch. */
  readonly steps: readonly JsonObject[];
  readonly resetTo: readonly JsonObject[];
}

export interface AppliedKind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  readonly fields: Arbitrary<JsonObject>;
  readonly statusFields?: Arbitrary<JsonObject>;
  /** Places for JSON patches, with values. */
  readonly places: readonly (readonly [path: string, values: readonly unknown[]])[];
}

const optional = <T extends Record<string, Arbitrary<unknown>>>(fields: T): Arbitrary<JsonObject> =>
  record(fields, { requiredKeys: [] }) as Arbitrary<JsonObject>;
const text = constantFrom("1", "2");
const map = (...keys: string[]): Arbitrary<JsonObject> => optional(Object.fromEntries(keys.map((key) => [key, text])));
const encoded = (...keys: string[]): Arbitrary<JsonObject> => optional(Object.fromEntries(keys.map((key) => [key, constantFrom("MQ==", "Mg==")])));

const owner = (uid: string) => ({ apiVersion: "v1", kind: "ConfigMap", name: `owner-${uid}`, uid });
const metadata = optional({
  labels: map("one", "two"),
  annotations: map("one", "two"),
  finalizers: shuffledSubarray(["example.com/a", "example.com/b", "example.com/c"]),
  ownerReferences: shuffledSubarray([owner("u-1"), owner("u-2")]),
});

const withMetadata = (fields: Arbitrary<JsonObject>): Arbitrary<JsonObject> =>
  tuple(fields, oneof({ weight: 3, arbitrary: metadata }, { weight: 2, arbitrary: constant({}) })).map(([own, meta]) =>
    Object.keys(meta).length === 0 ? own : { ...own, metadata: meta },
  );

const metadataPlaces: AppliedKind["places"] = [
  ["/metadata/labels", [{ one: "3" }, {}, null]],
  ["/metadata/labels/one", ["4"]],
  ["/metadata/annotations", [{ two: "3" }]],
  ["/metadata/finalizers", [["example.com/b"], []]],
  ["/metadata/ownerReferences", [[owner("u-3")], []]],
];

export const appliedKinds: readonly AppliedKind[] = [
  {
    apiVersion: "v1",
    kind: "ConfigMap",
    plural: "configmaps",
    namespaced: true,
    fields: withMetadata(optional({ data: map("a", "b", "c"), binaryData: encoded("x", "y") })),
    places: [...metadataPlaces, ["/data", [{ d: "1" }, {}]], ["/data/a", ["5"]], ["/binaryData/x", ["NQ=="]]],
  },
  {
    apiVersion: "v1",
    kind: "Secret",
    plural: "secrets",
    namespaced: true,
    fields: withMetadata(optional({ data: encoded("a", "b", "c"), stringData: map("a", "d"), type: constant("Opaque") })),
    places: [...metadataPlaces, ["/data", [{ d: "MQ==" }, {}]], ["/data/a", ["NQ=="]], ["/stringData", [{ a: "9" }]]],
  },
  {
    apiVersion: "v1",
    kind: "ServiceAccount",
    plural: "serviceaccounts",
    namespaced: true,
    fields: withMetadata(
      optional({
        secrets: shuffledSubarray(["a", "b", "c"], { minLength: 1 }).map((names) => names.map((name) => ({ name }))),
        imagePullSecrets: shuffledSubarray(["r", "s"], { minLength: 1 }).map((names) => names.map((name) => ({ name }))),
        automountServiceAccountToken: boolean(),
      }),
    ),
    places: [...metadataPlaces, ["/secrets", [[{ name: "z" }], []]], ["/imagePullSecrets", [[{ name: "q" }]]], ["/automountServiceAccountToken", [true]]],
  },
  {
    apiVersion: "v1",
    kind: "Namespace",
    plural: "namespaces",
    namespaced: false,
    fields: tuple(map("one", "two"), map("one"), boolean()).map(([labels, annotations, both]) => ({ metadata: both ? { labels, annotations } : { labels } })),
    places: [
      ["/metadata/labels/one", ["4"]],
      ["/metadata/annotations", [{ two: "3" }]],
    ],
  },
  {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    plural: "leases",
    namespaced: true,
    fields: withMetadata(
      optional({
        spec: optional({
          holderIdentity: constantFrom("x", "y"),
          leaseDurationSeconds: constantFrom(10, 20),
          leaseTransitions: constantFrom(1, 2),
          renewTime: constantFrom("2026-01-01T00:00:00.000000Z", "2026-01-02T00:00:00.000000Z"),
        }),
      }),
    ),
    places: [...metadataPlaces, ["/spec", [{ holderIdentity: "z" }]], ["/spec/holderIdentity", ["w"]]],
  },
  {
    apiVersion: "v1",
    kind: "Event",
    plural: "events",
    namespaced: true,
    fields: withMetadata(
      tuple(
        optional({
          message: text,
          count: constantFrom(1, 2),
          type: constantFrom("Normal", "Warning"),
          source: optional({ component: text, host: text }),
        }),
        optional({ name: text, fieldPath: text }),
      ).map(([fields, about]) => ({ ...fields, involvedObject: { ...about, namespace: "§namespace" } })),
    ),
    places: [...metadataPlaces, ["/message", ["other"]], ["/source", [{ component: "x" }]], ["/involvedObject/name", ["n"]]],
  },
];

const managers = constantFrom("ann", "bob", "eve", "kubectl");

function steps(kind: AppliedKind): Arbitrary<JsonObject[]> {
  const step = tuple(constantFrom(...kind.places), nat(5), constantFrom("add", "add", "replace", "remove")).map(([[path, values], index, op]): JsonObject =>
    op === "remove" ? { op, path } : { op, path, value: values[index % values.length] },
  );
  return array(step, { minLength: 1, maxLength: 2 });
}

function write(kind: AppliedKind): Arbitrary<ManagedWrite> {
  const verb = constantFrom<ManagedWrite["verb"][]>(
    "apply",
    "apply",
    "apply",
    "apply",
    "create",
    "replace",
    "replace",
    "merge",
    "merge",
    "strategic",
    "strategic",
    "json",
    "json",
    "reset",
  );
  return record({
    manager: managers,
    verb,
    force: nat(2).map((chance) => chance > 0),
    keepsManagedFields: boolean(),
    fields: kind.fields,
    steps: steps(kind),
    resetTo: constantFrom<JsonObject[][]>([{}], []),
  });
}

/** A few writes of one object of a kind; the same ones again come often, since nothing must change then. */
export function writesOf(kind: AppliedKind, longest = 8): Arbitrary<readonly ManagedWrite[]> {
  const first = tuple(write(kind), constantFrom<ManagedWrite["verb"][]>("create", "apply")).map(([made, verb]) => ({ ...made, verb }));
  const later = array(tuple(write(kind), option(subarray([1]), { freq: 4 })), { minLength: 1, maxLength: longest }).map((all) =>
    all.flatMap(([one, again]) => (again !== null && again.length > 0 ? [one, one] : [one])),
  );
  // Of an object that is not there most writes only say so.
  return tuple(first, later).map(([made, all]) => [made, ...all]);
}

const texts = { type: "string" };
const numbers = { type: "integer" };

/** The definition of {@link customKind}: every sort of field that apply treats differently, in a structural schema. */
export const customDefinition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "samples.apply.example.com" },
  spec: {
    group: "apply.example.com",
    scope: "Namespaced",
    names: { plural: "samples", kind: "Sample" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: {
                type: "object",
                properties: {
                  replicas: numbers,
                  filled: { type: "string", default: "in" },
                  labels: { type: "object", additionalProperties: texts },
                  whole: { type: "object", additionalProperties: texts, "x-kubernetes-map-type": "atomic" },
                  list: { type: "array", items: texts },
                  zones: { type: "array", items: texts, "x-kubernetes-list-type": "set" },
                  items: {
                    type: "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    items: {
                      type: "object",
                      required: ["name"],
                      properties: { name: texts, value: numbers, tags: { type: "array", items: texts, "x-kubernetes-list-type": "set" } },
                    },
                  },
                  ports: {
                    type: "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["port", "protocol"],
                    items: { type: "object", required: ["port"], properties: { port: numbers, protocol: { type: "string", default: "TCP" }, title: texts } },
                  },
                  free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
                  nested: { type: "object", properties: { x: numbers, y: { type: "object", properties: { z: texts } } } },
                },
              },
              status: { type: "object", properties: { phase: texts } },
            },
          },
        },
      },
    ],
  },
};

const item = tuple(constantFrom(1, 2), shuffledSubarray(["a", "b"], { minLength: 1 })).map(([value, tags]) => ({ value, tags }));

/** Never empty: an apply that empties a map of such an object is refused by kube-apiserver, which makes it null. */
const some = (first: string, ...others: string[]): Arbitrary<JsonObject> =>
  record(Object.fromEntries([first, ...others].map((key) => [key, text])), { requiredKeys: [first] }) as Arbitrary<JsonObject>;

/** An object of a CustomResourceDefinition, see {@link customDefinition}. */
export const customKind: AppliedKind = {
  apiVersion: "apply.example.com/v1",
  kind: "Sample",
  plural: "samples",
  namespaced: true,
  fields: withMetadata(
    optional({
      spec: record(
        {
          replicas: constantFrom(1, 2),
          labels: some("one", "two"),
          whole: some("one", "two"),
          list: shuffledSubarray(["a", "b"]),
          zones: shuffledSubarray(["a", "b", "c"], { minLength: 1 }),
          items: shuffledSubarray(["a", "b", "c"], { minLength: 1 }).chain((names) => tuple(...names.map((name) => item.map((rest) => ({ name, ...rest }))))),
          ports: shuffledSubarray([{ port: 80 }, { port: 80, protocol: "UDP" }, { port: 81, title: "x" }], { minLength: 1 }),
          free: record({ p: constantFrom<unknown>(1, [1, { a: 1 }], { q: 1 }), r: text }, { requiredKeys: ["r"] }),
          nested: record({ x: constantFrom(1, 2), y: some("z") }, { requiredKeys: ["x"] }),
        },
        { requiredKeys: ["replicas"] },
      ),
      status: optional({ phase: text }),
    }),
  ),
  places: [
    ...metadataPlaces,
    ["/spec", [{ replicas: 3 }]],
    ["/spec/replicas", [7]],
    ["/spec/labels", [{ one: "3" }, {}]],
    ["/spec/items", [[{ name: "z", value: 9 }], []]],
    ["/spec/ports", [[{ port: 80, title: "y" }]]],
    ["/spec/zones", [["c"], []]],
    ["/spec/free", [{ p: { q: 2 } }]],
    ["/spec/nested/y", [{ z: "5" }]],
  ],
};
