import { z } from "zod";
import { ageColumn, conditionReason, conditionStatus, defineKind, type ObjectWith } from "@threeport/resource";
import { conditionsSchema, validateObjects } from "@threeport/cluster";
import { group, version } from "./group.ts";

/** Leaves room in the 253 characters of a release's name for a dash and a number that no definition reaches. */
const definitionNameMax = 240;

const definitionFields = {
  spec: z
    .object({
      source: z
        .object({
          manifests: z
            .object({
              objects: z
                .array(z.record(z.string(), z.unknown()).meta({ "x-kubernetes-preserve-unknown-fields": true }))
                .describe("Kubernetes documents of any kind.")
                .meta({ "x-kubernetes-list-type": "atomic" }),
            })
            .optional()
            .describe("Plain Kubernetes manifests."),
        })
        .describe("What runs."),
    })
    .describe("What runs, wherever it is deployed."),
  status: z
    .object({
      observedGeneration: z.number().int().optional().describe("The generation that the status speaks of."),
      conditions: conditionsSchema,
      latestRelease: z.string().optional().describe("The Release of the newest generation."),
      instances: z.number().int().optional().describe("Deployments of this definition."),
    })
    .optional()
    .describe("State of the definition and of what follows it."),
};

export type WorkloadDefinition = ObjectWith<typeof definitionFields>;

export const workloadDefinitionKind = defineKind({
  group,
  version,
  kind: "WorkloadDefinition",
  plural: "workloaddefinitions",
  shortNames: ["wd"],
  categories: ["all", "threeport"],
  scope: "Namespaced",
  versionRequired: true,
  sensitive: true,
  documents: ["spec.source.manifests.objects"],
  description: "A workload: what runs. Ready when every instance that follows it runs this generation and is healthy.",
  fields: definitionFields,
  columns: [
    {
      name: "Ready",
      type: "string",
      description: "Whether all instances run this generation and are healthy.",
      value: (object) => conditionStatus(object, "Ready") ?? "Unknown",
    },
    { name: "Reason", type: "string", description: "Why.", value: (object) => conditionReason(object, "Ready") },
    { name: "Release", type: "string", description: "Newest release.", value: (object) => (object as WorkloadDefinition).status?.latestRelease },
    { name: "Instances", type: "integer", description: "Deployments of it.", value: (object) => (object as WorkloadDefinition).status?.instances ?? 0 },
    ageColumn,
  ],
  validate(object) {
    if (object.metadata.name.length > definitionNameMax)
      return [
        {
          field: "metadata.name",
          reason: "FieldValueTooLong",
          message: `Too long: at most ${definitionNameMax} characters, since its releases are named after it with a number behind`,
        },
      ];
    const { manifests } = (object as WorkloadDefinition).spec.source;
    if (manifests === undefined)
      return [{ field: "spec.source", reason: "FieldValueRequired", message: "Required value: say what runs, for example manifests: {objects: [...]}" }];
    if (manifests.objects.length === 0)
      return [{ field: "spec.source.manifests.objects", reason: "FieldValueRequired", message: "Required value: at least one object" }];
    return validateObjects(manifests.objects, "spec.source.manifests.objects");
  },
});
