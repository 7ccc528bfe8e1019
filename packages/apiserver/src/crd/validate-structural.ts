import { deepEqual, patternProblem, pruneAndDefault, validateSchema, type ErrorCause, type JsonObject, type Schema } from "@threeport/resource";
import { compileRules, hasRules } from "../cel/rules.ts";
import { duplicateCause, forbiddenCause, invalidCause, requiredCause, unsupportedCause } from "./causes.ts";

const types = ["array", "boolean", "integer", "number", "object", "string"];

/** Words of JSON Schema that a structural schema does not have. */
const neverAllowed: Readonly<Record<string, string>> = {
  $ref: "$ref is not supported",
  id: "id is not supported",
  $schema: "$schema is not supported",
  definitions: "definitions is not supported",
  dependencies: "dependencies is not supported",
  patternProperties: "patternProperties is not supported",
  additionalItems: "additionalItems is not supported",
};

/** Words that say the shape: they stand outside of allOf, anyOf, oneOf and not. */
const structuralWords = [
  "type",
  "additionalProperties",
  "nullable",
  "default",
  "title",
  "description",
  "x-kubernetes-preserve-unknown-fields",
  "x-kubernetes-embedded-resource",
  "x-kubernetes-int-or-string",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-map-type",
];

/** How deep a schema may go: what walks it is bounded by this. */
const depthMax = 100;

/**
 * The rules of structural schemas: every value's type stands outside of the logical words, so that pruning, defaulting
 * and apply know each field. `old` is the schema before this change.
 */
export function validateStructural(schema: Schema, at: string, old: Schema | undefined): ErrorCause[] {
  const causes: ErrorCause[] = [];
  if ((schema.type ?? "") === "") causes.push(requiredCause(`${at}.type`, "must not be empty at the root"));
  else if (schema.type !== "object") causes.push(invalidCause(`${at}.type`, schema.type ?? "", 'must be "object" at the root'));
  if (schema.nullable === true) causes.push(forbiddenCause(`${at}.nullable`, "nullable cannot be true at the root"));
  if (schema["x-kubernetes-preserve-unknown-fields"] === true && schema.properties === undefined && typeof schema.additionalProperties === "object")
    causes.push(forbiddenCause(`${at}.additionalProperties`, "must not be used at the root"));
  walk(schema, { at, level: "root", depth: 0 }, causes);
  metadataCauses(schema, at, causes);
  if (causes.length === 0) defaultCauses(schema, at, causes);
  // What was accepted stays accepted: a server that knows less than the one before must not lock people out of their definitions.
  if (causes.length === 0 && hasRules(schema) && !deepEqual(schema, old)) causes.push(...compileRules(schema, at).problems);
  return causes;
}

interface Place {
  readonly at: string;
  readonly level: "root" | "field" | "item";
  readonly depth: number;
}

function walk(schema: Schema, place: Place, causes: ErrorCause[]): void {
  const { at } = place;
  if (place.depth > depthMax) {
    causes.push(invalidCause(at, "…", `schemas may be at most ${depthMax} levels deep`));
    return;
  }
  for (const [word, why] of Object.entries(neverAllowed)) if (schema[word] !== undefined) causes.push(forbiddenCause(`${at}.${word}`, why));
  typeCauses(schema, place, causes);
  extensionCauses(schema, at, causes);
  valueCauses(schema, at, causes);

  const { properties, items, additionalProperties } = schema;
  if (properties !== undefined && Object.keys(properties).length > 0 && additionalProperties !== undefined)
    causes.push(forbiddenCause(`${at}.additionalProperties`, "additionalProperties and properties are mutual exclusive"));
  for (const [name, child] of Object.entries(properties ?? {}))
    walk(child, { at: `${at}.properties[${name}]`, level: "field", depth: place.depth + 1 }, causes);
  if (Array.isArray(items)) causes.push(forbiddenCause(`${at}.items`, "items must be a schema object and not an array"));
  else if (items !== undefined) walk(items, { at: `${at}.items`, level: "item", depth: place.depth + 1 }, causes);
  if (additionalProperties !== undefined && typeof additionalProperties !== "object" && typeof additionalProperties !== "boolean")
    causes.push(invalidCause(`${at}.additionalProperties`, additionalProperties, "must be a schema or true"));
  else if (typeof additionalProperties === "object") {
    if (additionalProperties === null || Array.isArray(additionalProperties))
      causes.push(invalidCause(`${at}.additionalProperties`, additionalProperties, "must be a schema or true"));
    else walk(additionalProperties, { at: `${at}.additionalProperties`, level: "field", depth: place.depth + 1 }, causes);
  }
  for (const word of ["allOf", "anyOf", "oneOf"] as const) {
    const branches = schema[word] as readonly Schema[] | undefined;
    for (const [index, branch] of (branches ?? []).entries()) {
      const numberOrText = schema["x-kubernetes-int-or-string"] === true && (word === "anyOf" || word === "allOf");
      walkLogical(branch, schema, { at: `${at}.${word}[${index}]`, typed: numberOrText, depth: place.depth + 1 }, causes);
    }
  }
  if (schema["not"] !== undefined) walkLogical(schema["not"] as Schema, schema, { at: `${at}.not`, typed: false, depth: place.depth + 1 }, causes);
}

function typeCauses(schema: Schema, { at, level }: Place, causes: ErrorCause[]): void {
  const free = schema["x-kubernetes-int-or-string"] === true || schema["x-kubernetes-preserve-unknown-fields"] === true;
  const type = schema.type ?? "";
  if (type === "") {
    if (!free && level !== "root")
      causes.push(
        requiredCause(`${at}.type`, level === "item" ? "must not be empty for specified array items" : "must not be empty for specified object fields"),
      );
  } else if (!types.includes(type)) causes.push(unsupportedCause(`${at}.type`, type, types));
  if (type === "array" && schema.items === undefined) causes.push(requiredCause(`${at}.items`, "must be specified"));
  if (schema["uniqueItems"] === true)
    causes.push(forbiddenCause(`${at}.uniqueItems`, "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"));
  if (schema.type !== "object" && level !== "root" && schema.properties !== undefined && Object.keys(schema.properties).length > 0 && !free)
    causes.push(invalidCause(`${at}.type`, type, 'must be "object" where properties are specified'));
}

function extensionCauses(schema: Schema, at: string, causes: ErrorCause[]): void {
  const preserve = schema["x-kubernetes-preserve-unknown-fields"];
  if ((preserve as unknown) === false) causes.push(invalidCause(`${at}.x-kubernetes-preserve-unknown-fields`, false, "must be true or undefined"));
  if (schema["x-kubernetes-embedded-resource"] === true) {
    if (schema.type !== "object") causes.push(invalidCause(`${at}.type`, schema.type ?? "", "must be object if x-kubernetes-embedded-resource is true"));
    if (preserve !== true && Object.keys(schema.properties ?? {}).length === 0)
      causes.push(
        requiredCause(`${at}.properties`, "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields"),
      );
    if (schema.additionalProperties !== undefined)
      causes.push(forbiddenCause(`${at}.additionalProperties`, "must not be used if x-kubernetes-embedded-resource is set"));
  }
  const mapType = schema["x-kubernetes-map-type"] as string | undefined;
  if (mapType !== undefined) {
    if (mapType !== "granular" && mapType !== "atomic") causes.push(unsupportedCause(`${at}.x-kubernetes-map-type`, mapType, ["atomic", "granular"]));
    if (schema.type !== "object") causes.push(invalidCause(`${at}.type`, schema.type ?? "", "must be object if x-kubernetes-map-type is specified"));
  }
  listCauses(schema, at, causes);
}

function listCauses(schema: Schema, at: string, causes: ErrorCause[]): void {
  const listType = schema["x-kubernetes-list-type"] as string | undefined;
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  if (listType === undefined) {
    if (keys.length > 0) causes.push(requiredCause(`${at}.x-kubernetes-list-type`, "must be map if x-kubernetes-list-map-keys is non-empty"));
    return;
  }
  if (!["atomic", "set", "map"].includes(listType)) {
    causes.push(unsupportedCause(`${at}.x-kubernetes-list-type`, listType, ["atomic", "map", "set"]));
    return;
  }
  if (schema.type !== "array") causes.push(invalidCause(`${at}.type`, schema.type ?? "", "must be array if x-kubernetes-list-type is specified"));
  const { items } = schema;
  if (items === undefined) return;
  if (listType === "set") {
    const atomicList = items.type === "array" && (items["x-kubernetes-list-type"] ?? "atomic") === "atomic";
    if (items.nullable === true) causes.push(forbiddenCause(`${at}.items.nullable`, "cannot be nullable when x-kubernetes-list-type is set"));
    if (items.type === "array" && !atomicList)
      causes.push(
        invalidCause(`${at}.items.x-kubernetes-list-type`, items["x-kubernetes-list-type"], "must be atomic as item of a list with x-kubernetes-list-type=set"),
      );
    if (items.type === "object" && items["x-kubernetes-map-type"] !== "atomic")
      causes.push(
        invalidCause(
          `${at}.items.x-kubernetes-map-type`,
          items["x-kubernetes-map-type"] ?? "",
          "must be atomic as item of a list with x-kubernetes-list-type=set",
        ),
      );
  }
  if (listType !== "map") {
    if (keys.length > 0) causes.push(forbiddenCause(`${at}.x-kubernetes-list-map-keys`, "must only be specified when x-kubernetes-list-type is map"));
    return;
  }
  if (keys.length === 0) causes.push(requiredCause(`${at}.x-kubernetes-list-map-keys`, "must not be empty if x-kubernetes-list-type is map"));
  if (items.type !== "object")
    causes.push(invalidCause(`${at}.items.type`, items.type ?? "", "must be object if parent array's x-kubernetes-list-type is map"));
  if (items.nullable === true) causes.push(forbiddenCause(`${at}.items.nullable`, "cannot be nullable when x-kubernetes-list-type is map"));
  const keysAt = `${at}.x-kubernetes-list-map-keys`;
  const seen = new Set<string>();
  for (const [index, key] of keys.entries()) {
    const here = `${keysAt}[${index}]`;
    if (seen.has(key)) causes.push(duplicateCause(here, key));
    seen.add(key);
    const field = items.properties?.[key];
    if (field === undefined) {
      if (!causes.some((cause) => cause.field === keysAt)) causes.push(invalidCause(keysAt, keys, "entries must all be names of item properties"));
    } else {
      if (field.type === "object" || field.type === "array")
        causes.push(invalidCause(`${at}.items.properties[${key}].type`, field.type, "must be a scalar type if parent array's x-kubernetes-list-type is map"));
      if (field.nullable === true)
        causes.push(forbiddenCause(`${at}.items.properties[${key}].nullable`, "this property is in x-kubernetes-list-map-keys, so it cannot be nullable"));
      if (field.default === undefined && !(items.required ?? []).includes(key))
        causes.push(
          requiredCause(
            `${at}.items.properties[${key}].default`,
            "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
          ),
        );
    }
  }
}

/** Words that bound a value: they must be meant as they are written. */
function valueCauses(schema: Schema, at: string, causes: ErrorCause[]): void {
  const pattern = schema["pattern"];
  if (typeof pattern === "string") {
    const problem = patternProblem(pattern);
    if (problem !== undefined) causes.push(invalidCause(`${at}.pattern`, pattern, `must be a valid regular expression, but isn't: ${problem}`));
  }
  for (const word of ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"]) {
    const value = schema[word];
    if (typeof value === "number" && value < 0) causes.push(invalidCause(`${at}.${word}`, value, "must be greater than or equal to 0"));
  }
  if (typeof schema["multipleOf"] === "number" && schema["multipleOf"] <= 0)
    causes.push(invalidCause(`${at}.multipleOf`, schema["multipleOf"], "must be greater than 0"));
}

/** Below allOf, anyOf, oneOf and not: only what bounds values. That they speak of fields which nothing outside defines is allowed, as upstream: such fields are pruned before. */
function walkLogical(
  branch: Schema,
  outside: Schema,
  place: { readonly at: string; readonly typed: boolean; readonly depth: number },
  causes: ErrorCause[],
): void {
  const { at } = place;
  if (place.depth > depthMax) {
    causes.push(invalidCause(at, "…", `schemas may be at most ${depthMax} levels deep`));
    return;
  }
  for (const [word, why] of Object.entries(neverAllowed)) if (branch[word] !== undefined) causes.push(forbiddenCause(`${at}.${word}`, why));
  for (const word of structuralWords) {
    if (branch[word] === undefined || (word === "type" && place.typed)) continue;
    if (branch[word] === false || branch[word] === "") continue;
    causes.push(forbiddenCause(`${at}.${word}`, "must be empty to be structural"));
  }
  valueCauses(branch, at, causes);
  for (const [name, child] of Object.entries(branch.properties ?? {})) {
    const known = outside.properties?.[name];
    walkLogical(child, known ?? {}, { at: `${at}.properties[${name}]`, typed: false, depth: place.depth + 1 }, causes);
  }
  if (branch.items !== undefined) {
    walkLogical(branch.items, outside.items ?? {}, { at: `${at}.items`, typed: false, depth: place.depth + 1 }, causes);
  }
  for (const word of ["allOf", "anyOf", "oneOf"] as const) {
    for (const [index, inner] of ((branch[word] as readonly Schema[] | undefined) ?? []).entries())
      walkLogical(inner, outside, { at: `${at}.${word}[${index}]`, typed: false, depth: place.depth + 1 }, causes);
  }
  if (branch["not"] !== undefined) walkLogical(branch["not"] as Schema, outside, { at: `${at}.not`, typed: false, depth: place.depth + 1 }, causes);
}

/** The server owns metadata: a schema may only bound name and generateName. */
function metadataCauses(schema: Schema, at: string, causes: ErrorCause[]): void {
  const metadata = schema.properties?.["metadata"];
  if (metadata === undefined) return;
  const here = `${at}.properties[metadata]`;
  for (const name of Object.keys(metadata.properties ?? {})) {
    if (name !== "name" && name !== "generateName") {
      causes.push(forbiddenCause(here, "must not specify anything other than name and generateName, but metadata is implicitly specified"));
      return;
    }
  }
  const { type, properties: _p, description: _d, ...rest } = metadata;
  if (type !== undefined && type !== "object") causes.push(invalidCause(`${here}.type`, type, "must be object"));
  for (const word of Object.keys(rest))
    if (word !== "x-kubernetes-validations") causes.push(forbiddenCause(`${here}.${word}`, "must not be set: metadata is implicitly specified"));
}

/** Defaults must be values that the server would store as they are. */
function defaultCauses(schema: Schema, at: string, causes: ErrorCause[]): void {
  const visit = (here: Schema, path: string, inMetadata: boolean): void => {
    if (here.default !== undefined) {
      if (inMetadata) causes.push(forbiddenCause(`${path}.default`, "must not be set in top-level metadata"));
      const holder: JsonObject = { value: structuredClone(here.default) };
      const unknown = pruneAndDefault(holder, { type: "object", properties: { value: { ...here, default: undefined, nullable: here.nullable ?? false } } });
      if (unknown.length > 0)
        causes.push(
          invalidCause(`${path}.default`, here.default, `must not have unknown fields: ${unknown.map((field) => field.replace(/^value\.?/, "")).join(", ")}`),
        );
      else
        for (const cause of validateSchema(holder, { type: "object", properties: { value: here } }))
          causes.push({ ...cause, field: `${path}.default${(cause.field ?? "").replace(/^value/, "")}` });
    }
    for (const [name, child] of Object.entries(here.properties ?? {}))
      visit(child, `${path}.properties[${name}]`, inMetadata || (path === at && name === "metadata"));
    if (here.items !== undefined) visit(here.items, `${path}.items`, inMetadata);
    if (typeof here.additionalProperties === "object") visit(here.additionalProperties, `${path}.additionalProperties`, inMetadata);
  };
  visit(schema, at, false);
}
