import { type ErrorCause, PlatformError } from "../errors.ts";
import { isJsonObject } from "../json.ts";
import type { JsonObject } from "../object.ts";
import { type Schema, withObjectMeta } from "../schema.ts";
import { repeatedElements } from "./field-set-of.ts";
import { type MergeType, fieldType, itemType, listElements, listKind } from "./merge-type.ts";
import { type PathElement, fieldElement, printPath } from "./path-element.ts";

/** Causes beyond this many are not reported: the first ones say what to mend. */
const causesMax = 32;

/**
 * Refuses an applied configuration that has fields which the schema does not know (nobody could own them), or lists that
 * cannot be merged: elements without their keys, or twice the same one.
 * @throws PlatformError TP_INVALID, in the words of Kubernetes
 */
export function checkMergeable(applied: JsonObject, schema?: Schema): void {
  const causes: ErrorCause[] = [];
  check(applied, withObjectMeta(schema), [], causes);
  if (causes.length === 0) return;
  causes.length = Math.min(causes.length, causesMax);
  const lines = causes.map((cause) => `${cause.field}: ${cause.message}`);
  throw new PlatformError("TP_INVALID", {
    message: `failed to create typed patch object (${objectName(applied)}): ${lines.length === 1 ? lines[0] : `errors:\n  ${lines.join("\n  ")}`}`,
    causes,
  });
}

function objectName({ apiVersion, kind, metadata }: JsonObject): string {
  const { namespace, name } = isJsonObject(metadata) ? metadata : {};
  const [group, version] = String(apiVersion).includes("/") ? String(apiVersion).split("/", 2) : ["", String(apiVersion)];
  return `${typeof namespace === "string" ? namespace : ""}/${typeof name === "string" ? name : ""}; ${group}/${version}, Kind=${String(kind)}`;
}

function check(value: unknown, type: MergeType, path: PathElement[], causes: ErrorCause[]): void {
  if (type === undefined) return; // deduced: only objects merge, and they always can
  if (isJsonObject(value)) {
    const open = takesAnyField(type);
    for (const [key, child] of Object.entries(value)) {
      if (causes.length > causesMax) return;
      if (child === undefined) continue;
      path.push(fieldElement(key));
      const childType = fieldType(type, key);
      if (childType === undefined && !open) causes.push({ field: printPath(path), reason: "FieldValueInvalid", message: "field not declared in schema" });
      else check(child, childType, path, causes);
      path.pop();
    }
  } else if (Array.isArray(value) && listKind(type) !== "atomic") {
    checkList(value, type, path, causes);
  }
}

function checkList(list: readonly unknown[], type: MergeType, path: PathElement[], causes: ErrorCause[]): void {
  const elements = listElements(list, type);
  if (elements === undefined) {
    const message =
      listKind(type) === "set" ? "a list of type set holds something that is not a scalar" : "an element of a list of type map has none of its keys";
    causes.push({ field: printPath(path), reason: "FieldValueInvalid", message });
    return;
  }
  for (const element of repeatedElements(elements)) {
    causes.push({ field: printPath(path), reason: "FieldValueDuplicate", message: `duplicate entries for key ${printPath([element])}` });
  }
  for (const [index, element] of elements.entries()) {
    path.push(element);
    check(list[index], itemType(type), path, causes);
    path.pop();
  }
}

/** The value may have fields that the schema does not name: an object that says nothing about its fields, or that it keeps others. */
function takesAnyField(type: Schema): boolean {
  if (type["x-kubernetes-preserve-unknown-fields"] === true || type["x-kubernetes-embedded-resource"] === true) return true;
  if (type.additionalProperties !== undefined) return type.additionalProperties !== false;
  return type.properties === undefined && type.type !== "object";
}
