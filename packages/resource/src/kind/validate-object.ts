import type { ErrorCause } from "../errors.ts";
import { deepEqual, isJsonObject, ownValue } from "../json.ts";
import type { JsonObject } from "../object.ts";
import { matchesPattern, patternStepsMax, type PatternBudget } from "../pattern.ts";
import type { Schema } from "../schema.ts";
import { formatProblem } from "./formats.ts";

/** Pairs of a value and a schema that are looked at for one object: alternatives multiply them. Some 50 ns each. */
const checksMax = 4_000_000;
/** Causes beyond this many are not reported: the first ones say what to mend. */
const causesMax = 32;

/**
 * Schema validation in the words of Kubernetes. It walks schema and value together and makes no code from a schema: schemas
 * come from users too, and of a thousand kinds most are never asked for.
 */
export function validateSchema(object: JsonObject, schema: Schema, options: ValidateOptions = {}): ErrorCause[] {
  const run: Run = { causes: [], budget: { stepsLeft: patternStepsMax }, checks: { left: checksMax }, hideValues: options.hideValues === true };
  check({ value: object, schema, at: "", old: nothing }, run);
  if (run.causes.length === 0 || options.old === undefined) return run.causes.slice(0, causesMax);
  const again: Run = { ...run, causes: [], budget: { stepsLeft: patternStepsMax }, checks: { left: checksMax } };
  check({ value: object, schema, at: "", old: options.old }, again);
  return again.causes.slice(0, causesMax);
}

export interface ValidateOptions {
  /** Values may be secret (S7): errors name fields alone. */
  readonly hideValues?: boolean;
  /** What is stored. Values that are in it as they are may stay, whatever the schema says by now (ratcheting, as upstream). */
  readonly old?: JsonObject;
}

/** A value with what is known of its place. */
interface Place {
  readonly value: unknown;
  readonly schema: Schema;
  readonly at: string;
  /** The value that was here before, or {@link nothing}. */
  readonly old: unknown;
}

/** No old value is known. */
const nothing = Symbol("nothing");

interface Run {
  readonly causes: ErrorCause[];
  readonly budget: PatternBudget;
  readonly checks: { left: number };
  /** Values may be secret (S7): errors name fields alone. */
  readonly hideValues: boolean;
}

function check(place: Place, run: Run): void {
  const { value, schema, at, old } = place;
  if (run.causes.length >= causesMax || run.checks.left < 0) return;
  run.checks.left -= 1 + (schema.enum?.length ?? 0);
  if (run.checks.left < 0) {
    add(run, at, "FieldValueInvalid", "Invalid value: the object and its schema are too large to be checked against each other");
    return;
  }
  if (old !== nothing && deepEqual(value, old)) return;
  if (value === null && schema.nullable === true) return;
  if (!hasType(value, schema, at, run)) return;
  if (schema.enum !== undefined && !schema.enum.some((allowed) => deepEqual(allowed, value)))
    add(
      run,
      at,
      "FieldValueNotSupported",
      `Unsupported value: ${shown(run, value)}: supported values: ${schema.enum.map((allowed) => JSON.stringify(allowed)).join(", ")}`,
    );
  if (typeof value === "string") checkText(value, schema, at, run);
  else if (typeof value === "number") checkNumber(value, schema, at, run);
  else if (Array.isArray(value)) checkList(value, place, run);
  else if (isJsonObject(value)) checkObject(value, place, run);
  checkLogic(place, run);
}

function add(run: Run, at: string, reason: string, message: string): void {
  run.causes.push({ ...(at === "" ? {} : { field: at }), reason, message });
}

function invalid(run: Run, at: string, value: unknown, problem: string): void {
  add(run, at, "FieldValueInvalid", `Invalid value: ${shown(run, value)}: ${at === "" ? "" : `${at} in body `}${problem}`);
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function hasType(value: unknown, schema: Schema, at: string, run: Run): boolean {
  const wanted = schema["x-kubernetes-int-or-string"] === true ? "integer,string" : schema.type;
  if (wanted === undefined || wanted === ("" as string)) return true;
  const type = typeOf(value);
  if (type === wanted || (wanted === "number" && type === "integer") || (wanted === "integer,string" && (type === "integer" || type === "string"))) return true;
  add(run, at, "FieldValueTypeInvalid", `Invalid value: "${type}": ${at === "" ? "the object" : `${at} in body`} must be of type ${wanted}: "${type}"`);
  return false;
}

function checkText(value: string, schema: Schema, at: string, run: Run): void {
  const { maxLength, minLength, pattern } = schema as { maxLength?: number; minLength?: number; pattern?: string };
  if (maxLength !== undefined || minLength !== undefined) {
    const length = codePoints(value);
    if (maxLength !== undefined && length > maxLength) add(run, at, "FieldValueTooLong", `Too long: may not be more than ${maxLength} bytes`);
    if (minLength !== undefined && length < minLength) invalid(run, at, value, `should be at least ${minLength} chars long`);
  }
  if (pattern !== undefined) {
    try {
      if (!matchesPattern(pattern, value, run.budget)) invalid(run, at, value, `should match '${pattern}'`);
    } catch (error) {
      invalid(run, at, value, `cannot be matched with '${pattern}': ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (schema.format !== undefined && formatProblem(schema.format, value))
    add(run, at, "FieldValueTypeInvalid", `Invalid value: ${shown(run, value)}: ${at} in body must be of type ${schema.format}: ${shown(run, value)}`);
}

function codePoints(value: string): number {
  let count = value.length;
  for (let at = 0; at < value.length - 1; at++) {
    const high = value.charCodeAt(at);
    if (high < 0xd800 || high > 0xdbff) continue;
    const low = value.charCodeAt(at + 1);
    if (low >= 0xdc00 && low <= 0xdfff) {
      count--;
      at++;
    }
  }
  return count;
}

const integerRange: Readonly<Record<string, readonly [number, number]>> = { int32: [-2147483648, 2147483647] };

function checkNumber(value: number, schema: Schema, at: string, run: Run): void {
  const { maximum, minimum, exclusiveMaximum, exclusiveMinimum, multipleOf } = schema as Record<string, number | boolean | undefined>;
  if (typeof maximum === "number" && (exclusiveMaximum === true ? value >= maximum : value > maximum))
    invalid(run, at, value, exclusiveMaximum === true ? `should be less than ${maximum}` : `should be less than or equal to ${maximum}`);
  if (typeof minimum === "number" && (exclusiveMinimum === true ? value <= minimum : value < minimum))
    invalid(run, at, value, exclusiveMinimum === true ? `should be greater than ${minimum}` : `should be greater than or equal to ${minimum}`);
  if (typeof multipleOf === "number" && multipleOf > 0 && !isMultiple(value, multipleOf)) invalid(run, at, value, `should be a multiple of ${multipleOf}`);
  const range = integerRange[schema.format ?? ""];
  if (range !== undefined && schema.type === "integer" && (value < range[0] || value > range[1]))
    invalid(run, at, value, `must be of type ${schema.format ?? ""}: ${value}`);
}

function isMultiple(value: number, of: number): boolean {
  const quotient = value / of;
  return Math.abs(quotient - Math.round(quotient)) < 1e-9 * Math.max(1, Math.abs(quotient));
}

function checkList(value: readonly unknown[], { schema, at, old }: Place, run: Run): void {
  const { maxItems, minItems, items } = schema as Schema & { maxItems?: number; minItems?: number };
  if (maxItems !== undefined && value.length > maxItems) {
    add(run, at, "FieldValueTooMany", `Too many: ${value.length}: must have at most ${maxItems} items`);
    return;
  }
  if (minItems !== undefined && value.length < minItems) invalid(run, at, value, `should have at least ${minItems} items`);
  if (items !== undefined) {
    const before = oldElements(old, schema);
    for (const [index, element] of value.entries()) check({ value: element, schema: items, at: `${at}[${index}]`, old: before(element) }, run);
  }
  checkUnique(value, schema, at, run);
}

/** The element that an element of a `map` list was before. Elements of other lists have no identity. */
function oldElements(old: unknown, schema: Schema): (element: unknown) => unknown {
  if (schema["x-kubernetes-list-type"] !== "map" || !Array.isArray(old)) return () => nothing;
  const identity = (element: unknown) =>
    canonical(isJsonObject(element) ? (schema["x-kubernetes-list-map-keys"] ?? []).flatMap((key) => keyOf(element, key)) : element);
  const known = new Map(old.map((element: unknown) => [identity(element), element]));
  return (element) => {
    const key = identity(element);
    return known.has(key) ? known.get(key) : nothing;
  };
}

/** Elements of a `set` are unique; those of a `map` differ in their keys. By text, so that long lists cost no more than their length. */
function checkUnique(value: readonly unknown[], schema: Schema, at: string, run: Run): void {
  const listType = schema["x-kubernetes-list-type"];
  if (listType !== "set" && listType !== "map") return;
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const seen = new Set<string>();
  for (const [index, element] of value.entries()) {
    const identity = listType === "set" ? element : isJsonObject(element) ? Object.fromEntries(keys.flatMap((key) => keyOf(element, key))) : element;
    const text = canonical(identity);
    if (seen.has(text)) add(run, `${at}[${index}]`, "FieldValueDuplicate", `Duplicate value: ${shown(run, identity)}`);
    seen.add(text);
  }
}

function keyOf(element: JsonObject, key: string): [string, unknown][] {
  const value = ownValue(element, key);
  return value === undefined ? [] : [[key, value]];
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isJsonObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}

function checkObject(value: JsonObject, { schema, at, old }: Place, run: Run): void {
  const { maxProperties, minProperties, required, properties } = schema as Schema & { maxProperties?: number; minProperties?: number };
  const additional = typeof schema.additionalProperties === "object" ? schema.additionalProperties : undefined;
  if (maxProperties !== undefined || minProperties !== undefined) {
    const count = Object.keys(value).length;
    if (maxProperties !== undefined && count > maxProperties) add(run, at, "FieldValueTooMany", `Too many: ${count}: must have at most ${maxProperties} items`);
    if (minProperties !== undefined && count < minProperties) invalid(run, at, value, `should have at least ${minProperties} properties`);
  }
  if (Array.isArray(required)) {
    for (const name of required as readonly string[]) if (!Object.hasOwn(value, name)) add(run, child(at, name), "FieldValueRequired", "Required value");
  }
  if (properties === undefined && additional === undefined) return;
  for (const key of Object.keys(value)) {
    const inner = properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : additional;
    if (inner !== undefined)
      check({ value: value[key], schema: inner, at: child(at, key), old: isJsonObject(old) && Object.hasOwn(old, key) ? old[key] : nothing }, run);
  }
}

/** As Kubernetes prints it: plain names after a dot; names that hold one are still plain here. */
function child(at: string, key: string): string {
  return at === "" ? key : `${at}.${key}`;
}

function checkLogic(place: Place, run: Run): void {
  const { value, schema, at } = place;
  const { allOf, anyOf, oneOf, not } = schema as { allOf?: readonly Schema[]; anyOf?: readonly Schema[]; oneOf?: readonly Schema[]; not?: Schema };
  const name = at === "" ? '"<root>"' : `"${at}"`;
  const problem = (message: string) => add(run, at, "FieldValueInvalid", `Invalid value: ${shown(run, value)}: ${name} ${message}`);
  for (const branch of allOf ?? []) check({ ...place, schema: branch }, run);
  if (anyOf !== undefined && anyOf.length > 0) {
    const outcomes = anyOf.map((branch) => tried(place, branch, run));
    if (!outcomes.some((causes) => causes.length === 0)) {
      run.causes.push(...fewest(outcomes));
      problem("must validate at least one schema (anyOf)");
    }
  }
  if (oneOf !== undefined && oneOf.length > 0) {
    const outcomes = oneOf.map((branch) => tried(place, branch, run));
    const valid = outcomes.filter((causes) => causes.length === 0).length;
    if (valid === 0) run.causes.push(...fewest(outcomes));
    if (valid !== 1) problem(`must validate one and only one schema (oneOf). ${valid === 0 ? "Found none valid" : `Found ${valid} valid alternatives`}`);
  }
  if (not !== undefined && tried(place, not, run).length === 0) problem("must not validate the schema (not)");
}

function tried(place: Place, schema: Schema, run: Run): ErrorCause[] {
  const inner: Run = { ...run, causes: [] };
  check({ ...place, schema }, inner);
  if (run.checks.left < 0 && run.causes.length === 0) run.causes.push(...inner.causes.slice(-1));
  return inner.causes;
}

/** What is told of alternatives that all fail: the one that came nearest. */
function fewest(outcomes: readonly ErrorCause[][]): ErrorCause[] {
  return outcomes.reduce((best, next) => (next.length < best.length ? next : best), outcomes[0] ?? []);
}

/** Values are cut so that an error stays readable whatever was sent. */
const shownCharactersMax = 200;

function shown(run: Run, value: unknown): string {
  if (run.hideValues) return '"(hidden)"';
  if (typeof value === "object" && value !== null && Object.keys(value).length > 50) return Array.isArray(value) ? `a list of ${value.length}` : "an object";
  const text = JSON.stringify(value) ?? "null";
  return text.length > shownCharactersMax ? `${text.slice(0, shownCharactersMax)}…` : text;
}
