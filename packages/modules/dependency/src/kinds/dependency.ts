import { z } from "zod";
import { conditionsSchema } from "@threeport/cluster";
import { group, version } from "@threeport/module-environment";
import { ageColumn, conditionReason, conditionStatus, defineKind, WaitsFor, type ErrorCause, type ObjectWith } from "@threeport/resource";
import { candidatesSchema, needFields, outputsSchema } from "./fields.ts";

const dependencyFields = {
  spec: z
    .object({
      ...needFields,
      paramsFrom: z.string().optional().describe("The DependencyClaim whose params these are."),
      profile: z.string().optional().describe("The DependencyProfile that meets it; bound once (§5.6)."),
      runtime: z.string().optional().describe("The runtime that it is made on; bound once."),
      rotations: z
        .record(z.string(), z.number().int().min(0).max(1_000_000))
        .optional()
        .describe(
          "How often each generated value was asked to be made anew; a higher number makes another value. Only those that its profile calls rotatable.",
        ),
      rematchTo: z
        .string()
        .optional()
        .describe("The DependencyProfile that is to meet it from now on. What the present one made is removed first; then this becomes `profile`, and goes."),
      updateTo: z.number().int().min(1).optional().describe("A generation of its profile that it is to take, whatever the profile's `updatePolicy` says."),
    })
    .describe("What is provided."),
  status: z
    .object({
      observedGeneration: z.number().int().optional().describe("The generation that the status speaks of."),
      conditions: conditionsSchema,
      candidates: candidatesSchema.optional().describe("Profiles of the type and class that there were when one was chosen."),
      users: z.array(z.string()).optional().describe("DependencyClaims that use it.").meta({ "x-kubernetes-list-type": "atomic" }),
      taken: z
        .object({
          profile: z.string().describe("Its profile when it was taken."),
          generation: z.number().int().describe("Generation of the profile."),
          content: z.string().describe("Digest of the profile's spec as it was then."),
        })
        .optional()
        .describe("The profile as it was taken: what is made is made from this."),
      update: z
        .object({
          generation: z.number().int().describe("Generation of the profile that waits."),
          policy: z.enum(["Automatic", "OnDeploy", "Never"]).describe("The profile's `updatePolicy`."),
          deployments: z
            .record(z.string(), z.string())
            .optional()
            .describe("Deployments of its users when it was noticed, by their claims; another one takes it."),
        })
        .optional()
        .describe("Set while a newer generation of its profile is not taken."),
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

/** While what was made for it is there. */
export const dependencyFinalizer = "threeport.io/dependency";

/** A binding is made once. */
const bound = ["environment", "type", "class", "id", "targetNamespace", "profile", "runtime"] as const;

type Spec = Dependency["spec"];

/** Another profile only after it was asked for by a write of its own (§5.6). */
function boundCauses(before: Spec, now: Spec): ErrorCause[] {
  return bound
    .filter((field) => before[field] !== undefined && before[field] !== now[field] && !(field === "profile" && before.rematchTo === now.profile))
    .map((field): ErrorCause => ({
      field: `spec.${field}`,
      reason: "FieldValueForbidden",
      message: `Forbidden: ${field} of a dependency is bound once, since what it holds is made from it; ${field === "profile" ? "tptctl dependency rematch chooses another one" : "delete it when nobody uses it, and claim another"}`,
    }));
}

/** A number that shrinks would be taken for one that was there before: nothing would be made. Another profile begins anew. */
function rotationCauses(before: Spec, now: Spec): ErrorCause[] {
  if (before.profile !== now.profile) return [];
  return Object.entries(before.rotations ?? {})
    .filter(([name, count]) => (now.rotations?.[name] ?? 0) < count)
    .map(([name, count]) => ({ field: `spec.rotations.${name}`, reason: "FieldValueForbidden", message: `Forbidden: it is ${count}, and can only grow` }));
}

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
    { path: "status.taken.content", to: { group: "", resource: "$blob" }, namespace: "cluster", waitsFor: 0 },
    { path: "spec.rematchTo", to: { group, resource: "dependencyprofiles" }, namespace: "cluster", waitsFor: WaitsFor.Existence },
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
    {
      name: "Update",
      type: "string",
      description: "Generation of the profile that waits.",
      value: (object) => {
        const { update } = (object as Dependency).status ?? {};
        return update === undefined ? undefined : `${(object as Dependency).status?.taken?.generation ?? 0} → ${update.generation} (${update.policy})`;
      },
    },
    { name: "Users", type: "integer", description: "Claims that use it.", value: (object) => (object as Dependency).status?.users?.length ?? 0 },
    ageColumn,
  ],
  validate(object, old) {
    const now = (object as Dependency).spec;
    const before = (old as Dependency | undefined)?.spec;
    return before === undefined ? [] : [...boundCauses(before, now), ...rotationCauses(before, now)];
  },
});
