import { group, version, requestsSchema } from "@threeport/module-environment";
import { z } from "zod";
import { ageColumn, conditionReason, conditionStatus, defineKind, WaitsFor, type ErrorCause, type KubeObject, type ObjectWith } from "@threeport/resource";
import { conditionsSchema } from "@threeport/cluster";

const instanceFields = {
  spec: z
    .object({
      definition: z.string().min(1).describe("Name of the WorkloadDefinition in the same namespace."),
      environment: z.string().min(1).describe("Name of the Environment."),
      release: z.string().default("latest").describe("`latest` follows the definition; the name of a Release pins it."),
      targetNamespace: z
        .string()
        .optional()
        .describe("Namespace in the cluster; `<project>-<environment>` unless said. A second instance of a definition in one environment needs its own."),
      replicas: z
        .number()
        .int()
        .min(0)
        .max(2_147_483_647)
        .optional()
        .describe("How often the one scalable object of the workload (Deployment, StatefulSet, …) runs here. Unset: as its document says.")
        .meta({ format: "int32" }),
      values: z
        .record(z.string(), z.unknown())
        .optional()
        .describe("What is different here. For a Score workload an overrides document: its mappings are merged into the workload's, everything else replaces.")
        .meta({ "x-kubernetes-preserve-unknown-fields": true, "x-kubernetes-map-type": "atomic" }),
      paused: z
        .boolean()
        .optional()
        .describe("While true, nothing new is brought to the cluster: what runs there goes on and is looked after, and a newer release waits."),
      restartedAt: z
        .string()
        .max(64)
        .optional()
        .describe("When somebody asked for new pods, as RFC 3339; a change of it replaces them, by the rules of a rolling update."),
      runtime: z.string().optional().describe("The runtime that was chosen; bound when the instance is first deployed."),
      progressDeadlineSeconds: z.number().int().min(1).default(600).describe("How long it may take to become healthy, in seconds."),
    })
    .describe("One deployment."),
  status: z
    .object({
      observedGeneration: z.number().int().optional().describe("The generation that the status speaks of."),
      conditions: conditionsSchema,
      release: z.string().optional().describe("The Release that was applied."),
      targetNamespace: z.string().optional().describe("Namespace in the cluster."),
      uses: z
        .array(z.string())
        .optional()
        .describe("WorkloadDefinitions whose names and ports it reads; it is looked at again when they change.")
        .meta({ "x-kubernetes-list-type": "atomic" }),
      claims: z.array(z.string()).optional().describe("DependencyClaims of its resources.").meta({ "x-kubernetes-list-type": "atomic" }),
      resourceSet: z.string().optional().describe("The ResourceSet with its objects."),
      objects: z.string().optional().describe("Healthy objects of all."),
      replicas: z
        .number()
        .int()
        .optional()
        .describe("How often the scalable object was last asked to run; not there where the workload has none, or several.")
        .meta({ format: "int32" }),
      requests: requestsSchema.optional().describe("What its pods ask for together; quotas of the environment count it."),
      requestsAsked: requestsSchema.optional().describe("What it is about to ask for, until the quota has been looked at."),
      needsAsked: z.array(z.string()).optional().describe("What it is about to claim, until its claims are made.").meta({ "x-kubernetes-list-type": "atomic" }),
      worst: z
        .array(z.record(z.string(), z.unknown()).meta({ "x-kubernetes-preserve-unknown-fields": true }))
        .optional()
        .describe("The worst few objects, with the reason.")
        .meta({ "x-kubernetes-list-type": "atomic" }),
    })
    .optional()
    .describe("State of the deployment."),
};

export type WorkloadInstance = ObjectWith<typeof instanceFields>;

export const workloadInstanceKind = defineKind({
  group,
  version,
  kind: "WorkloadInstance",
  plural: "workloadinstances",
  shortNames: ["wi"],
  categories: ["all", "threeport"],
  scope: "Namespaced",
  versionRequired: true,
  description: "One deployment of a workload into one environment.",
  fields: instanceFields,
  scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.replicas" },
  references: [
    {
      path: "spec.definition",
      to: { group, resource: "workloaddefinitions" },
      namespace: "same",
      waitsFor: WaitsFor.Existence | WaitsFor.Generation | WaitsFor.Readiness,
      wakesTarget: true,
    },
    {
      path: "spec.environment",
      to: { group, resource: "environments" },
      namespace: "cluster",
      waitsFor: WaitsFor.Existence | WaitsFor.Generation | WaitsFor.Outputs,
    },
    {
      path: "status.uses[*]",
      to: { group, resource: "workloaddefinitions" },
      namespace: "same",
      waitsFor: WaitsFor.Existence | WaitsFor.Generation | WaitsFor.Readiness,
    },
    { path: "spec.runtime", to: { group, resource: "kubernetesruntimeinstances" }, namespace: "cluster", waitsFor: WaitsFor.Existence },
  ],
  columns: [
    {
      name: "Ready",
      type: "string",
      description: "Whether it runs as asked and is healthy.",
      value: (object) => conditionStatus(object, "Ready") ?? "Unknown",
    },
    { name: "Reason", type: "string", description: "Why.", value: (object) => conditionReason(object, "Ready") },
    { name: "Environment", type: "string", description: "Where.", value: (object) => (object as WorkloadInstance).spec.environment },
    { name: "Release", type: "string", description: "What.", value: (object) => (object as WorkloadInstance).status?.release },
    { name: "Objects", type: "string", description: "Healthy objects of all.", value: (object) => (object as WorkloadInstance).status?.objects },
    { name: "Message", type: "string", priority: 1, description: "What is wrong and what to do.", value: (object) => messageOf(object) },
    ageColumn,
  ],
  normalize(object, old) {
    // §5.6: a manifest that does not name the runtime does not unbind it.
    const { spec } = object as WorkloadInstance;
    const bound = (old as WorkloadInstance | undefined)?.spec.runtime;
    if (typeof spec === "object" && spec !== null && bound !== undefined) spec.runtime ??= bound;
  },
  validate(object, old) {
    const now = (object as WorkloadInstance).spec;
    const before = (old as WorkloadInstance | undefined)?.spec;
    if (before === undefined) return [];
    return (["definition", "environment", "targetNamespace", "runtime"] as const)
      .filter((field) => before[field] !== now[field] && !(field === "runtime" && before.runtime === undefined))
      .map((field): ErrorCause => ({
        field: `spec.${field}`,
        reason: "FieldValueForbidden",
        message: `Forbidden: ${field} of an instance cannot change, since it decides where its objects are; create another instance and delete this one`,
      }));
  },
});

function messageOf(object: KubeObject): string | undefined {
  return (object as WorkloadInstance).status?.conditions?.find((condition) => condition.type === "Ready")?.message;
}
