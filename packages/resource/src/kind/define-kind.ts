import { z } from "zod";
import type { ErrorCause } from "../errors.ts";
import type { NameRule } from "../names/validate-object-meta.ts";
import { formatApiVersion, type KubeObject, type ObjectMeta } from "../object.ts";
import type { Schema } from "../schema.ts";
import { objectSchema } from "./object-schema.ts";
import type { TypedShape } from "./typed-shape.ts";

/** What a reference waits for (S5): other changes of the target wake nobody. Bits, so that one row can hold several. */
export const WaitsFor = { Existence: 1, Readiness: 2, Outputs: 4, Generation: 8 } as const;

/** A path in the body that names another object (design.md §5.1). */
export interface KindReference {
  /** Dotted path to a name, for example `spec.definition`; `[*]` walks a list, or the values of a map. */
  readonly path: string;
  readonly to: { readonly group: string; readonly resource: string };
  /** `same`: the namespace of the referring object. `cluster`: none. Or a sibling path that holds the namespace. */
  readonly namespace: "same" | "cluster" | { readonly path: string };
  /** Sum of {@link WaitsFor} bits. */
  readonly waitsFor: number;
  /** Admission refuses the write when the target does not exist. Under deletion it is always refused (K6). */
  readonly mustExist?: boolean;
  /** The target is looked at again when this object comes, goes, or changes its readiness: for a target that tells how its users are. */
  readonly wakesTarget?: boolean;
  /**
   * What the writer must be allowed to do with the target (P2). Unless said: `get` for a Secret, `use` for what is
   * cluster-scoped, nothing for the rest, which lives in the writer's own namespace.
   */
  readonly authority?: "get" | "use" | "none";
}

/** One column of `kubectl get`. */
export interface Column {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  /** OpenAPI format of `type`, for clients. */
  readonly format?: string;
  readonly description: string;
  /** 0 is always shown, 1 with `-o wide`. */
  readonly priority?: number;
  /** What to print, null for an empty cell; dates are RFC 3339 strings which clients turn into ages. */
  readonly value: (object: KubeObject) => string | number | boolean | null | undefined;
}

/** Where a Scale (autoscaling/v1) finds its values in an object: paths as a CustomResourceDefinition writes them, `.spec.replicas`. */
export interface ScalePaths {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  /** A label selector as text, which autoscalers find the pods by. */
  readonly labelSelectorPath?: string;
}

/** What a kind is made of, beside its schema. */
export interface KindTraits {
  /** "" is the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Lower-case plural, as in URLs. */
  readonly plural: string;
  /** Default: the kind in lower case. */
  readonly singular?: string;
  /** Default: the kind with `List` behind it. */
  readonly listKind?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly scope: "Namespaced" | "Cluster";
  readonly description: string;
  readonly references?: readonly KindReference[];
  readonly columns?: readonly Column[];
  /** `kubectl get` shows `columns` and no name before them, as upstream does for Events. */
  readonly nameColumn?: false;
  /** Which form names must have. Default `subdomain`. */
  readonly nameRule?: NameRule;
  /** Objects count their generations although they have no status: others act on what changed. */
  readonly countsGenerations?: boolean;
  /** K4: a PUT needs a resourceVersion. Kubernetes' own kinds allow a blind PUT; ours do not. */
  readonly versionRequired?: boolean;
  /** A PUT of an object that is not there creates it, as Kubernetes has it for some of its own kinds. */
  readonly createsOnUpdate?: boolean;
  /** Bodies are encrypted at rest (S7). */
  readonly sensitive?: boolean;
  /** Paths to lists of Kubernetes documents. Values of Secrets among them are split off when they are written, and stand there as marks. */
  readonly documents?: readonly string[];
  /** Who writes one acts beyond its namespace: the default roles of a namespace may read it, and leave writing to operations. */
  readonly forOperations?: boolean;
  /** A delete is refused, naming the users, while others refer to the object, unless propagation is Foreground (design.md §5.7). */
  readonly refuseDeleteWhileReferenced?: boolean;
  /** There is a verb `clone` on its objects: whoever has it may make another object from one. */
  readonly cloneable?: boolean;
  /** Objects of it are computed for their caller and never stored: there is `create`, and its answer. */
  readonly computed?: boolean;
  /** Objects expire this long after their last write; for Events. Milliseconds. */
  readonly ttlMs?: number;
  /** Admission beyond the schema: pure, after defaults. `old` is undefined on create. */
  readonly validate?: (object: KubeObject, old: KubeObject | undefined) => readonly ErrorCause[];
  /** Says what the client means in the form that is stored; may change `object`. What it writes counts as sent, so the client manages it (K7). */
  readonly normalize?: (object: KubeObject, old: KubeObject | undefined) => void;
  /** Fills in what the server decides, before validation; may change `object`. Pure otherwise. Nobody manages what it writes. */
  readonly prepare?: (object: KubeObject, old: KubeObject | undefined) => void;
  /** Field paths that a field selector may name, beside metadata.name and metadata.namespace. */
  readonly selectableFields?: readonly string[];
  /** Serves `/scale`. */
  readonly scale?: ScalePaths;
  /** For Kubernetes' own kinds, which upstream reads into Go types instead of validating them against a schema. */
  readonly typed?: TypedShape;
  /** Objects of it are those of another kind, in another form. */
  readonly view?: KindView;
}

/** A kind whose objects are stored as those of another one. Both functions may share with what they are given, and lose nothing. */
export interface KindView {
  readonly of: Kind;
  readonly toStored: (object: KubeObject) => KubeObject;
  readonly fromStored: (object: KubeObject) => KubeObject;
}

export interface KindOptions<Fields extends z.ZodRawShape> extends KindTraits {
  /** Top-level fields beside apiVersion, kind and metadata: usually `spec` and `status`. Every field has a description. */
  readonly fields: Fields;
}

/** What the kind of a CustomResourceDefinition has beside others. */
export interface CustomKind {
  /** Name of the CustomResourceDefinition. Nothing is created once it is under deletion. */
  readonly definition: string;
  /** Brings a stored body, of any version and of any age of the schema, to this version and its shape: pruned, with defaults. */
  readonly fromStored: (body: string) => string;
  /** Objects of a version that is not served can still be removed. */
  readonly served: boolean;
  /** The schema for somebody who looks at it once: it is not kept for that. */
  readonly readSchema: () => Schema;
  /** Of the schema, without making it. */
  readonly digest: string;
  /** What clients of this version are warned of; undefined: nothing. */
  readonly deprecation: string | undefined;
}

/** A kind as the rest of the house knows it. */
export interface Kind {
  readonly group: string;
  readonly version: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly listKind: string;
  /** `plural.group`, or `plural` in the core group: how the store names the kind. Views have the name of what is stored. */
  readonly resource: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly description: string;
  readonly schema: Schema;
  readonly hasStatus: boolean;
  /** Objects count their generations (K1). */
  readonly hasGeneration: boolean;
  readonly references: readonly KindReference[];
  readonly columns: readonly Column[];
  readonly nameColumn: boolean;
  readonly nameRule: NameRule;
  readonly versionRequired: boolean;
  readonly createsOnUpdate: boolean;
  readonly sensitive: boolean;
  readonly documents: readonly string[];
  readonly forOperations: boolean;
  readonly refuseDeleteWhileReferenced: boolean;
  readonly cloneable: boolean;
  readonly computed: boolean;
  readonly ttlMs: number | undefined;
  readonly selectableFields: readonly string[];
  readonly typed: TypedShape | undefined;
  readonly validate: (object: KubeObject, old: KubeObject | undefined) => readonly ErrorCause[];
  readonly normalize: (object: KubeObject, old: KubeObject | undefined) => void;
  readonly prepare: (object: KubeObject, old: KubeObject | undefined) => void;
  /** `normalize` and `prepare` do nothing. */
  readonly takenAsSent: boolean;
  readonly scale: ScalePaths | undefined;
  /** Set for kinds that are made from a CustomResourceDefinition. */
  readonly custom: CustomKind | undefined;
  readonly view: KindView | undefined;
}

/** A kind together with the TypeScript type of its objects. */
export interface TypedKind<T> extends Kind {
  /** Phantom: carries the type, never read. */
  readonly object?: T;
}

type FieldsOf<Fields extends z.ZodRawShape> = z.output<z.ZodObject<Fields>>;

/** The object type that has these fields; for kinds whose own functions need it. */
export type ObjectWith<Fields extends z.ZodRawShape> = { apiVersion: string; kind: string; metadata: ObjectMeta } & FieldsOf<Fields> & KubeObject;

/** The object type of a kind made by {@link defineKind}: `type Environment = ObjectOf<typeof environmentKind>`. */
export type ObjectOf<K> = K extends TypedKind<infer T> ? T : never;

/**
 * The single source of a kind (design.md §5.1): types, JSON Schema, OpenAPI, `kubectl explain`, tables and references
 * all come from it.
 */
export function defineKind<Fields extends z.ZodRawShape>(options: KindOptions<Fields>): TypedKind<ObjectWith<Fields>> {
  return kindWithSchema(options, { schema: objectSchema(z.object(options.fields), options.description), hasStatus: "status" in options.fields });
}

/** A kind whose schema was not made by Zod: schemas that contain themselves, for example. */
export function kindWithSchema(traits: KindTraits, { schema, hasStatus }: { readonly schema: Schema; readonly hasStatus: boolean }): Kind {
  return {
    group: traits.group,
    version: traits.version,
    apiVersion: formatApiVersion(traits.group, traits.version),
    kind: traits.kind,
    plural: traits.plural,
    singular: traits.singular ?? traits.kind.toLowerCase(),
    listKind: traits.listKind ?? `${traits.kind}List`,
    resource: traits.view?.of.resource ?? (traits.group === "" ? traits.plural : `${traits.plural}.${traits.group}`),
    view: traits.view,
    shortNames: traits.shortNames ?? [],
    categories: traits.categories ?? [],
    namespaced: traits.scope === "Namespaced",
    description: traits.description,
    schema,
    hasStatus,
    hasGeneration: hasStatus || traits.countsGenerations === true,
    references: traits.references ?? [],
    columns: traits.columns ?? [ageColumn],
    nameColumn: traits.nameColumn ?? true,
    nameRule: traits.nameRule ?? "subdomain",
    versionRequired: traits.versionRequired ?? false,
    createsOnUpdate: traits.createsOnUpdate ?? false,
    sensitive: traits.sensitive ?? false,
    documents: traits.documents ?? [],
    forOperations: traits.forOperations ?? false,
    refuseDeleteWhileReferenced: traits.refuseDeleteWhileReferenced ?? false,
    cloneable: traits.cloneable ?? false,
    computed: traits.computed ?? false,
    ttlMs: traits.ttlMs,
    selectableFields: traits.selectableFields ?? [],
    validate: traits.validate ?? (() => []),
    normalize: traits.normalize ?? (() => {}),
    prepare: traits.prepare ?? (() => {}),
    takenAsSent: traits.normalize === undefined && traits.prepare === undefined,
    scale: traits.scale,
    custom: undefined,
    typed: traits.typed,
  };
}

export const ageColumn: Column = {
  name: "Age",
  type: "date",
  description: "Time since the object was created.",
  value: (object) => object.metadata.creationTimestamp,
};

/** The status of the condition `type`, or undefined. For columns. */
export function conditionStatus(object: KubeObject, type: string): string | undefined {
  return findCondition(object, type)?.status;
}

export function conditionReason(object: KubeObject, type: string): string | undefined {
  return findCondition(object, type)?.reason;
}

function findCondition(object: KubeObject, type: string): { status?: string; reason?: string } | undefined {
  const conditions = (object["status"] as { conditions?: unknown } | undefined)?.conditions;
  if (!Array.isArray(conditions)) return undefined;
  return (conditions as { type?: string; status?: string; reason?: string }[]).find((condition) => condition.type === type);
}
