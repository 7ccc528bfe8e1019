// Fields of an Environment, as its users write and read them.
import { z } from "zod";
import { allowSchema, conditionsSchema } from "@threeport/cluster";
import { quotaSchema } from "./quota-schema.ts";

const domain = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*)?$/;
const typeNames = z.array(z.string().min(2).max(63)).optional();
const amounts = z.object({
  cpu: z.string().optional().describe("Cores: `250m`, `1`."),
  memory: z.string().optional().describe("Memory: `128Mi`."),
});

const registrySchema = z.object({
  server: z
    .string()
    .describe("Host of the registry as image names have it, with its port where they have one: `ghcr.io`, `docker.io`, `registry.example.com:5000`."),
  secretRef: z
    .object({
      namespace: z.string().min(1).describe("Its namespace."),
      name: z.string().min(1).describe("Its name."),
    })
    .describe("A Secret with `username` and `password`, or one of type kubernetes.io/dockerconfigjson."),
});

const specSchema = z
  .object({
    runtime: z
      .string()
      .default("")
      .describe(
        "Name of the KubernetesRuntimeInstance that workloads of this environment run on. Chosen once where `runtimeSelector` or `cloneOf` stands instead.",
      ),
    runtimeSelector: z
      .object({
        matchLabels: z.record(z.string(), z.string()).describe("Labels that the runtime must have."),
      })
      .optional()
      .describe(
        "In place of a name: the Ready runtime with these labels that has the fewest environments, then the first by name. Chosen once, into `runtime`.",
      ),
    cloneOf: z
      .object({
        environment: z.string().min(1).describe("Name of the Environment that is cloned."),
        generation: z.number().int().optional().describe("The generation of it that was taken; written by the control plane, once."),
      })
      .optional()
      .describe(
        "Takes what another environment says and what `project` has deployed there, once, when this one is made; later changes of the other one move nothing. Needs the verb `clone` on it. No data is shared.",
      ),
    project: z.string().min(1).max(63).optional().describe("The only project that may deploy here; every project unless said. Cannot change."),
    tier: z.enum(["development", "staging", "production"]).default("development").describe("How careful to be."),
    ttl: z
      .string()
      .optional()
      .describe(
        "How long the environment lives: `90m`, `4h`, `7d`. Counted from when it was set; when it is over, all that is in it goes, and then it goes itself.",
      ),
    extendedAt: z.string().max(64).optional().describe("When somebody extended it, as RFC 3339; a change of it lets `ttl` count from now again."),
    allow: allowSchema
      .optional()
      .describe(
        "What workloads of this environment may do in the cluster beyond their own namespaces; nothing unless said. It has the weight of the runtime's own rights.",
      ),
    quota: quotaSchema.optional(),
    dependencies: z
      .object({
        allowedTypes: typeNames.describe("The only types; all unless said.").meta({ "x-kubernetes-list-type": "set" }),
        deniedTypes: typeNames.describe("Types that are not allowed.").meta({ "x-kubernetes-list-type": "set" }),
      })
      .optional()
      .describe("Which types of dependencies workloads may ask for here. What these require themselves is not asked."),
    defaults: z
      .object({
        replicas: z.number().int().min(0).max(2_147_483_647).optional().describe("How often a workload runs.").meta({ format: "int32" }),
        resources: z
          .object({
            requests: amounts.optional().describe("What a container is promised."),
            limits: amounts.optional().describe("What it may use at most."),
          })
          .optional()
          .describe("Of a container, for cpu and memory each: where it says neither a request nor a limit of its own."),
      })
      .optional()
      .describe("What Score workloads get where they do not say it. A change of it rolls those that use it."),
    baseDomain: z
      .string()
      .max(180)
      .regex(domain)
      .default("")
      .describe("Host names of workloads end with it: `dev.example.com`. `localhost` unless said; what ends with that is found on this machine alone."),
    https: z
      .enum(["Optional", "Required"])
      .default("Optional")
      .describe("Routes answer over HTTP and HTTPS; `Required` sends those who ask over HTTP to HTTPS."),
    variables: z
      .record(z.string(), z.string())
      .optional()
      .describe("Values that workloads read by name: a Score file with a resource of type `environment` named `env` writes `${resources.env.NAME}`."),
    registries: z
      .array(registrySchema)
      .optional()
      .describe("Registries that images are pulled from with credentials. Each target namespace gets them, and each pod uses them.")
      .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["server"] }),
  })
  .describe("Where workloads run.");

const statusSchema = z
  .object({
    observedGeneration: z.number().int().optional().describe("The generation that the status speaks of."),
    conditions: conditionsSchema,
    expiresAt: z.string().optional().describe("When it ends itself."),
    lifetime: z
      .object({
        ttl: z.string().describe("`spec.ttl` as it is counted."),
        extendedAt: z.string().optional().describe("`spec.extendedAt` as it is counted."),
        since: z.string().describe("From when."),
      })
      .optional()
      .describe("What `expiresAt` was counted from."),
    clone: z
      .object({
        environment: z.string().describe("The Environment that it was taken from."),
        at: z.string().describe("When."),
        deployments: z.array(z.string()).describe("WorkloadInstances of the project that were made here.").meta({ "x-kubernetes-list-type": "atomic" }),
      })
      .optional()
      .describe("What was taken of another environment. Nothing more is."),
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
  .describe("State of the environment.");

export const environmentFields = { spec: specSchema, status: statusSchema };
