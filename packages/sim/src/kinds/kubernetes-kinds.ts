import { ageColumn, kindWithSchema, metadataSchema, type Kind, type Schema, type TypedShape } from "@threeport/resource";
import file from "./kubernetes-kinds.json" with { type: "json" };
import { ownRules } from "./own-rules.ts";

/** A kind as discovery tells of it. */
export interface KubernetesKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly status: boolean;
  readonly scale: boolean;
  /** Name of its schema. */
  readonly schema: string;
}

/** Of `kubernetes-kinds.json`, which `npm run generate:sim-kinds` reads from a real kube-apiserver. */
interface KindsFile {
  readonly gitVersion: string;
  readonly kinds: readonly KubernetesKind[];
  readonly schemas: Readonly<Record<string, Schema & { readonly $ref?: string }>>;
}

const { gitVersion, kinds, schemas } = file as unknown as KindsFile;

/** The release whose kinds these are. */
export const kindsRelease: string = gitVersion;

/** Kinds that do not count their generations although they have a status. */
const withoutGeneration: ReadonlySet<string> = new Set([
  "Service",
  "PersistentVolume",
  "PersistentVolumeClaim",
  "Node",
  "ResourceQuota",
  "HorizontalPodAutoscaler",
]);
/** And those that do without one. */
const withGeneration: ReadonlySet<string> = new Set(["NetworkPolicy", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"]);

/** Kubernetes' built-in kinds beside those of our own API server. Made once, shared by all clusters: nothing in them changes. */
export function kubernetesKinds(): readonly Kind[] {
  return (made ??= kinds.map(({ scale, status, namespaced, ...found }) => {
    const schema: Schema = withMetadata(resolve({ $ref: found.schema }));
    const always = alwaysThere(schema);
    const { prepare, ...rules } = ownRules(found.group, found.kind);
    const kind = kindWithSchema(
      {
        ...found,
        scope: namespaced ? "Namespaced" : "Cluster",
        description: "",
        columns: [ageColumn],
        typed: { pointers: keptWhenEmpty(schema), always, ...deletionOf(found.kind) },
        ...(scale ? { scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" } } : {}),
        ...(found.kind === "Service" ? { nameRule: "dns1035" as const } : {}),
        ...rules,
        prepare(object, old) {
          prepare?.(object, old);
          if (always["status"] !== undefined) object["status"] ??= structuredClone(always["status"]);
        },
      },
      { schema, hasStatus: status },
    );
    return { ...kind, hasGeneration: withGeneration.has(found.kind) || (kind.hasGeneration && !withoutGeneration.has(found.kind)) };
  }));
}

/** A delete of these answers with the object. */
const shownWhenDeleted: ReadonlySet<string> = new Set([
  "Pod",
  "PodTemplate",
  "Service",
  "PersistentVolume",
  "PersistentVolumeClaim",
  "ResourceQuota",
  "StorageClass",
  "VolumeAttachment",
  "VolumeAttributesClass",
  "CSIDriver",
  "CSINode",
]);
/** And of these, for the sake of old clients, leaves their dependents behind unless it says otherwise. */
const orphaning: ReadonlySet<string> = new Set(["Job", "ReplicationController"]);

function deletionOf(kind: string): Pick<TypedShape, "deletedIsShown" | "deletedIsMarked" | "orphansUnlessSaid"> {
  return {
    ...(shownWhenDeleted.has(kind) ? { deletedIsShown: true } : {}),
    ...(kind === "Pod" ? { deletedIsMarked: true } : {}),
    ...(orphaning.has(kind) ? { orphansUnlessSaid: true } : {}),
  };
}

let made: readonly Kind[] | undefined;
const resolved = new Map<string, Schema>();

/** Names of schemas become the schemas themselves; each is made once. */
function resolve(schema: Schema & { readonly $ref?: string }): Schema {
  const { $ref, ...rest } = schema;
  const base = $ref === undefined ? {} : named($ref);
  return {
    ...base,
    ...rest,
    ...(schema.properties === undefined
      ? {}
      : { properties: Object.fromEntries(Object.entries(schema.properties).map(([name, child]) => [name, resolve(child)])) }),
    ...(schema.items === undefined ? {} : { items: resolve(schema.items) }),
    ...(typeof schema.additionalProperties === "object" ? { additionalProperties: resolve(schema.additionalProperties) } : {}),
  };
}

function named(name: string): Schema {
  const known = resolved.get(name);
  if (known !== undefined) return known;
  const schema = schemas[name];
  if (schema === undefined) throw new Error(`there is no schema ${name}`);
  const made_ = resolve(schema);
  resolved.set(name, made_);
  return made_;
}

function withMetadata(schema: Schema): Schema {
  return { ...schema, properties: { ...schema.properties, metadata: metadataSchema } };
}

/** No pointers, as the comparison with kube-apiserver shows. */
const leftOutWhenEmpty: ReadonlySet<string> = new Set([
  "readOnly",
  "hostNetwork",
  "hostPID",
  "hostIPC",
  "hostname",
  "subdomain",
  "stdin",
  "stdinOnce",
  "tty",
  "paused",
  "minReadySeconds",
  "publishNotReadyAddresses",
  "initialDelaySeconds",
  "periodSeconds",
  "timeoutSeconds",
  "successThreshold",
  "failureThreshold",
  "volumeName",
]);

/**
 * Zeros, false and empty texts that are kept as they were sent. The schema does not tell which of them Kubernetes holds by pointer; those that are never
 * required are taken to be, because a lost `replicas: 0` is worse than a kept `minReadySeconds: 0`.
 */
function keptWhenEmpty(schema: Schema): string[] {
  const found = new Set<string>();
  const walk = (here: Schema, path: string): void => {
    for (const [name, child] of Object.entries(here.properties ?? {})) {
      const below = path === "" ? name : `${path}.${name}`;
      if (path === "" && name === "metadata") continue;
      if (child.type !== "object" && child.type !== "array" && !leftOutWhenEmpty.has(name)) found.add(below);
      else walk(child, below);
    }
    if (here.items !== undefined) walk(here.items, path);
    if (typeof here.additionalProperties === "object") walk(here.additionalProperties, path);
  };
  walk(schema, "");
  return [...found];
}

/**
 * What Go writes although nobody said it, because it is neither a pointer nor left out when empty: the schema gives it a default, if only an empty one.
 * By path, each with what is always in it.
 */
function alwaysThere(schema: Schema): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  const walk = (here: Schema, path: string): Record<string, unknown> => {
    const filled: Record<string, unknown> = {};
    for (const [name, child] of Object.entries(here.properties ?? {})) {
      if (path === "" && name === "metadata") continue;
      const below = path === "" ? name : `${path}.${name}`;
      const inside = walk(child, below);
      const neverLeftOut = child.type === "array" && here.required?.includes(name) === true;
      if (child.default === undefined && !neverLeftOut) continue;
      const filling = neverLeftOut ? [] : child.properties === undefined ? child.default : { ...(child.default as object), ...inside };
      found[below] = filled[name] = filling;
    }
    if (here.items !== undefined) walk(here.items, path);
    if (typeof here.additionalProperties === "object") walk(here.additionalProperties, path);
    return filled;
  };
  walk(schema, "");
  return found;
}
