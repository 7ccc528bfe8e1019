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
