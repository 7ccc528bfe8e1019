import { group, version } from "@threeport/module-environment";
import { z } from "zod";
import { ageColumn, defineKind, type ObjectWith } from "@threeport/resource";

const releaseFields = {
  spec: z
    .object({
      definition: z.string().describe("Name of the WorkloadDefinition."),
      number: z.number().int().min(1).describe("Counts the releases of the definition."),
      definitionGeneration: z.number().int().describe("Generation of the definition that this is."),
      content: z.string().describe("Digest of the definition's documents."),
      values: z.array(z.string()).optional().describe("Digests of the secret values that the documents need.").meta({ "x-kubernetes-list-type": "atomic" }),
      images: z
        .array(z.object({ container: z.string().describe("Which container: kind/name/container."), image: z.string().describe("Its image.") }))
        .describe("The image of each container.")
        .meta({ "x-kubernetes-list-type": "atomic" }),
    })
    .describe("What was released; cannot change."),
};

export type Release = ObjectWith<typeof releaseFields>;

export const releaseKind = defineKind({
  group,
  version,
  kind: "Release",
  plural: "releases",
  shortNames: ["rel"],
  categories: ["all", "threeport"],
  scope: "Namespaced",
  versionRequired: true,
  description: "One generation of a workload, for ever as it was.",
  fields: releaseFields,
  references: [
    { path: "spec.definition", to: { group, resource: "workloaddefinitions" }, namespace: "same", waitsFor: 0 },
    { path: "spec.content", to: { group: "", resource: "$blob" }, namespace: "cluster", waitsFor: 0 },
    { path: "spec.values[*]", to: { group: "", resource: "$blob" }, namespace: "cluster", waitsFor: 0 },
  ],
  columns: [
    { name: "Definition", type: "string", description: "The workload.", value: (object) => (object as Release).spec.definition },
    { name: "Generation", type: "integer", description: "Generation of the definition.", value: (object) => (object as Release).spec.definitionGeneration },
    {
      name: "Images",
      type: "string",
      description: "Images of the containers.",
      value: (object) => [...new Set((object as Release).spec.images.map((entry) => entry.image))].join(","),
    },
    ageColumn,
  ],
  validate: (object, old) =>
    old !== undefined && JSON.stringify(object["spec"]) !== JSON.stringify(old["spec"])
      ? [{ field: "spec", reason: "FieldValueForbidden", message: "Forbidden: a release cannot change; change the definition, which makes a new one" }]
      : [],
});
