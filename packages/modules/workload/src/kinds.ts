import { z } from "zod";
import { ageColumn, conditionReason, conditionStatus, defineKind, WaitsFor, type ErrorCause, type KubeObject, type ObjectWith } from "@threeport/resource";
import { allowSchema, conditionsSchema, validateObjects } from "@threeport/cluster";

const group = "threeport.io";
const version = "v1alpha1";

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
      resourceSet: z.string().optional().describe("The ResourceSet with its objects."),
      objects: z.string().optional().describe("Healthy objects of all."),
      replicas: z
        .number()
        .int()
        .optional()
        .describe("How often the scalable object was last asked to run; not there where the workload has none, or several.")
        .meta({ format: "int32" }),
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
    { path: "spec.environment", to: { group, resource: "environments" }, namespace: "cluster", waitsFor: WaitsFor.Existence | WaitsFor.Generation },
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
