import type { ErrorCause } from "../errors.ts";
import { isJsonObject } from "../json.ts";
import type { JsonObject } from "../object.ts";
import type { Schema } from "../schema.ts";

/**
 * How upstream's Go types differ from their schema: what a client of Kubernetes gets back depends on it. Paths are dotted,
 * without the indexes of lists.
 */
export interface TypedShape {
  /** Kept when empty, zero or false, because upstream holds them by pointer. All others are left out then. */
  readonly pointers?: readonly string[];
  /** Always there, with this value when nothing was sent. */
  readonly always?: Readonly<Record<string, unknown>>;
  /** Propagation of a delete means nothing: nothing depends on objects of the kind. */
  readonly ownsNothing?: boolean;
  /** A delete that removes the object answers with it, not with a Status. */
  readonly deletedIsShown?: boolean;
  /** What goes at once is told of with its deletion mark: kinds that upstream ends gracefully. */
  readonly deletedIsMarked?: boolean;
  /** A delete that says no propagation leaves dependents behind. */
  readonly orphansUnlessSaid?: boolean;
  /** Times in microseconds, which must be written with all six digits. */
  readonly microTimes?: readonly string[];
}

export interface TypedReading {
  /** Fields that the schema does not know; they are removed. */
  readonly unknown: readonly string[];
  /** What cannot be read as its type; empty when everything can. */
  readonly problems: readonly ErrorCause[];
}

/** Metadata is of one Go type in every kind. */
export const metadataShape: TypedShape = {
  pointers: ["deletionGracePeriodSeconds", "ownerReferences.controller", "ownerReferences.blockOwnerDeletion"],
  always: { "ownerReferences.apiVersion": "", "ownerReferences.kind": "", "ownerReferences.name": "", "ownerReferences.uid": "" },
};

/**
 * Reads `object` as upstream reads JSON into a Go type, in place: null means absent, unknown fields go, what is empty is
 * left out unless {@link TypedShape} says otherwise, and a value of another type is a problem of the whole document.
 * `prefix` stands before the paths that are told.
 */
export function readTyped(object: JsonObject, schema: Schema, shape: TypedShape, prefix = ""): TypedReading {
  const pointers = new Set(shape.pointers);
  const microTimes = new Set(shape.microTimes);
  const always = alwaysByParent(shape.always ?? {});
  const unknown: string[] = [];
  const problems: ErrorCause[] = [];

  /** Returns what stands there from now on; undefined when it is absent. */
  function read(value: unknown, here: Schema, told: string, path: string): unknown {
    if (here["x-kubernetes-preserve-unknown-fields"] === true) return value ?? undefined;
    switch (here.type) {
      case "object":
        if (value === null || value === undefined) return undefined;
        if (!isJsonObject(value)) return wrong(told, "an object");
        return here.properties === undefined ? readMap(value, here, told, path) : readStruct(value, here, told, path);
      case "array":
        if (value === null || value === undefined) return undefined;
        if (!Array.isArray(value)) return wrong(told, "a list");
        return here.items === undefined ? value : readItems(value, here.items, told, path);
      default:
        return readScalar(value, here, told, path);
    }
  }

  function readScalar(value: unknown, here: Schema, told: string, path: string): unknown {
    if (value === null || value === undefined) return undefined;
    switch (here.type) {
      case "string":
        if (typeof value !== "string") return wrong(told, "a string");
        if (here.format === "date-time") return microTimes.has(path) ? readTime(value, told, microTime, 6) : readTime(value, told, plainTime, 0);
        if (here.format === "byte" && !base64.test(value.replaceAll(/[\r\n]/g, ""))) return wrong(told, "base64");
        return here.format === "byte" ? value.replaceAll(/[\r\n]/g, "") : value;
      case "integer":
        if (!Number.isInteger(value)) return wrong(told, "an integer");
        return here.format === "int64" || Math.abs(value as number) < 2 ** 31 || value === -(2 ** 31) ? value : wrong(told, "an integer of 32 bits");
      case "number":
        return typeof value === "number" ? value : wrong(told, "a number");
      case "boolean":
        return typeof value === "boolean" ? value : wrong(told, "true or false");
      default:
        return value;
    }
  }

  function readTime(value: string, told: string, form: RegExp, digits: number): unknown {
    const found = form.exec(value);
    const ms = found === null ? Number.NaN : Date.parse(`${found[1]}${found[3]}`);
    if (Number.isNaN(ms)) return wrong(told, digits === 0 ? "a time (RFC 3339)" : "a time (RFC 3339, with six digits after the second)");
    return `${new Date(ms).toISOString().slice(0, 19)}${digits === 0 ? "" : (found?.[2] ?? "")}Z`;
  }

  function readMap(value: JsonObject, here: Schema, told: string, path: string): unknown {
    const values = typeof here.additionalProperties === "object" ? here.additionalProperties : undefined;
    if (values === undefined) return value;
    for (const key of Object.keys(value)) value[key] = read(value[key], values, `${told}.${key}`, path) ?? zeroOf(values);
    return value;
  }

  function readItems(value: unknown[], items: Schema, told: string, path: string): unknown {
    for (let index = 0; index < value.length; index++) {
      const item = value[index] === null && items.properties !== undefined ? {} : value[index];
      value[index] = read(item, items, `${told}[${index}]`, path) ?? zeroOf(items);
    }
    return value;
  }

  function readStruct(value: JsonObject, here: Schema, told: string, path: string): unknown {
    const properties = here.properties ?? {};
    for (const key of Object.keys(value)) {
      const child = Object.hasOwn(properties, key) ? properties[key] : undefined;
      const toldChild = told === "" ? key : `${told}.${key}`;
      if (child === undefined) {
        unknown.push(toldChild);
        delete value[key];
        continue;
      }
      const pathChild = path === "" ? key : `${path}.${key}`;
      if (skipped.has(toldChild)) continue;
      const read_ = read(value[key], child, toldChild, pathChild);
      if (read_ === undefined || (isEmpty(read_, child) && !pointers.has(pathChild))) delete value[key];
      else value[key] = read_;
    }
    for (const [key, filling] of always.get(path) ?? []) if (value[key] === undefined) value[key] = structuredClone(filling);
    return value;
  }

  function wrong(told: string, type: string): undefined {
    problems.push({ field: told, reason: "FieldValueTypeInvalid", message: `Invalid value: must be ${type}` });
    return undefined;
  }

  readStruct(object, schema, prefix, "");
  return { unknown, problems };
}

/** Read by their own rules. */
const skipped: ReadonlySet<string> = new Set(["metadata", "metadata.managedFields"]);

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const plainTime = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const microTime = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{6})(Z|[+-]\d\d:\d\d)$/;

/** What Go holds where nothing was said, inside of lists and maps. */
function zeroOf(schema: Schema): unknown {
  if (schema.type === "string") return "";
  if (schema.type === "integer" || schema.type === "number") return 0;
  if (schema.type === "boolean") return false;
  return schema.type === "array" ? [] : {};
}

/** A struct is never empty: Go writes it with its braces. */
function isEmpty(value: unknown, schema: Schema): boolean {
  if (value === "" || value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return schema.properties === undefined && schema["x-kubernetes-preserve-unknown-fields"] !== true && isJsonObject(value) && Object.keys(value).length === 0;
}

function alwaysByParent(always: Readonly<Record<string, unknown>>): Map<string, readonly (readonly [string, unknown])[]> {
  const found = new Map<string, (readonly [string, unknown])[]>();
  for (const [path, value] of Object.entries(always)) {
    const dot = path.lastIndexOf(".");
    const parent = dot < 0 ? "" : path.slice(0, dot);
    found.set(parent, [...(found.get(parent) ?? []), [path.slice(dot + 1), value]]);
  }
  return found;
}
