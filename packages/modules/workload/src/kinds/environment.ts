import { z } from "zod";
import { ageColumn, defineKind, WaitsFor, type ObjectWith } from "@threeport/resource";
import { allowSchema } from "@threeport/cluster";
import { group, version } from "./group.ts";

const environmentFields = {
  spec: z
    .object({
      runtime: z.string().min(1).describe("Name of the KubernetesRuntimeInstance that workloads of this environment run on."),
      tier: z.enum(["development", "staging", "production"]).default("development").describe("How careful to be."),
      allow: allowSchema
        .optional()
        .describe(
          "What workloads of this environment may do in the cluster beyond their own namespaces; nothing unless said. It has the weight of the runtime's own rights.",
        ),
    })
    .describe("Where workloads run."),
};

export type Environment = ObjectWith<typeof environmentFields>;

export const environmentKind = defineKind({
  group,
  version,
  kind: "Environment",
  plural: "environments",
  shortNames: ["env"],
  categories: ["threeport"],
  scope: "Cluster",
  nameRule: "label",
  versionRequired: true,
  refuseDeleteWhileReferenced: true,
  description: "A place for deployments: development, production, …",
  fields: environmentFields,
  references: [
    { path: "spec.runtime", to: { group, resource: "kubernetesruntimeinstances" }, namespace: "cluster", waitsFor: WaitsFor.Existence, mustExist: true },
  ],
  columns: [
    { name: "Runtime", type: "string", description: "Where it runs.", value: (object) => (object as Environment).spec.runtime },
    { name: "Tier", type: "string", description: "How careful to be.", value: (object) => (object as Environment).spec.tier },
    ageColumn,
  ],
});
