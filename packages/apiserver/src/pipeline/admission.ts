import {
  PlatformError,
  deepEqual,
  sameManagedFields,
  validateObjectMeta,
  validateSchema,
  type ErrorCause,
  type Kind,
  type KubeObject,
  type ManagedFieldsEntry,
} from "@threeport/resource";
import { referenceCauses } from "./references.ts";

/** Metadata that clients cannot set. */
const serverOwnedMetadata = ["managedFields", "selfLink"];

export interface Admission {
  /** Undefined on create. */
  readonly old: KubeObject | undefined;
  /** Sees the object as its author means it: in shape, and before the server fills in what it decides. */
  readonly shaped?: (object: KubeObject) => void;
}

/** Fills in what the kind decides and refuses what is not valid. Changes `object`, which has its kind's shape (see decodeObject). */
export function admit(kind: Kind, object: KubeObject, { old, shaped }: Admission): void {
  for (const field of serverOwnedMetadata) delete (object.metadata as unknown as Record<string, unknown>)[field];
  // Schemas of users change under their objects: what is stored may stay as it is.
  const options = { hideValues: kind.sensitive, ...(kind.custom === undefined || old === undefined ? {} : { old }) };
  const misfits = validateSchema(object, kind.schema, options);
  checkTypes(kind, object, misfits);
  kind.normalize(object, old);
  shaped?.(object);
  kind.prepare(object, old);
  check(kind, object, { old, misfits: kind.takenAsSent ? misfits : validateSchema(object, kind.schema, options) });
}

/** `normalize` and `prepare` may rely on types: what has the wrong one is refused before them. What is missing they may still fill in. */
function checkTypes(kind: Kind, object: KubeObject, misfits: readonly ErrorCause[]): void {
  const causes = misfits.filter((cause) => cause.reason === "FieldValueTypeInvalid");
  if (causes.length > 0) throw invalid(kind, nameOf(object), causes);
}

function check(kind: Kind, object: KubeObject, { old, misfits }: { readonly old: KubeObject | undefined; readonly misfits: readonly ErrorCause[] }): void {
  const causes: ErrorCause[] = [
    ...validateObjectMeta(object.metadata, {
      namespaced: kind.namespaced,
      nameRule: kind.nameRule,
      standardFinalizers: kind.typed !== undefined && kind.group === "",
      ...(old === undefined ? {} : { old: old.metadata }),
    }),
    // Twice the same finalizer is no mistake upstream: nobody validates metadata against its schema there.
    ...misfits.filter((cause) => cause.reason !== "FieldValueDuplicate" || cause.field?.startsWith("metadata.") !== true),
    ...referenceCauses(kind, object),
  ];
  // A kind's own rules may rely on the schema; they would only add noise to a body that does not even fit it. What was read into types fits.
  if (causes.length === 0 || kind.typed !== undefined) causes.push(...kind.validate(object, old));
  if (causes.length > 0) throw invalid(kind, nameOf(object), causes);
}

function nameOf(object: KubeObject): string {
  return String(object.metadata.name ?? object.metadata.generateName ?? "").slice(0, shownCharactersMax);
}

/** Of a name that is too long only this much is repeated. */
const shownCharactersMax = 100;

/** Problems of one body that are told at once: the first ones say what to mend, and an answer stays readable. */
const causesMax = 32;

function andMore(all: readonly unknown[]): string {
  return all.length > causesMax ? `, and ${all.length - causesMax} more` : "";
}

/** 422 in the words of Kubernetes: `Kind.group "name" is invalid: field: problem`. */
export function invalid(kind: Kind, name: string, causes: readonly ErrorCause[]): PlatformError {
  const shown = causes.slice(0, causesMax);
  const lines = shown.map((cause) => (cause.field === undefined ? cause.message : `${cause.field}: ${cause.message}`));
  const qualified = kind.group === "" ? kind.kind : `${kind.kind}.${kind.group}`;
  return new PlatformError("TP_INVALID", {
    message: `${qualified} "${name}" is invalid: ${lines.length === 1 ? lines[0] : `[${lines.join(", ")}${andMore(causes)}]`}`,
    causes: shown,
    detail: { kind: kind.kind, group: kind.group, name },
  });
}

/** K1: whether something outside metadata and status differs. */
export function desiredChanged(kind: Kind, a: KubeObject, b: KubeObject): boolean {
  const rest = (object: KubeObject): Record<string, unknown> => {
    const { apiVersion: _a, kind: _k, metadata: _m, ...fields } = object;
    if (kind.hasStatus) delete fields["status"];
    return fields;
  };
  return !deepEqual(rest(a), rest(b));
}

/** K3: whether two objects are the same but for the resourceVersion and the times in managedFields. */
export function sameObject(a: KubeObject, b: KubeObject): boolean {
  const strip = (object: KubeObject): KubeObject => {
    const { resourceVersion: _, managedFields: _m, ...metadata } = object.metadata;
    return { ...object, metadata };
  };
  return deepEqual(strip(a), strip(b)) && sameManagedFields(a.metadata.managedFields, (b.metadata.managedFields ?? []) as ManagedFieldsEntry[]);
}
