import { z } from "zod";
import { ageColumn, conditionReason, conditionStatus, defineKind, WaitsFor, type ErrorCause, type ObjectWith } from "@threeport/resource";
import { allowSchema, conditionsSchema } from "@threeport/cluster";
import { group, version } from "./group.ts";
import { quotaCauses, quotaSchema } from "./quota-schema.ts";

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
      quota: quotaSchema.optional(),
      baseDomain: z
        .string()
        .max(180)
        .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/)
        .default("localhost")
        .describe("Host names of workloads end with it: `dev.example.com`. What ends with `localhost` is found on this machine alone."),
      https: z
        .enum(["Optional", "Required"])
        .default("Optional")
        .describe("Routes answer over HTTP and HTTPS; `Required` sends those who ask over HTTP to HTTPS."),
      variables: z
        .record(z.string(), z.string())
        .optional()
        .describe("Values that workloads read by name: a Score file with a resource of type `environment` named `env` writes `${resources.env.NAME}`."),
      registries: z
        .array(
          z.object({
            server: z
              .string()
              .describe("Host of the registry as image names have it, with its port where they have one: `ghcr.io`, `docker.io`, `registry.example.com:5000`."),
            secretRef: z
              .object({
                namespace: z.string().min(1).describe("Its namespace."),
                name: z.string().min(1).describe("Its name."),
              })
              .describe("A Secret with `username` and `password`, or one of type kubernetes.io/dockerconfigjson."),
          }),
        )
        .optional()
        .describe("Registries that images are pulled from with credentials. Each target namespace gets them, and each pod uses them.")
        .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["server"] }),
    })
    .describe("Where workloads run."),
  status: z
    .object({
      observedGeneration: z.number().int().optional().describe("The generation that the status speaks of."),
      conditions: conditionsSchema,
      outputs: z
        .object({
          registries: z
            .array(
              z.object({
                server: z.string().describe("Host of the registry."),
                secretVersion: z.string().describe("resourceVersion of the Secret that was read."),
              }),
            )
            .describe("Which credentials are in use.")
            .meta({ "x-kubernetes-list-type": "atomic" }),
        })
        .optional()
        .describe("What workloads take from it beside the spec; they are looked at again when it changes."),
    })
    .optional()
    .describe("State of the environment."),
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
    {
      path: "spec.runtime",
      to: { group, resource: "kubernetesruntimeinstances" },
      namespace: "cluster",
      waitsFor: WaitsFor.Existence | WaitsFor.Readiness,
      mustExist: true,
    },
    {
      path: "spec.registries[*].secretRef.name",
      to: { group: "", resource: "secrets" },
      namespace: { path: "namespace" },
      waitsFor: WaitsFor.Existence | WaitsFor.Outputs,
    },
  ],
  columns: [
    { name: "Runtime", type: "string", description: "Where it runs.", value: (object) => (object as Environment).spec.runtime },
    { name: "Tier", type: "string", description: "How careful to be.", value: (object) => (object as Environment).spec.tier },
    { name: "Ready", type: "string", description: "Whether workloads can be deployed.", value: (object) => conditionStatus(object, "Ready") ?? "Unknown" },
    { name: "Reason", type: "string", priority: 1, description: "Why.", value: (object) => conditionReason(object, "Ready") },
    ageColumn,
  ],
  validate(object) {
    const { registries = [], quota } = (object as Environment).spec;
    return [...registries.flatMap(({ server }, index) => serverCauses(server, `spec.registries[${index}].server`)), ...quotaCauses(quota)];
  },
});

/** A host with an optional port: as image names begin, which is how a container runtime finds its credentials. */
const serverForm = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[0-9]{1,5})?$/;

function serverCauses(server: string, field: string): ErrorCause[] {
  if (serverForm.test(server)) return [];
  const host = /^(?:[a-z]+:\/\/)?([^/]+)/i.exec(server)?.[1]?.toLowerCase() ?? "";
  return [
    {
      field,
      reason: "FieldValueInvalid",
      message: `Invalid value: ${JSON.stringify(server.slice(0, 100))}: must be a host as image names begin with, and a port where they have one${serverForm.test(host) ? `; write ${host}` : ", for example ghcr.io"}`,
    },
  ];
}
