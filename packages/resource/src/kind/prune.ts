import { PlatformError } from "../errors.ts";
import type { JsonObject } from "../object.ts";
import type { Schema } from "../schema.ts";

/**
 * Brings an object to its schema's shape in one walk: fields that the schema does not know are removed (their paths are
 * returned: a warning, or an error under strict validation), nulls where nothing may be null are dropped, defaults are
 * filled in. Changes `object` in place.
 */
export function pruneAndDefault(object: JsonObject, schema: Schema): string[] {
  const run: Run = { unknown: [], defaultedLeft: defaultedMax };
  walk(object, schema, "", run);
  return run.unknown;
}

/** Characters of defaults that one object may get: a small default in each of many elements is a large object. */
const defaultedMax = 3 * 1024 * 1024;

interface Run {
  readonly unknown: string[];
  defaultedLeft: number;
}

const sizes = new WeakMap<Schema, number>();

/** The default of a schema, as a value of its own. */
function defaultOf(schema: Schema, run: Run): unknown {
  const value = schema.default;
  if (typeof value !== "object" || value === null) return value;
  let size = sizes.get(schema);
  if (size === undefined) sizes.set(schema, (size = JSON.stringify(value).length));
  run.defaultedLeft -= size;
  if (run.defaultedLeft < 0) throw new PlatformError("TP_INVALID", { message: "the defaults of the schema would make the object too large" });
  return structuredClone(value);
}

function walk(value: unknown, schema: Schema, path: string, run: Run): void {
  if (Array.isArray(value)) {
    if (schema.items !== undefined) for (let index = 0; index < value.length; index++) walk(value[index], schema.items, `${path}[${index}]`, run);
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
    if (child === undefined && additional !== undefined) walk(record[key], additional, here, run);
    else if (child === undefined && !open) {
      run.unknown.push(here);
      delete record[key];
    } else if (child !== undefined) {
      if (record[key] === null && child.nullable !== true && child["x-kubernetes-preserve-unknown-fields"] !== true) delete record[key];
      else walk(record[key], child, here, run);
    }
  }
  if (properties === undefined) return;
  for (const [key, child] of Object.entries(properties)) {
    if (child.default !== undefined && record[key] === undefined) {
      record[key] = defaultOf(child, run);
      walk(record[key], child, path === "" ? key : `${path}.${key}`, run);
    }
  }
}
