import { isJsonObject } from "../json.ts";
import type { JsonObject, KubeObject } from "../object.ts";
import type { Kind } from "./define-kind.ts";
import { metadataSchema } from "./object-schema.ts";
import { pruneAndDefault } from "./prune.ts";
import { metadataShape, readTyped, type TypedReading } from "./typed-shape.ts";

/**
 * Brings a document to its kind's shape, in place: unknown fields go, defaults come. Problems are only those which make
 * it unreadable; whether it is valid is another question.
 */
export function shapeObject(kind: Pick<Kind, "schema" | "typed">, object: KubeObject): TypedReading {
  if (!isJsonObject(object.metadata))
    return { unknown: [], problems: [{ field: "metadata", reason: "FieldValueTypeInvalid", message: "Invalid value: must be an object" }] };
  const metadata = readTyped(object.metadata, metadataSchema, metadataShape, "metadata");
  const rest = kind.typed === undefined ? { unknown: pruneAndDefault(object, kind.schema), problems: [] } : readTyped(object, kind.schema, kind.typed);
  return { unknown: [...metadata.unknown, ...rest.unknown], problems: [...metadata.problems, ...rest.problems] };
}

const emptyShapes = new WeakMap<object, JsonObject>();

/** What an object of the kind has when nobody has written anything into it. Not to be changed. */
export function emptyShape({ schema, typed }: Pick<Kind, "schema" | "typed">): JsonObject {
  if (typed === undefined) return {};
  let empty = emptyShapes.get(typed);
  if (empty === undefined) {
    empty = {};
    readTyped(empty, schema, typed);
    emptyShapes.set(typed, empty);
  }
  return empty;
}
