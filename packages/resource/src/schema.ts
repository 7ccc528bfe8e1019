/**
 * A Kubernetes structural schema (OpenAPI v3) as a plain object: what `defineKind` makes, what `/openapi/v3` serves, and
 * what patches, server-side apply and pruning read. References are resolved before it comes here; a type that contains
 * itself is an object graph with a cycle, which is fine because every reader walks the value, never the schema alone.
 */
export interface Schema {
  readonly type?: SchemaType;
  /** For example `date-time`, `int32`, `byte`. */
  readonly format?: string;
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly nullable?: boolean;

  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  /** Type of the values of a map; `true` admits anything, `false` nothing beyond `properties`. */
  readonly additionalProperties?: boolean | Schema;

  readonly items?: Schema;

  /** How lists merge in apply. Unset means `atomic`, unless a patch strategy says otherwise. */
  readonly "x-kubernetes-list-type"?: "atomic" | "set" | "map";
  /** Fields that identify an element of a `map` list. */
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  /** `atomic`: one owner for the whole object. Unset means `granular`. */
  readonly "x-kubernetes-map-type"?: "atomic" | "granular";
  /** Comma list of `merge`, `replace`, `retainKeys`: how strategic merge patch treats the field. */
  readonly "x-kubernetes-patch-strategy"?: string;
  readonly "x-kubernetes-patch-merge-key"?: string;
  /** Fields that the schema does not name are kept, here and below; their shape is deduced from the value. */
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-int-or-string"?: boolean;
  /** The value is a whole Kubernetes object with its own `apiVersion`, `kind` and `metadata`. */
  readonly "x-kubernetes-embedded-resource"?: boolean;

  /** Further JSON Schema keywords (`minLength`, `pattern`, `oneOf`, …): kept for validation and documentation, not read here. */
  readonly [keyword: string]: unknown;
}

export type SchemaType = "object" | "array" | "string" | "integer" | "number" | "boolean";

/** Schema of one field of an object: a named property, else the type of the map's values, else undefined. */
export function childSchema(schema: Schema | undefined, key: string): Schema | undefined {
  const properties = schema?.properties;
  if (properties !== undefined && Object.hasOwn(properties, key)) return properties[key];
  return typeof schema?.additionalProperties === "object" ? schema.additionalProperties : undefined;
}

/** What merging needs to know of metav1.ObjectMeta where a schema says no more than "metadata is an object", as those of CustomResourceDefinitions do. */
const mergeableMetadata: Schema = {
  type: "object",
  "x-kubernetes-preserve-unknown-fields": true,
  properties: {
    labels: { type: "object", additionalProperties: { type: "string" } },
    annotations: { type: "object", additionalProperties: { type: "string" } },
    finalizers: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set", "x-kubernetes-patch-strategy": "merge" },
    ownerReferences: {
      type: "array",
      items: { type: "object", "x-kubernetes-preserve-unknown-fields": true, "x-kubernetes-map-type": "atomic" },
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["uid"],
      "x-kubernetes-patch-strategy": "merge",
      "x-kubernetes-patch-merge-key": "uid",
    },
  },
};

const identityFields: Readonly<Record<string, Schema>> = { apiVersion: { type: "string" }, kind: { type: "string" }, metadata: mergeableMetadata };

/** Objects without a schema: only what every Kubernetes object has is known. */
const schemaless: Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true, properties: identityFields };

const completed = new WeakMap<Schema, Schema>();

/** The schema of a whole object with `apiVersion`, `kind` and the fields of `metadata` filled in where it leaves them out. */
export function withObjectMeta(schema: Schema | undefined): Schema {
  if (schema === undefined) return schemaless;
  const known = completed.get(schema);
  if (known !== undefined) return known;
  const metadata = schema.properties?.["metadata"];
  const properties = { ...identityFields, ...schema.properties, metadata: metadata?.properties === undefined ? mergeableMetadata : metadata };
  const full: Schema = { ...schema, properties };
  completed.set(schema, full);
  return full;
}
