import { z } from "zod";
import { conditionsSchema } from "@threeport/cluster";
import { group, version } from "@threeport/module-environment";
import { ageColumn, conditionReason, conditionStatus, defineKind, WaitsFor, type ErrorCause, type ObjectWith } from "@threeport/resource";

const instanceFields = {
  spec: z
    .object({
      service: z.string().min(1).describe("What it provides: `gateway`, `metrics`, …"),
      runtime: z.string().min(1).describe("The runtime that it is in."),
      definition: z.string().optional().describe("The SupportServiceDefinition that says how it is installed; bound once (§5.6)."),
      origin: z
        .enum(["Installed", "Found"])
        .optional()
        .describe("Whether we install it, or the cluster had one already, which is used and never touched; bound once."),
      found: z
        .object({
          namespace: z.string().optional().describe("Its namespace."),
          name: z.string().describe("Its name."),
        })
        .optional()
        .describe("The object that was found in the cluster."),
      keep: z.boolean().optional().describe("It stays when nobody uses it."),
    })
    .describe("One service in one runtime."),
  status: z
    .object({
      observedGeneration: z.number().int().optional().describe("The generation that the status speaks of."),
      conditions: conditionsSchema,
      version: z.string().optional().describe("What is installed."),
      users: z.array(z.string()).optional().describe("What uses it, as `namespace/name`.").meta({ "x-kubernetes-list-type": "atomic" }),
      unusedSince: z.string().optional().describe("When its last user left."),
      outputs: z
        .record(z.string(), z.unknown())
        .optional()
        .describe("What its users read of it.")
        .meta({ "x-kubernetes-preserve-unknown-fields": true, "x-kubernetes-map-type": "atomic" }),
      resourceSet: z.string().optional().describe("The ResourceSet with its objects."),
      rendered: z.string().optional().describe("A digest of what its objects were made from, and the generation of the set that has them."),
    })
    .optional()
    .describe("State of it."),
};

/** A service in one runtime, installed when first needed, shared by all who need it there, removed when nobody does. */
export type SupportServiceInstance = ObjectWith<typeof instanceFields>;

const bound = ["service", "runtime", "definition", "origin"] as const;

export const supportServiceInstanceKind = defineKind({
  group,
  version,
  kind: "SupportServiceInstance",
  plural: "supportserviceinstances",
  shortNames: ["ssi"],
  categories: ["threeport"],
  scope: "Cluster",
  versionRequired: true,
  refuseDeleteWhileReferenced: true,
  forOperations: true,
  description: "A service in one runtime that workloads need: installed when first needed, and shared.",
  fields: instanceFields,
  references: [
    {
      path: "spec.definition",
      to: { group, resource: "supportservicedefinitions" },
      namespace: "cluster",
      waitsFor: WaitsFor.Existence | WaitsFor.Generation,
    },
    {
      path: "spec.runtime",
      to: { group, resource: "kubernetesruntimeinstances" },
      namespace: "cluster",
      waitsFor: WaitsFor.Existence | WaitsFor.Readiness,
    },
  ],
  columns: [
    { name: "Ready", type: "string", description: "Whether it can be used.", value: (object) => conditionStatus(object, "Ready") ?? "Unknown" },
    { name: "Reason", type: "string", description: "Why.", value: (object) => conditionReason(object, "Ready") },
    { name: "Service", type: "string", description: "What it provides.", value: (object) => (object as SupportServiceInstance).spec.service },
    { name: "Runtime", type: "string", description: "Where.", value: (object) => (object as SupportServiceInstance).spec.runtime },
    { name: "Origin", type: "string", description: "Whether we installed it.", value: (object) => (object as SupportServiceInstance).spec.origin },
    { name: "Version", type: "string", description: "What is installed.", value: (object) => (object as SupportServiceInstance).status?.version },
    { name: "Users", type: "integer", description: "What uses it.", value: (object) => (object as SupportServiceInstance).status?.users?.length ?? 0 },
    ageColumn,
  ],
  validate(object, old) {
    const now = (object as SupportServiceInstance).spec;
    const before = (old as SupportServiceInstance | undefined)?.spec;
    const { name } = object.metadata;
    const wanted = supportInstanceName(now.service, now.runtime);
    const misnamed: ErrorCause[] =
      name === wanted
        ? []
        : [{ field: "metadata.name", reason: "FieldValueInvalid", message: `Invalid value: "${name}": must be ${wanted}: a runtime has one ${now.service}` }];
    if (before === undefined) return misnamed;
    return bound
      .filter((field) => before[field] !== undefined && before[field] !== now[field])
      .map((field): ErrorCause => ({
        field: `spec.${field}`,
        reason: "FieldValueForbidden",
        message: `Forbidden: ${field} is bound once; delete it when nobody uses it, and it is chosen anew`,
      }));
  },
});

/** A runtime has one of each service: whoever needs it finds it by this name. */
export function supportInstanceName(service: string, runtime: string): string {
  return `${service}.${runtime}`;
}
