import { expect, test } from "vitest";
import { openApiV2Part } from "./v2.ts";

const convert = (schema: object): object => {
  const { definitions } = openApiV2Part({ paths: {}, components: { schemas: { x: schema } } });
  return definitions["x"] ?? {};
};

const cases: { because: string; v3: object; v2: object }[] = [
  {
    because: "Swagger has no siblings of $ref but description",
    v3: { description: "d", default: {}, allOf: [{ $ref: "#/components/schemas/y" }] },
    v2: { description: "d", $ref: "#/definitions/y" },
  },
  {
    because: "kubectl knows this format",
    v3: { "x-kubernetes-int-or-string": true, anyOf: [{ type: "integer" }, { type: "string" }] },
    v2: { "x-kubernetes-int-or-string": true, type: "string", format: "int-or-string" },
  },
  {
    because: "Swagger has no null, and kubectl would refuse one where there is a type",
    v3: { type: "string", nullable: true, description: "d" },
    v2: { description: "d" },
  },
  {
    because: "kubectl would refuse fields that the server keeps",
    v3: { type: "object", "x-kubernetes-preserve-unknown-fields": true, properties: { a: { type: "string" } } },
    v2: { "x-kubernetes-preserve-unknown-fields": true },
  },
  {
    because: "what is inside is converted too",
    v3: { type: "array", items: { type: "object", additionalProperties: { $ref: "#/components/schemas/y" }, properties: { a: { not: {}, type: "string" } } } },
    v2: { type: "array", items: { type: "object", additionalProperties: { $ref: "#/definitions/y" }, properties: { a: { type: "string" } } } },
  },
  {
    because: "a map of anything stays one",
    v3: { type: "object", additionalProperties: true },
    v2: { type: "object", additionalProperties: true },
  },
];
test.each(cases)("a schema of v3 becomes one of v2: $because", ({ v3, v2 }) => {
  expect(convert(v3)).toEqual(v2);
});
