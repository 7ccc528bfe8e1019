import { group, version } from "@threeport/module-environment";
import { z } from "zod";
import { ageColumn, conditionReason, conditionStatus, defineKind, type ErrorCause, type KubeObject, type ObjectWith } from "@threeport/resource";
import { conditionsSchema, validateObjects } from "@threeport/cluster";
import { checkScore } from "@threeport/score";
import { apiVersionsSchema, chartCauses, chartSchema } from "@threeport/module-helm";
import { chartDependencyCauses } from "../chart-dependencies.ts";
import { dependencyCauses } from "../manifest-dependencies.ts";

/** Leaves room in the 253 characters of a release's name for a dash and a number that no definition reaches. */
const definitionNameMax = 240;

const dependenciesSchema = z
  .array(
    z.object({
      name: z
        .string()
        .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])$/)
        .describe("Its name, and that of the Secret beside the workload that holds its outputs."),
      type: z.string().min(2).max(63).describe("What is needed: `postgres`, `redis`, …"),
      class: z.string().optional().describe("Which sort of it; `default` unless said."),
      id: z.string().optional().describe("Those that name the same one share it; the workload's own unless said."),
      params: z
        .record(z.string(), z.unknown())
        .optional()
        .describe("What its type wants to know; texts may read others by `${resources.NAME.OUTPUT}`.")
        .meta({ "x-kubernetes-preserve-unknown-fields": true }),
    }),
  )
  .optional()
  .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] });

/** What runs: in a definition, and where somebody asks what would become of it. */
export const sourceSchema = z
  .object({
    manifests: z
      .object({
        objects: z
          .array(z.record(z.string(), z.unknown()).meta({ "x-kubernetes-preserve-unknown-fields": true }))
          .describe("Kubernetes documents of any kind.")
          .meta({ "x-kubernetes-list-type": "atomic" }),
        dependencies: dependenciesSchema.describe(
          "What the manifests depend on. Pods read the outputs from a Secret of the dependency's name, and start when all are there.",
        ),
      })
      .optional()
      .describe("Plain Kubernetes manifests."),
    score: z
      .object({
        document: z
          .record(z.string(), z.unknown())
          .describe("The document, with the content of files that stood beside it. `image: .` waits for an image.")
          .meta({ "x-kubernetes-preserve-unknown-fields": true, "x-kubernetes-map-type": "atomic" }),
      })
      .optional()
      .describe("A Score document, score.dev/v1b1. Its metadata.name is the name of the definition."),
    helm: z
      .object({
        chart: chartSchema,
        values: z
          .record(z.string(), z.unknown())
          .optional()
          .describe("Values of the chart. Texts may read outputs of dependencies by `${resources.NAME.OUTPUT}`; any other text stays as it is.")
          .meta({ "x-kubernetes-preserve-unknown-fields": true, "x-kubernetes-map-type": "atomic" }),
        apiVersions: apiVersionsSchema,
        dependencies: dependenciesSchema.describe(
          "What the chart depends on. Its pods may read the outputs from a Secret of the dependency's name; values may read them too.",
        ),
      })
      .optional()
      .describe("A Helm chart. Its release is called as the definition is."),
  })
  .describe("What runs: one of manifests, score and helm.");

const definitionFields = {
  spec: z
    .object({
      source: sourceSchema,
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
    return sourceCauses((object as WorkloadDefinition).spec.source, object.metadata.name);
  },
});

/** What is wrong with a source, below the field `spec.source`. */
export function sourceCauses({ manifests, score, helm }: z.output<typeof sourceSchema>, name: string): readonly ErrorCause[] {
  const field = "spec.source";
  const given = Object.entries({ manifests, score, helm }).filter(([, value]) => value !== undefined);
  if (given.length !== 1) {
    const message =
      given.length === 0
        ? "Required value: say what runs: manifests: {objects: [...]}, score: {document: {...}}, or helm: {chart: {...}}"
        : `Forbidden: ${given.map(([key]) => key).join(" and ")} exclude each other; one definition is one workload`;
    return [{ field, reason: given.length === 0 ? "FieldValueRequired" : "FieldValueForbidden", message }];
  }
  if (score !== undefined) return scoreCauses(score.document, name);
  if (helm !== undefined) return [...chartCauses(helm.chart, `${field}.helm.chart`), ...chartDependencyCauses(helm, { name, field: `${field}.helm` })];
  if (manifests === undefined || manifests.objects.length === 0)
    return [{ field: `${field}.manifests.objects`, reason: "FieldValueRequired", message: "Required value: at least one object" }];
  const source = { objects: manifests.objects as unknown as KubeObject[], dependencies: manifests.dependencies ?? [] };
  return [...validateObjects(manifests.objects, `${field}.manifests.objects`), ...dependencyCauses(source, { name, field: `${field}.manifests.dependencies` })];
}

const documentField = "spec.source.score.document";

function scoreCauses(document: unknown, name: string): ErrorCause[] {
  const checked = checkScore(document);
  if ("causes" in checked) return checked.causes.map((cause) => ({ ...cause, field: belowDocument(cause.field ?? "") }));
  const own = checked.document.metadata.name;
  if (own === name) return [];
  return [
    {
      field: `${documentField}.metadata.name`,
      reason: "FieldValueInvalid",
      message: `Invalid value: ${JSON.stringify(own)}: must be the name of the definition, ${name}`,
    },
  ];
}

function belowDocument(field: string): string {
  return field === "" || field.startsWith("[") ? `${documentField}${field}` : `${documentField}.${field}`;
}
