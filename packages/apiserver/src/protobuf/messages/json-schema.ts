import type { Field, Message } from "../message.ts";

const json: Message = { name: "JSON", form: "json", fields: { 1: { name: "raw", type: "raw" } } };

const rule: Message = {
  name: "ValidationRule",
  fields: {
    1: { name: "rule", type: "string", presence: "always" },
    2: { name: "message", type: "string" },
    3: { name: "messageExpression", type: "string" },
    4: { name: "reason", type: "string", presence: "optional" },
    5: { name: "fieldPath", type: "string" },
    6: { name: "optionalOldSelf", type: "bool", presence: "optional" },
  },
};

/** Filled below: schemas hold schemas. */
const fields: Record<number, Field> = {};

/** JSONSchemaProps of apiextensions.k8s.io/v1. */
export const jsonSchema: Message = { name: "JSONSchemaProps", fields };

const schemaOrBool: Message = {
  name: "JSONSchemaPropsOrBool",
  form: "schemaOrBool",
  fields: { 1: { name: "allows", type: "bool" }, 2: { name: "schema", type: jsonSchema, presence: "optional" } },
};

const schemaOrList: Message = {
  name: "JSONSchemaPropsOrArray",
  form: "schemaOrList",
  fields: { 1: { name: "schema", type: jsonSchema, presence: "optional" }, 2: { name: "schemas", type: jsonSchema, repeated: "list" } },
};

const schemaOrTexts: Message = {
  name: "JSONSchemaPropsOrStringArray",
  form: "schemaOrTexts",
  fields: { 1: { name: "schema", type: jsonSchema, presence: "optional" }, 2: { name: "texts", type: "string", repeated: "list" } },
};

Object.assign(fields, {
  1: { name: "id", type: "string" },
  2: { name: "$schema", type: "string" },
  3: { name: "$ref", type: "string", presence: "optional" },
  4: { name: "description", type: "string" },
  5: { name: "type", type: "string" },
  6: { name: "format", type: "string" },
  7: { name: "title", type: "string" },
  8: { name: "default", type: json, presence: "optional" },
  9: { name: "maximum", type: "double", presence: "optional" },
  10: { name: "exclusiveMaximum", type: "bool" },
  11: { name: "minimum", type: "double", presence: "optional" },
  12: { name: "exclusiveMinimum", type: "bool" },
  13: { name: "maxLength", type: "int64", presence: "optional" },
  14: { name: "minLength", type: "int64", presence: "optional" },
  15: { name: "pattern", type: "string" },
  16: { name: "maxItems", type: "int64", presence: "optional" },
  17: { name: "minItems", type: "int64", presence: "optional" },
  18: { name: "uniqueItems", type: "bool" },
  19: { name: "multipleOf", type: "double", presence: "optional" },
  20: { name: "enum", type: json, repeated: "list" },
  21: { name: "maxProperties", type: "int64", presence: "optional" },
  22: { name: "minProperties", type: "int64", presence: "optional" },
  23: { name: "required", type: "string", repeated: "list" },
  24: { name: "items", type: schemaOrList, presence: "optional" },
  25: { name: "allOf", type: jsonSchema, repeated: "list" },
  26: { name: "oneOf", type: jsonSchema, repeated: "list" },
  27: { name: "anyOf", type: jsonSchema, repeated: "list" },
  28: { name: "not", type: jsonSchema, presence: "optional" },
  29: { name: "properties", type: jsonSchema, repeated: "map" },
  30: { name: "additionalProperties", type: schemaOrBool, presence: "optional" },
  31: { name: "patternProperties", type: jsonSchema, repeated: "map" },
  32: { name: "dependencies", type: schemaOrTexts, repeated: "map" },
  33: { name: "additionalItems", type: schemaOrBool, presence: "optional" },
  34: { name: "definitions", type: jsonSchema, repeated: "map" },
  35: {
    name: "externalDocs",
    presence: "optional",
    type: { name: "ExternalDocumentation", fields: { 1: { name: "description", type: "string" }, 2: { name: "url", type: "string" } } },
  },
  36: { name: "example", type: json, presence: "optional" },
  37: { name: "nullable", type: "bool" },
  38: { name: "x-kubernetes-preserve-unknown-fields", type: "bool", presence: "optional" },
  39: { name: "x-kubernetes-embedded-resource", type: "bool" },
  40: { name: "x-kubernetes-int-or-string", type: "bool" },
  41: { name: "x-kubernetes-list-map-keys", type: "string", repeated: "list" },
  42: { name: "x-kubernetes-list-type", type: "string", presence: "optional" },
  43: { name: "x-kubernetes-map-type", type: "string", presence: "optional" },
  44: { name: "x-kubernetes-validations", type: rule, repeated: "list" },
} satisfies Record<number, Field>);
