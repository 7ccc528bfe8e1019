import { expect, test } from "vitest";
import { discoveredKinds, openApiSchemas, withoutProse } from "./kubernetes-kinds.ts";

const gvk = [{ group: "apps", version: "v1", kind: "Thing" }];
const document = {
  components: {
    schemas: {
      "a.Thing": {
        type: "object",
        description: "long",
        "x-kubernetes-group-version-kind": gvk,
        properties: { spec: { allOf: [{ $ref: "#/components/schemas/a.Spec" }], default: {} } },
      },
      "a.Spec": { type: "object", properties: { port: { oneOf: [{ type: "integer" }, { type: "string" }], description: "x", format: "int-or-string" } } },
      "a.Unused": { type: "object" },
    },
  },
};
const list = {
  resources: [
    { name: "things", singularName: "thing", namespaced: true, kind: "Thing", verbs: ["get", "watch"], shortNames: ["th"] },
    { name: "things/status", singularName: "", namespaced: true, kind: "Thing", verbs: ["get"] },
    { name: "reviews", singularName: "review", namespaced: true, kind: "Review", verbs: ["create"] },
  ],
};

test("kinds that are stored are taken, with what discovery says of their parts; what is only answered is not", () => {
  const kinds = discoveredKinds("apps/v1", list, document);
  expect(kinds).toEqual([
    {
      group: "apps",
      version: "v1",
      kind: "Thing",
      plural: "things",
      singular: "thing",
      namespaced: true,
      shortNames: ["th"],
      categories: [],
      status: true,
      scale: false,
      schema: "a.Thing",
    },
  ]);
  expect([...openApiSchemas(document, kinds).keys()]).toEqual(["a.Thing", "a.Spec"]);
});

test("a schema loses its prose and keeps what decides: names of others, defaults that are empty too, and what may be a number or a text", () => {
  expect(withoutProse(document.components.schemas["a.Thing"])).toEqual({ type: "object", properties: { spec: { $ref: "a.Spec", default: {} } } });
  expect(withoutProse(document.components.schemas["a.Spec"])).toEqual({
    type: "object",
    properties: { port: { format: "int-or-string", "x-kubernetes-int-or-string": true } },
  });
});
