import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import type { ErrorCause } from "../errors.ts";
import type { JsonObject } from "../object.ts";
import type { Schema } from "../schema.ts";

/** Causes beyond this many are not reported: the first ones say what to mend. */
const causesMax = 32;

// `strict: false`: the schemas carry x-kubernetes-* words. Formats are checked by kinds where they matter, as in structural schemas.
const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false, ownProperties: true, messages: true });
const compiled = new WeakMap<Schema, ValidateFunction>();

/** Schema validation in the words of Kubernetes: `Required value`, `Invalid value`, `Unsupported value`. */
export function validateSchema(object: JsonObject, schema: Schema): ErrorCause[] {
  let validate = compiled.get(schema);
  if (validate === undefined) {
    validate = ajv.compile(asJsonSchema(schema) as object);
    compiled.set(schema, validate);
  }
  if (validate(object)) return [];
  const errors = (validate.errors ?? []).filter((error) => !["anyOf", "oneOf", "if"].includes(error.keyword) || (validate.errors ?? []).length === 1);
  return errors.slice(0, causesMax).map(toCause);
}

function toCause(error: ErrorObject): ErrorCause {
  const field = fieldPath(error.instancePath);
  const params = error.params as { missingProperty?: string; allowedValues?: unknown[]; type?: string };
  if (error.keyword === "required") {
    const missing = params.missingProperty ?? "";
    return { field: field === "" ? missing : `${field}.${missing}`, reason: "FieldValueRequired", message: "Required value" };
  }
  if (error.keyword === "enum") {
    return {
      field,
      reason: "FieldValueNotSupported",
      message: `Unsupported value: supported values: ${(params.allowedValues ?? []).map((value) => JSON.stringify(value)).join(", ")}`,
    };
  }
  if (error.keyword === "type") return { field, reason: "FieldValueTypeInvalid", message: `Invalid value: must be of type ${String(params.type)}` };
  return { field, reason: "FieldValueInvalid", message: `Invalid value: ${error.message ?? "does not match the schema"}` };
}

/** `/spec/source/objects/2/kind` → `spec.source.objects[2].kind`; keys that are no plain words are quoted. */
function fieldPath(pointer: string): string {
  let out = "";
  for (const raw of pointer.split("/").slice(1)) {
    const segment = raw.replaceAll("~1", "/").replaceAll("~0", "~");
    if (/^\d+$/.test(segment)) out += `[${segment}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(segment)) out += out === "" ? segment : `.${segment}`;
    else out += `[${segment}]`;
  }
  return out;
}

/** Structural words that JSON Schema lacks, said in JSON Schema: `nullable`, int-or-string. */
function asJsonSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(asJsonSchema);
  if (typeof schema !== "object" || schema === null) return schema;
  const out: JsonObject = {};
  for (const [key, value] of Object.entries(schema as JsonObject)) {
    if (key === "default" || key === "description" || key === "format" || key === "nullable") continue;
    if (key === "properties") out[key] = Object.fromEntries(Object.entries(value as JsonObject).map(([name, child]) => [name, asJsonSchema(child)]));
    else out[key] = typeof value === "object" ? asJsonSchema(value) : value;
  }
  const source = schema as { nullable?: boolean; type?: unknown; "x-kubernetes-int-or-string"?: boolean };
  if (source["x-kubernetes-int-or-string"] === true) out["type"] = ["integer", "string"];
  if (source.nullable === true && typeof source.type === "string") out["type"] = [source.type, "null"];
  return out;
}
