import { constant, constantFrom, dictionary, oneof, option, record, type Arbitrary } from "fast-check";
import type { Json, JsonDocument, Path } from "./json.ts";

/** A kind that both servers serve, and what generated documents of it are made of. */
export interface ComparedKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  readonly hasStatus: boolean;
  /** Everything of a valid document but apiVersion, kind and metadata. */
  readonly fields: Arbitrary<JsonDocument>;
  /** Places of its own that generated mistakes go to. */
  readonly places: readonly Path[];
  /** Values that are mistakes, or nearly, for this kind in particular. */
  readonly values?: readonly Json[];
  readonly fieldSelectors: readonly string[];
}

/** Values of every type and of sizes at the edges, for places where they may not belong. */
export const oddValues: readonly Json[] = [
  null, true, false, 0, 1, -1, 1.5, 2 ** 53, "", "x", "A", "é", "x".repeat(64), "x".repeat(254), "a.b/c", "-", "1",
  [], {}, ["x"], [""], ["x", "x"], [1], [null], [{}], { x: "y" }, { x: 1 }, { x: null }, { "": "x" }, { "a b": "x" }, "2024-01-01T00:00:00Z", "yesterday",
]; // prettier-ignore

const text = constantFrom("", "a", "b", "text of some length", "é\n\t\u0001");
const some = <T>(arbitrary: Arbitrary<T>) => option(arbitrary, { nil: undefined });
/** Without the keys that hold undefined. */
const fields = (shape: Record<string, Arbitrary<Json | undefined>>): Arbitrary<JsonDocument> =>
  record(shape).map((value) => Object.fromEntries(Object.entries(value).filter((entry): entry is [string, Json] => entry[1] !== undefined)));
const key = constantFrom("k", "l", "a.b", "_x", "A-1");

const configMap: ComparedKind = {
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  namespaced: true,
  hasStatus: false, // prettier-ignore
  fields: fields({
    data: some(dictionary(key, text, { maxKeys: 3 })),
    binaryData: some(oneof({ weight: 3, arbitrary: constant({}) }, { weight: 1, arbitrary: constantFrom<JsonDocument>({ bin: "AAEC" }, { k: "AA==" }) })),
    immutable: some(constantFrom(true, false, false)),
  }),
  places: [
    ["data"],
    ["data", "k"],
    ["data", "new"],
    ["data", ".."],
    ["binaryData"],
    ["binaryData", "k"],
    ["immutable"],
    ["nope"],
    ["metadata"],
    ["kind"],
    ["apiVersion"],
  ],
  values: [{ "a/b": "x" }, { k: "not base64!" }, { k: "x".repeat(70_000) }, "AA==", "AA", "A-_="],
  fieldSelectors: ["metadata.name=a", "metadata.name!=a", "metadata.namespace=default", "data.k=a"],
};

const secret: ComparedKind = {
  group: "",
  version: "v1",
  kind: "Secret",
  plural: "secrets",
  namespaced: true,
  hasStatus: false, // prettier-ignore
  fields: fields({
    data: some(dictionary(key, constantFrom("", "YQ==", "AAEC"), { maxKeys: 3 })),
    stringData: some(dictionary(key, text, { maxKeys: 2 })),
    type: some(constantFrom("Opaque", "Opaque", "Opaque", "", "example.com/mine", "kubernetes.io/basic-auth")),
    immutable: some(constantFrom(true, false, false)),
  }),
  places: [["data"], ["data", "k"], ["data", ".."], ["stringData"], ["stringData", "k"], ["type"], ["immutable"], ["nope"]],
  values: [
    "YQ",
    "YQ==\n",
    "Y Q==",
    { "a/b": "YQ==" },
    "kubernetes.io/service-account-token",
    "kubernetes.io/tls",
    "kubernetes.io/dockerconfigjson",
    "kubernetes.io/dockercfg",
    "kubernetes.io/ssh-auth",
    "bootstrap.kubernetes.io/token",
    { username: "YQ==" },
    { "tls.crt": "", "tls.key": "" },
    { ".dockerconfigjson": "e30=" },
  ],
  fieldSelectors: ["type=Opaque", "metadata.name=b", "type!=Opaque", "data=x"],
};

const serviceAccount: ComparedKind = {
  group: "",
  version: "v1",
  kind: "ServiceAccount",
  plural: "serviceaccounts",
  namespaced: true,
  hasStatus: false, // prettier-ignore
  fields: fields({
    secrets: some(constantFrom<Json>([], [{ name: "one" }], [{ name: "one" }, { name: "two", namespace: "x", fieldPath: "y" }])),
    imagePullSecrets: some(constantFrom<Json>([], [{ name: "one" }], [{}], [{ name: "two" }, { name: "one" }])),
    automountServiceAccountToken: some(constantFrom(true, false)),
  }),
  places: [["secrets"], ["secrets", 0], ["secrets", 0, "name"], ["imagePullSecrets"], ["imagePullSecrets", 0], ["automountServiceAccountToken"], ["nope"]],
  fieldSelectors: ["metadata.name=a", "secrets=x"],
};

const lease: ComparedKind = {
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
  namespaced: true,
  hasStatus: false, // prettier-ignore
  fields: fields({
    spec: some(
      fields({
        holderIdentity: some(constantFrom("a", "b", "")),
        leaseDurationSeconds: some(constantFrom(15, 1)),
        acquireTime: some(constantFrom<Json>("2024-01-01T00:00:00.000000Z", "2024-01-01T00:00:00.123456Z")),
        renewTime: some(constantFrom<Json>("2024-01-01T01:02:03.999999Z")),
        leaseTransitions: some(constantFrom(0, 1, 7)),
      }),
    ),
  }),
  places: [
    ["spec"],
    ["spec", "holderIdentity"],
    ["spec", "leaseDurationSeconds"],
    ["spec", "acquireTime"],
    ["spec", "renewTime"],
    ["spec", "leaseTransitions"],
    ["spec", "nope"],
    ["status"],
  ],
  values: [
    "2024-01-01T00:00:00Z",
    "2024-01-01T00:00:00.1Z",
    "2024-01-01T02:00:00.000000+02:00",
    "2024-01-01",
    2 ** 31,
    2 ** 31 - 1,
    "OldestEmulationVersion",
    "example.com/mine",
  ],
  fieldSelectors: ["metadata.name=a", "spec.holderIdentity=a"],
};

const event: ComparedKind = {
  group: "",
  version: "v1",
  kind: "Event",
  plural: "events",
  namespaced: true,
  hasStatus: false, // prettier-ignore
  fields: fields({
    involvedObject: constantFrom<Json>(
      { kind: "ConfigMap", namespace: "§namespace", name: "a", apiVersion: "v1" },
      { kind: "ConfigMap", namespace: "§namespace" },
      { namespace: "§namespace", uid: "u", fieldPath: "spec" },
    ),
    reason: some(constantFrom("Made", "")),
    message: some(text),
    source: some(constantFrom<Json>({ component: "me" }, {}, { component: "me", host: "h" })),
    firstTimestamp: some(constantFrom<Json>("2024-01-01T00:00:00Z", null)),
    lastTimestamp: some(constantFrom<Json>("2024-01-01T00:00:01Z", null)),
    count: some(constantFrom(0, 1, 5)),
    type: some(constantFrom("Normal", "Warning", "")),
    eventTime: some(constantFrom<Json>(null, "2024-01-01T00:00:00.000001Z")),
    series: some(constantFrom<Json>({ count: 2, lastObservedTime: "2024-01-01T00:00:00.000001Z" }, null)),
    action: some(constantFrom("Doing")),
    reportingComponent: some(constantFrom("example.com/me", "")),
    reportingInstance: some(constantFrom("me-1")),
  }),
  places: [
    ["involvedObject"],
    ["involvedObject", "namespace"],
    ["involvedObject", "kind"],
    ["reason"],
    ["message"],
    ["source"],
    ["count"],
    ["type"],
    ["firstTimestamp"],
    ["eventTime"],
    ["series"],
    ["series", "count"],
    ["nope"],
    ["related"],
    ["reportingComponent"],
  ],
  values: ["x".repeat(1_100), "default", "2024-01-01T00:00:00.000001Z"],
  fieldSelectors: [
    "involvedObject.name=a",
    "involvedObject.kind=ConfigMap,reason!=Made",
    "type=Normal",
    "source=me",
    "count=1",
    "reportingComponent=example.com/me",
  ],
};

export const comparedKinds: readonly ComparedKind[] = [configMap, secret, serviceAccount, lease, event];
