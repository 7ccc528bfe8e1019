import type { Schema, SchemaType } from "@threeport/resource";

/** JSONSchemaProps of apiextensions.k8s.io/v1: a schema for schemas. It contains itself, so documents refer to it by name. */
export function jsonSchemaProps(): Schema {
  const properties: Record<string, Schema> = {};
  const self: Schema = {
    type: "object",
    description: "A JSON schema of a field, with the extensions that Kubernetes knows.",
    "x-threeport-component": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps",
    properties,
  };
  const of = (type: SchemaType, description: string): Schema => ({ type, description });
  const json = (description: string): Schema => ({ description, "x-kubernetes-preserve-unknown-fields": true });
  const list = (items: Schema, description: string): Schema => ({ type: "array", items, description, "x-kubernetes-list-type": "atomic" });
  const map = (description: string): Schema => ({ type: "object", additionalProperties: self, description });
  const count = (description: string): Schema => ({ type: "integer", format: "int64", description });
  Object.assign(properties, {
    id: of("string", "Not allowed in a structural schema."),
    $schema: of("string", "Not allowed in a structural schema."),
    $ref: of("string", "Not allowed in a structural schema."),
    description: of("string", "What the field means; shown by kubectl explain."),
    type: of("string", "object, array, string, integer, number or boolean."),
    format: of("string", "Form of the value, for example date-time, int32, byte, ipv4, uuid. Formats that are not known are ignored."),
    title: of("string", "A short name."),
    default: json("Value that the field gets when it is left out."),
    maximum: of("number", "Largest number."),
    exclusiveMaximum: of("boolean", "The number must be less than `maximum`."),
    minimum: of("number", "Smallest number."),
    exclusiveMinimum: of("boolean", "The number must be more than `minimum`."),
    maxLength: count("Most characters of a text."),
    minLength: count("Fewest characters of a text."),
    pattern: of("string", "Regular expression (RE2) that a part of the text must match."),
    maxItems: count("Most elements of a list."),
    minItems: count("Fewest elements of a list."),
    uniqueItems: of("boolean", "Must not be true: use x-kubernetes-list-type set."),
    multipleOf: of("number", "The number must be a multiple of this."),
    enum: list(json("A value."), "The values that are allowed."),
    maxProperties: count("Most fields of an object."),
    minProperties: count("Fewest fields of an object."),
    required: list(of("string", "Name of a field."), "Fields that must be there."),
    items: { ...self, description: "Schema of each element of a list." },
    allOf: list(self, "The value must match all of these."),
    oneOf: list(self, "The value must match exactly one of these."),
    anyOf: list(self, "The value must match at least one of these."),
    not: self,
    properties: map("Schemas of the fields of an object."),
    // A schema, or a boolean: no structural type says this. Without a type both are taken, and of a schema the fields are known.
    additionalProperties: {
      description: "Schema of the values of a map.",
      "x-threeport-component": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool",
      properties,
    },
    patternProperties: map("Not allowed in a structural schema."),
    dependencies: json("Not allowed in a structural schema."),
    additionalItems: json("Not allowed in a structural schema."),
    definitions: map("Not allowed in a structural schema."),
    externalDocs: {
      type: "object",
      description: "Where more is written.",
      properties: { description: of("string", "What is there."), url: of("string", "Its address.") },
    },
    example: json("A value as it may be."),
    nullable: of("boolean", "The value may be null."),
    "x-kubernetes-preserve-unknown-fields": of("boolean", "Fields that the schema does not name are kept."),
    "x-kubernetes-embedded-resource": of("boolean", "The value is a whole object with apiVersion, kind and metadata."),
    "x-kubernetes-int-or-string": of("boolean", "The value is an integer or a text."),
    "x-kubernetes-list-map-keys": list(of("string", "Name of a field."), "Fields that tell the elements of a `map` list apart."),
    "x-kubernetes-list-type": of("string", "How a list merges: atomic, set or map."),
    "x-kubernetes-map-type": of("string", "How an object merges: granular or atomic."),
    "x-kubernetes-validations": {
      type: "array",
      description: "Rules in the Common Expression Language that the value must keep.",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["rule"],
      "x-kubernetes-patch-strategy": "merge",
      "x-kubernetes-patch-merge-key": "rule",
      items: {
        type: "object",
        description: "A rule.",
        required: ["rule"],
        properties: {
          rule: of("string", "CEL expression over `self` (and `oldSelf`) that must be true."),
          message: of("string", "What is said when it is not."),
          messageExpression: of("string", "CEL expression that makes the text of what is said."),
          reason: of("string", "FieldValueInvalid, FieldValueForbidden, FieldValueRequired or FieldValueDuplicate."),
          fieldPath: of("string", "Path, from here, of the field that is named when the rule fails."),
          optionalOldSelf: of("boolean", "The rule is looked at on creation too; oldSelf is an optional value."),
        },
      },
    },
  } satisfies Record<string, Schema>);
  return self;
}
