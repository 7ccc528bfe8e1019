import { isJsonObject, ownValue, setOwn } from "../json.ts";
import { annotationBytesMax } from "../names.ts";
import type { JsonObject } from "../object.ts";
import type { Schema } from "../schema.ts";
import { compare } from "./compare.ts";
import { fieldSetOf } from "./field-set-of.ts";
import { type FieldSet, difference } from "./field-set.ts";

/** Where `kubectl apply` without `--server-side` keeps what it applied. */
export const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";

/** The manager of `kubectl apply --server-side`, which takes over what kubectl applied client-side. */
export const kubectlManager = "kubectl";

function annotationsOf(object: JsonObject): JsonObject | undefined {
  const metadata = ownValue(object, "metadata");
  const annotations = isJsonObject(metadata) ? ownValue(metadata, "annotations") : undefined;
  return isJsonObject(annotations) ? annotations : undefined;
}

function lastAppliedText(object: JsonObject): string | undefined {
  const text = ownValue(annotationsOf(object) ?? {}, lastAppliedAnnotation);
  return typeof text === "string" && text !== "" ? text : undefined;
}

/**
 * Fields that kubectl applied client-side and that still have the value it gave them: for these a server-side apply by kubectl
 * is the same owner coming back, no conflict. Undefined when there is no usable annotation.
 */
export function fieldsAppliedClientSide(live: JsonObject, apiVersion: string, schema?: Schema): FieldSet | undefined {
  const text = lastAppliedText(live);
  if (text === undefined) return undefined;
  let applied: unknown;
  try {
    applied = JSON.parse(text);
  } catch {
    return undefined; // somebody wrote something else there; then nothing is taken over
  }
  if (!isJsonObject(applied) || ownValue(applied, "apiVersion") !== apiVersion) return undefined;
  const { removed, modified, added } = compare(applied, live, schema);
  return difference(difference(difference(fieldSetOf(applied, schema), modified), added), removed);
}

/** The object with its annotation renewed from what kubectl applies now, so that going back to client-side apply works; dropped when it would not fit. */
export function withLastApplied(object: JsonObject, applied: JsonObject): JsonObject {
  const metadata = ownValue(object, "metadata");
  const annotations = annotationsOf(object);
  if (!isJsonObject(metadata) || annotations === undefined || lastAppliedText(object) === undefined) return object;
  const text = `${JSON.stringify(withoutAnnotation(applied))}\n`;
  if (annotations[lastAppliedAnnotation] === text) return object;
  const { [lastAppliedAnnotation]: _, ...others } = annotations;
  const bytes = Object.entries({ ...others, [lastAppliedAnnotation]: text }).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(String(value)),
    0,
  );
  return { ...object, metadata: { ...metadata, annotations: bytes > annotationBytesMax ? others : { ...annotations, [lastAppliedAnnotation]: text } } };
}

function withoutAnnotation(applied: JsonObject): JsonObject {
  const metadata = ownValue(applied, "metadata");
  const annotations = annotationsOf(applied);
  if (!isJsonObject(metadata) || annotations === undefined) return applied;
  const { [lastAppliedAnnotation]: _, ...others } = annotations;
  const bare: JsonObject = { ...metadata };
  setOwn(bare, "annotations", others);
  return { ...applied, metadata: bare };
}
