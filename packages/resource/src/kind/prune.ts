import type { JsonObject } from "../object.ts";
import type { Schema } from "../schema.ts";

/**
 * Brings an object to its schema's shape in one walk: fields that the schema does not know are removed (their paths are
 * returned: a warning, or an error under strict validation), nulls where nothing may be null are dropped, defaults are
 * filled in. Changes `object` in place.
 */
export function pruneAndDefault(object: JsonObject, schema: Schema): string[] {
  const unknown: string[] = [];
  walk(object, schema, "", unknown);
  return unknown;
}

function walk(value: unknown, schema: Schema, path: string, unknown: string[]): void {
  if (Array.isArray(value)) {
    if (schema.items !== undefined) for (let index = 0; index < value.length; index++) walk(value[index], schema.items, `${path}[${index}]`, unknown);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  const record = value as JsonObject;
  const properties = schema.properties;
  const additional = typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
  const open = schema["x-kubernetes-preserve-unknown-fields"] === true || additional !== undefined || (properties === undefined && schema.type !== "object");
  for (const key of Object.keys(record)) {
    const child = properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : undefined;
    const here = path === "" ? key : `${path}.${key}`;
    if (child === undefined && additional !== undefined) walk(record[key], additional, here, unknown);
    else if (child === undefined && !open) {
      unknown.push(here);
      delete record[key];
    } else if (child !== undefined) {
      if (record[key] === null && child.nullable !== true && child["x-kubernetes-preserve-unknown-fields"] !== true) delete record[key];
      else walk(record[key], child, here, unknown);
    }
  }
  if (properties === undefined) return;
  for (const [key, child] of Object.entries(properties)) {
    if (child.default !== undefined && record[key] === undefined) {
      record[key] = structuredClone(child.default);
      walk(record[key], child, path === "" ? key : `${path}.${key}`, unknown);
    }
  }
}
