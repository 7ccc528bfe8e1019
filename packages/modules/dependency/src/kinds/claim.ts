import { z } from "zod";
import { conditionsSchema } from "@threeport/cluster";
import { group, version } from "@threeport/module-environment";
import { ageColumn, conditionReason, conditionStatus, defineKind, WaitsFor, type ErrorCause, type ObjectWith } from "@threeport/resource";
import { needFields, outputsSchema } from "./fields.ts";

const claimFields = {
  spec: z
    .object({
      ...needFields,
      workload: z.string().optional().describe("The WorkloadInstance that needs it."),
      requiredBy: z.string().optional().describe("The Dependency that needs it."),
      resource: z.string().min(1).describe("Name of the need in whoever has it."),
      dependency: z.string().optional().describe("The Dependency that meets it; bound when the claim is first looked at."),
    })
    .describe("One need."),
  status: z
    .object({
      observedGeneration: z.number().int().optional().describe("The generation that the status speaks of."),
      conditions: conditionsSchema,
      outputs: outputsSchema.optional(),
      conflictsWith: z.string().optional().describe("Another DependencyClaim, which gives other params."),
    })
    .optional()
    .describe("Whether it is met."),
};

/** One need of a deployment, or of another dependency; bound to the dependency that meets it. */
export type DependencyClaim = ObjectWith<typeof claimFields>;

const fixed = ["environment", "type", "class", "id", "targetNamespace", "workload", "requiredBy", "resource", "dependency"] as const;

export const dependencyClaimKind = defineKind({
  group,
  version,
  kind: "DependencyClaim",
  plural: "dependencyclaims",
  shortNames: ["claim", "claims"],
  categories: ["threeport"],
  scope: "Namespaced",
  versionRequired: true,
  forOperations: true, // written for workloads by their reconcilers
  description: "One need of a deployment, bound to the dependency that meets it.",
  fields: claimFields,
  references: [
    { path: "spec.workload", to: { group, resource: "workloadinstances" }, namespace: "same", waitsFor: 0 },
    { path: "spec.environment", to: { group, resource: "environments" }, namespace: "cluster", waitsFor: WaitsFor.Existence },
    {
      path: "spec.dependency",
      to: { group, resource: "dependencies" },
      namespace: "same",
      waitsFor: WaitsFor.Existence | WaitsFor.Readiness | WaitsFor.Outputs,
      wakesTarget: true,
    },
    {
      path: "status.conflictsWith",
      to: { group, resource: "dependencyclaims" },
      namespace: "same",
      waitsFor: WaitsFor.Existence | WaitsFor.Generation,
    },
  ],
  columns: [
    { name: "Ready", type: "string", description: "Whether it is met.", value: (object) => conditionStatus(object, "Ready") ?? "Unknown" },
    { name: "Reason", type: "string", description: "Why.", value: (object) => conditionReason(object, "Ready") },
    { name: "Type", type: "string", description: "What is needed.", value: (object) => (object as DependencyClaim).spec.type },
    { name: "Dependency", type: "string", description: "What meets it.", value: (object) => (object as DependencyClaim).spec.dependency },
    ageColumn,
  ],
  validate(object, old) {
    const { spec } = object as DependencyClaim;
    const before = (old as DependencyClaim | undefined)?.spec;
    if ((spec.workload === undefined) === (spec.requiredBy === undefined))
      return [{ field: "spec", reason: "FieldValueInvalid", message: "say who needs it: one of workload and requiredBy" }];
    if (before === undefined) return [];
    return fixed
      .filter((field) => before[field] !== undefined && before[field] !== spec[field])
      .map((field): ErrorCause => ({
        field: `spec.${field}`,
        reason: "FieldValueForbidden",
        message: `Forbidden: ${field} of a claim cannot change; delete it, and claim another`,
      }));
  },
});
