import { z } from "zod";
import { ageColumn, deepEqual, defineKind, type ErrorCause, type Kind, type KubeObject } from "@threeport/resource";
import { authenticationKinds } from "./authentication.ts";
import { authorizationKinds } from "./authorization.ts";
import { customResourceDefinitionKind } from "./custom-resource-definition.ts";
import { eventKinds } from "./events.ts";
import { objectReference } from "./object-reference.ts";
import { rbacKinds } from "./rbac.ts";

/** Holds a namespace until its contents are gone; removed by the engine. */
export const namespaceFinalizer = "threeport.io/namespace-contents";

const text = (description: string) => z.string().describe(description);
const time = (description: string) => z.string().nullable().describe(description).meta({ format: "date-time" });
const keyPattern = /^[-._a-zA-Z0-9]{1,253}$/;
const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** Secret and ConfigMap contents, as upstream: 1 MiB. */
const contentBytesMax = 1024 * 1024;

/** Names one object as a whole: it has one manager, like a scalar. */
const atomic = { "x-kubernetes-map-type": "atomic" } as const;

/** How conditions merge. */
const byType = {
  "x-kubernetes-list-type": "map",
  "x-kubernetes-list-map-keys": ["type"],
  "x-kubernetes-patch-strategy": "merge",
  "x-kubernetes-patch-merge-key": "type",
} as const;

export const namespaceKind = defineKind({
  group: "",
  version: "v1",
  kind: "Namespace",
  plural: "namespaces",
  shortNames: ["ns"],
  scope: "Cluster",
  nameRule: "label",
  typed: { always: { spec: {}, status: {} } },
  description: "A project: the scope of names for workloads and what belongs to them.",
  fields: {
    spec: z
      .object({
        finalizers: z
          .array(z.string())
          .optional()
          .describe("Kept for clients of Kubernetes; contents are held by a finalizer in metadata.")
          .meta({ "x-kubernetes-list-type": "atomic" }),
      })
      .optional()
      .describe("Behaviour of the namespace."),
    status: z
      .object({
        phase: z.enum(["Active", "Terminating"]).optional().describe("Active, or Terminating while contents are being removed."),
        conditions: z
          .array(
            z.object({
              type: text("What is said, a CamelCase word."),
              status: text("True, False or Unknown."),
              reason: text("Why, a CamelCase word.").optional(),
              message: text("Why, in a sentence.").optional(),
              lastTransitionTime: time("When the status last changed.").optional(),
            }),
          )
          .optional()
          .describe("What holds up the removal.")
          .meta(byType),
      })
      .optional()
      .describe("State of the namespace."),
  },
  columns: [
    { name: "Status", type: "string", description: "Active or Terminating.", value: (object) => (object["status"] as { phase?: string } | undefined)?.phase },
    ageColumn,
  ],
  normalize(object) {
    object.metadata.labels = { ...object.metadata.labels, "kubernetes.io/metadata.name": object.metadata.name };
  },
  prepare(object, old) {
    if (old === undefined) object.metadata.finalizers = [...new Set([...(object.metadata.finalizers ?? []), namespaceFinalizer])];
    const status = object["status"] as { phase?: string } | undefined;
    object["status"] = { ...status, phase: object.metadata.deletionTimestamp === undefined ? "Active" : "Terminating" };
  },
  selectableFields: ["status.phase"],
});

export const secretKind = defineKind({
  group: "",
  version: "v1",
  kind: "Secret",
  plural: "secrets",
  scope: "Namespaced",
  sensitive: true,
  typed: { pointers: ["immutable"] },
  description: "Values that must not be seen by everybody: passwords, tokens, kubeconfigs. Encrypted at rest.",
  fields: {
    data: z
      .record(z.string(), z.string().meta({ format: "byte" }))
      .optional()
      .describe("Values by key, in base64."),
    stringData: z.record(z.string(), z.string()).optional().describe("Values by key as plain text; written into data and never returned."),
    type: text("What sort of secret it is; Opaque unless said.").optional(),
    immutable: z.boolean().optional().describe("Once true, the values cannot change any more."),
  },
  columns: [
    { name: "Type", type: "string", description: "Sort of secret.", value: (object) => object["type"] as string },
    { name: "Data", type: "integer", description: "Number of values.", value: (object) => Object.keys((object["data"] as object | undefined) ?? {}).length },
    ageColumn,
  ],
  selectableFields: ["type"],
  normalize(object) {
    const plain = object["stringData"] as Record<string, string> | undefined;
    if (plain !== undefined)
      object["data"] = {
        ...(object["data"] as Record<string, string> | undefined),
        ...Object.fromEntries(Object.entries(plain).map(([key, value]) => [key, Buffer.from(value, "utf8").toString("base64")])),
      };
    delete object["stringData"];
    object["type"] ??= "Opaque";
  },
  validate(object, old) {
    const data = (object["data"] ?? {}) as Record<string, string>;
    const causes = keyCauses("data", data);
    for (const [key, value] of Object.entries(data)) {
      if (!base64Pattern.test(value))
        causes.push({ field: `data.${key}`, reason: "FieldValueInvalid", message: "Invalid value: must be base64; use stringData for plain text" });
    }
    return [...causes, ...sizeCauses(data), ...contentCauses(object, data), ...typeCauses(object, old), ...immutableCauses(object, old, ["data"])];
  },
});

export const configMapKind = defineKind({
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  shortNames: ["cm"],
  scope: "Namespaced",
  typed: { pointers: ["immutable"] },
  description: "Configuration values by key.",
  fields: {
    data: z.record(z.string(), z.string()).optional().describe("Text values by key."),
    binaryData: z
      .record(z.string(), z.string().meta({ format: "byte" }))
      .optional()
      .describe("Binary values by key, in base64."),
    immutable: z.boolean().optional().describe("Once true, the values cannot change any more."),
  },
  columns: [
    {
      name: "Data",
      type: "integer",
      description: "Number of values.",
      value: (object) =>
        Object.keys((object["data"] as object | undefined) ?? {}).length + Object.keys((object["binaryData"] as object | undefined) ?? {}).length,
    },
    ageColumn,
  ],
  validate(object, old) {
    const data = (object["data"] ?? {}) as Record<string, string>;
    const binary = (object["binaryData"] ?? {}) as Record<string, string>;
    return [
      ...keyCauses("data", data),
      ...keyCauses("binaryData", binary),
      ...Object.keys(data)
        .filter((key) => Object.hasOwn(binary, key))
        .map((key) => ({
          field: `data[${key}]`,
          reason: "FieldValueInvalid",
          message: `Invalid value: ${JSON.stringify(key)}: duplicate of key present in binaryData`,
        })),
      ...sizeCauses({ ...data, ...binary }),
      ...immutableCauses(object, old, ["data", "binaryData"]),
    ];
  },
});

export const serviceAccountKind = defineKind({
  group: "",
  version: "v1",
  kind: "ServiceAccount",
  plural: "serviceaccounts",
  shortNames: ["sa"],
  scope: "Namespaced",
  typed: { pointers: ["automountServiceAccountToken"], deletedIsShown: true },
  // Of a reference to a Secret only its name is kept: it is one of the same namespace.
  normalize(object) {
    const secrets = object["secrets"] as { name?: string }[] | undefined;
    if (secrets !== undefined) object["secrets"] = secrets.map(({ name }) => (name === undefined ? {} : { name }));
  },
  description: "An identity for programs.",
  fields: {
    secrets: z
      .array(objectReference)
      .optional()
      .describe("Secrets that programs with this identity may use.")
      .meta({
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "x-kubernetes-patch-strategy": "merge",
        "x-kubernetes-patch-merge-key": "name",
      }),
    imagePullSecrets: z
      .array(z.object({ name: text("Name of a Secret.").optional() }).meta(atomic))
      .optional()
      .describe("Secrets for pulling images.")
      .meta({ "x-kubernetes-list-type": "atomic" }),
    automountServiceAccountToken: z.boolean().optional().describe("Whether pods get a token of this identity."),
  },
  columns: [
    { name: "Secrets", type: "integer", description: "Number of Secrets.", value: (object) => ((object["secrets"] as unknown[] | undefined) ?? []).length },
    ageColumn,
  ],
});

export const leaseKind = defineKind({
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
  scope: "Namespaced",
  typed: {
    pointers: ["holderIdentity", "leaseDurationSeconds", "leaseTransitions", "strategy", "preferredHolder"].map((field) => `spec.${field}`),
    always: { spec: {} },
    microTimes: ["spec.acquireTime", "spec.renewTime"],
  },
  description: "A claim on something for a limited time, for leader election.",
  validate(object) {
    const { leaseDurationSeconds = 1, leaseTransitions = 0 } = (object["spec"] ?? {}) as { leaseDurationSeconds?: number; leaseTransitions?: number };
    const below = (field: string, value: number, what: string) => ({
      field,
      reason: "FieldValueInvalid",
      message: `Invalid value: ${value}: must be greater than ${what}`,
    });
    return [
      ...(leaseDurationSeconds > 0 ? [] : [below("spec.leaseDurationSeconds", leaseDurationSeconds, "0")]),
      ...(leaseTransitions >= 0 ? [] : [below("spec.leaseTransitions", leaseTransitions, "or equal to 0")]),
    ];
  },
  createsOnUpdate: true,
  versionRequired: true,
  fields: {
    spec: z
      .object({
        holderIdentity: text("Who holds the lease.").optional(),
        leaseDurationSeconds: z.number().int().optional().describe("Seconds after renewTime until others may take it."),
        acquireTime: time("When the present holder took it.").optional(),
        renewTime: time("When the present holder last renewed it.").optional(),
        leaseTransitions: z.number().int().optional().describe("How often it changed hands."),
        strategy: text("How a coordinated election picks the holder.").optional(),
        preferredHolder: text("Who should take the lease next.").optional(),
      })
      .optional()
      .describe("The claim."),
  },
  columns: [
    {
      name: "Holder",
      type: "string",
      description: "Who holds the lease.",
      value: (object) => (object["spec"] as { holderIdentity?: string } | undefined)?.holderIdentity,
    },
    ageColumn,
  ],
});

/** Kinds of Kubernetes' own groups that every control plane serves. */
export const coreKinds: readonly Kind[] = [
  namespaceKind,
  secretKind,
  configMapKind,
  serviceAccountKind,
  ...eventKinds,
  leaseKind,
  customResourceDefinitionKind,
  ...rbacKinds,
  ...authenticationKinds,
  ...authorizationKinds,
];

function keyCauses(field: string, values: Record<string, string>): ErrorCause[] {
  return Object.keys(values)
    .filter((key) => !keyPattern.test(key) || key === "." || key === "..")
    .map((key) => ({
      field: `${field}[${key}]`,
      reason: "FieldValueInvalid",
      message: "Invalid value: a key must consist of alphanumeric characters, '-', '_' or '.', at most 253",
    }));
}

function sizeCauses(values: Record<string, string>): ErrorCause[] {
  const bytes = Object.values(values).reduce((sum, value) => sum + Buffer.byteLength(value), 0);
  return bytes <= contentBytesMax ? [] : [{ field: "data", reason: "FieldValueTooLong", message: `Too long: may not be more than ${contentBytesMax} bytes` }];
}

function immutableCauses(object: KubeObject, old: KubeObject | undefined, fields: readonly string[]): ErrorCause[] {
  if (old?.["immutable"] !== true) return [];
  const changed = fields.filter((field) => !deepEqual(object[field] ?? {}, old[field] ?? {}));
  if (object["immutable"] !== true) changed.push("immutable");
  return changed.map((field) => ({ field, reason: "FieldValueForbidden", message: "Forbidden: field is immutable when `immutable` is set" }));
}

/** What a Secret of a type that Kubernetes knows must hold. */
const secretContents: Readonly<Record<string, { readonly keys: readonly string[]; readonly need: "all" | "any" }>> = {
  "kubernetes.io/basic-auth": { keys: ["username", "password"], need: "any" },
  "kubernetes.io/ssh-auth": { keys: ["ssh-privatekey"], need: "all" },
  "kubernetes.io/tls": { keys: ["tls.crt", "tls.key"], need: "all" },
  "kubernetes.io/dockercfg": { keys: [".dockercfg"], need: "all" },
  "kubernetes.io/dockerconfigjson": { keys: [".dockerconfigjson"], need: "all" },
};

/** Names the ServiceAccount that a Secret of type `kubernetes.io/service-account-token` is of. */
const accountAnnotation = "kubernetes.io/service-account.name";

function contentCauses(object: KubeObject, data: Readonly<Record<string, string>>): ErrorCause[] {
  if (object["type"] === "kubernetes.io/service-account-token" && (object.metadata.annotations?.[accountAnnotation] ?? "") === "")
    return [{ field: `metadata.annotations[${accountAnnotation}]`, reason: "FieldValueRequired", message: "Required value" }];
  const wanted = secretContents[object["type"] as string];
  if (wanted === undefined) return [];
  const missing = wanted.keys.filter((key) => !Object.hasOwn(data, key));
  const short = wanted.need === "all" ? missing : missing.length === wanted.keys.length ? missing : [];
  return short.map((key) => ({ field: `data[${key}]`, reason: "FieldValueRequired", message: "Required value" }));
}

/** What a Secret is for decides who reads it: it never changes, as upstream. */
function typeCauses(object: KubeObject, old: KubeObject | undefined): ErrorCause[] {
  if (old === undefined || object["type"] === old["type"]) return [];
  return [{ field: "type", reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(object["type"])}: field is immutable` }];
}
