import { z } from "zod";
import { conditionsSchema } from "@threeport/cluster";
import { group, version } from "@threeport/module-environment";
import { ageColumn, conditionReason, conditionStatus, defineKind, WaitsFor, type ErrorCause, type ObjectWith } from "@threeport/resource";
import { needFields, outputsSchema } from "./fields.ts";

const dependencyFields = {
  spec: z
    .object({
      ...needFields,
      paramsFrom: z.string().optional().describe("The DependencyClaim whose params these are."),
      profile: z.string().optional().describe("The DependencyProfile that meets it; bound once (§5.6)."),
      runtime: z.string().optional().describe("The runtime that it is made on; bound once."),
    })
    .describe("What is provided."),
  status: z
    .object({
      observedGeneration: z.number().int().optional().describe("The generation that the status speaks of."),
      conditions: conditionsSchema,
      candidates: z
        .array(
          z.object({
            profile: z.string().describe("Its name."),
            chosen: z.boolean().describe("Whether it was taken."),
            reason: z.string().describe("Why, or why not."),
          }),
        )
        .optional()
        .describe("Profiles of the type and class that there were when one was chosen.")
        .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["profile"] }),
      users: z.array(z.string()).optional().describe("DependencyClaims that use it.").meta({ "x-kubernetes-list-type": "atomic" }),
      unusedSince: z.string().optional().describe("When its last user left."),
      outputs: outputsSchema.optional(),
      sourceSecret: z.string().optional().describe("The Secret of the project that its outputs are; it is looked at again when that changes."),
      resourceSet: z.string().optional().describe("The ResourceSet with its objects."),
      services: z
        .array(
          z.object({
            instance: z.string().describe("The SupportServiceInstance."),
            values: z
              .record(z.string(), z.unknown())
              .optional()
              .describe("What it is told.")
              .meta({ "x-kubernetes-preserve-unknown-fields": true, "x-kubernetes-map-type": "atomic" }),
          }),
        )
        .optional()
        .describe("Support services that it uses.")
        .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["instance"] }),
      required: z.array(z.string()).optional().describe("Its own DependencyClaims.").meta({ "x-kubernetes-list-type": "atomic" }),
    })
    .optional()
    .describe("State of it."),
};

/** The thing that is provided; whoever claims the same type, class and id in a project and environment shares it. */
export type Dependency = ObjectWith<typeof dependencyFields>;

/** A binding is made once. */
const bound = ["environment", "type", "class", "id", "targetNamespace", "profile", "runtime"] as const;

export const dependencyKind = defineKind({
  group,
  version,
  kind: "Dependency",
  plural: "dependencies",
  shortNames: ["dep", "deps"],
  categories: ["all", "threeport"],
  scope: "Namespaced",
  versionRequired: true,
  forOperations: true, // written for claims by their reconciler
  refuseDeleteWhileReferenced: true,
  description: "Something that workloads depend on, provided by a profile.",
  fields: dependencyFields,
  references: [
    { path: "spec.environment", to: { group, resource: "environments" }, namespace: "cluster", waitsFor: WaitsFor.Existence | WaitsFor.Generation },
    { path: "spec.profile", to: { group, resource: "dependencyprofiles" }, namespace: "cluster", waitsFor: WaitsFor.Existence | WaitsFor.Generation },
    {
      path: "spec.runtime",
      to: { group, resource: "kubernetesruntimeinstances" },
      namespace: "cluster",
      waitsFor: WaitsFor.Existence | WaitsFor.Outputs,
    },
    {
      path: "status.services[*].instance",
      to: { group, resource: "supportserviceinstances" },
      namespace: "cluster",
      waitsFor: WaitsFor.Existence | WaitsFor.Readiness | WaitsFor.Outputs,
      wakesTarget: true,
    },
    // Who may read it was held to that when the workload was written.
    {
      path: "status.sourceSecret",
      to: { group: "", resource: "secrets" },
      namespace: "same",
      waitsFor: WaitsFor.Existence | WaitsFor.Outputs,
      authority: "none",
    },
  ],
  columns: [
    { name: "Ready", type: "string", description: "Whether it can be used.", value: (object) => conditionStatus(object, "Ready") ?? "Unknown" },
    { name: "Reason", type: "string", description: "Why.", value: (object) => conditionReason(object, "Ready") },
    { name: "Type", type: "string", description: "What it is.", value: (object) => (object as Dependency).spec.type },
    { name: "Environment", type: "string", description: "Where.", value: (object) => (object as Dependency).spec.environment },
    { name: "Profile", type: "string", description: "How it is met.", value: (object) => (object as Dependency).spec.profile },
    { name: "Users", type: "integer", description: "Claims that use it.", value: (object) => (object as Dependency).status?.users?.length ?? 0 },
    ageColumn,
  ],
  validate(object, old) {
    const now = (object as Dependency).spec;
    const before = (old as Dependency | undefined)?.spec;
    if (before === undefined) return [];
    return bound
      .filter((field) => before[field] !== undefined && before[field] !== now[field])
      .map((field): ErrorCause => ({
        field: `spec.${field}`,
        reason: "FieldValueForbidden",
        message: `Forbidden: ${field} of a dependency is bound once, since what it holds is made from it; delete it when nobody uses it, and claim another`,
      }));
  },
});
