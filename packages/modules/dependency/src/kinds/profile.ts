import { z } from "zod";
import { allowSchema } from "@threeport/cluster";
import { group, version } from "@threeport/module-environment";
import { ageColumn, deepEqual, defineKind, WaitsFor, type ErrorCause, type ObjectWith } from "@threeport/resource";
import { apiVersionsSchema, chartSchema } from "@threeport/module-helm";
import { builtInLabel, builtInSpec } from "../built-in/index.ts";
import { profileCauses } from "../check-profile.ts";

const free = { "x-kubernetes-preserve-unknown-fields": true } as const;

export const profileSpecSchema = z
  .object({
    type: z.string().min(2).max(63).describe("Of the dependencies that it meets: `postgres`."),
    class: z.string().min(2).max(63).default("default").describe("Their class."),
    match: z
      .object({
        environments: z.array(z.string()).optional().describe("Names of Environments.").meta({ "x-kubernetes-list-type": "set" }),
        tiers: z
          .array(z.enum(["development", "staging", "production"]))
          .optional()
          .describe("Tiers of Environments.")
          .meta({ "x-kubernetes-list-type": "set" }),
        runtimes: z.array(z.string()).optional().describe("Names of runtimes.").meta({ "x-kubernetes-list-type": "set" }),
        labels: z.record(z.string(), z.string()).optional().describe("Labels that the Environment must have, all of them."),
        providers: z.array(z.string()).optional().describe("Providers of runtimes: `local`, `kubeconfig`.").meta({ "x-kubernetes-list-type": "set" }),
        locations: z.array(z.string()).optional().describe("Locations of runtimes: `Europe:Frankfurt`.").meta({ "x-kubernetes-list-type": "set" }),
      })
      .optional()
      .describe("Where it may be used: everything that is named must fit; everywhere unless said."),
    priority: z.number().int().min(-1000).max(1000).default(0).describe("Of several that fit the highest wins; then the one that names more; then the name."),
    params: z
      .object({
        properties: z.record(z.string(), z.unknown()).optional().describe("Schema of each, as OpenAPI has it.").meta(free),
        required: z.array(z.string()).optional().describe("Those that must be given.").meta({ "x-kubernetes-list-type": "set" }),
      })
      .optional()
      .describe("What may be asked for. Without it any params are taken, and none has an effect unless it is read."),
    generated: z
      .record(z.string(), z.string())
      .optional()
      .describe("Values that are made once for each dependency and kept in a Secret: `password(24)`, `uuid()`. Expressions read them as `generated.NAME`."),
    rotatable: z
      .array(z.string())
      .optional()
      .describe("Those of `generated` that can be made anew later: what the profile makes takes another value. Without it they stay what they are.")
      .meta({ "x-kubernetes-list-type": "set" }),
    requires: z
      .record(
        z.string(),
        z.object({
          type: z.string().min(2).max(63).describe("Its type."),
          class: z.string().min(2).max(63).default("default").describe("Its class."),
          id: z.string().min(1).max(63).default("shared").describe("Dependencies that name the same one share it."),
          params: z.record(z.string(), z.unknown()).optional().describe("Its params; may hold expressions.").meta(free),
        }),
      )
      .optional()
      .describe("Other dependencies that it needs. Expressions read their outputs as `requires.NAME.OUTPUT`."),
    services: z
      .record(
        z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/),
        z.object({
          values: z.record(z.string(), z.unknown()).optional().describe("What it is told; may hold expressions.").meta(free),
        }),
      )
      .optional()
      .describe("Support services of the runtime that it needs, by what they provide: `gateway`. Expressions read their outputs as `services.NAME.OUTPUT`."),
    withWorkload: z
      .boolean()
      .optional()
      .describe(
        "It works on the workload that needs it, as a route does: both are made at the same time, and the workload is Ready when it is. Without it containers start when it is ready.",
      ),
    allow: z
      .object({ kinds: allowSchema.shape.kinds })
      .optional()
      .describe("Kinds that its objects may be of although workloads may not make them; they are made with all rights of the runtime."),
    provisioner: z
      .object({
        manifests: z
          .object({
            objects: z
              .array(z.union([z.record(z.string(), z.unknown()), z.string()]).meta(free))
              .describe("Kubernetes documents, whose texts may hold `${ CEL }`; or a text whose expression gives one, or `optional.none()` for none.")
              .meta({ "x-kubernetes-list-type": "atomic" }),
          })
          .optional()
          .describe("Objects in the cluster."),
        helm: z
          .object({
            chart: chartSchema,
            values: z.record(z.string(), z.unknown()).optional().describe("Values of the chart, whose texts may hold `${ CEL }`.").meta(free),
            apiVersions: apiVersionsSchema,
          })
          .optional()
          .describe("A Helm chart, as objects in the cluster. Its release is called as `name` says."),
        secret: z
          .object({})
          .optional()
          .describe(
            "A Secret of the project: each of its values is a secret output. For the type `secret` only; `params.name` names it, else the id's last part.",
          ),
        static: z.object({}).optional().describe("Nothing is made: the outputs say what is there already."),
      })
      .describe("How it is met: one of these."),
    outputs: z
      .record(
        z.string(),
        z.object({
          value: z.unknown().optional().describe("A value, or a text with `${ CEL }`.").meta(free),
          secretRef: z
            .object({
              namespace: z.string().min(1).describe("Its namespace."),
              name: z.string().min(1).describe("Its name."),
              key: z.string().min(1).describe("Which of its values."),
            })
            .optional()
            .describe("A Secret of the control plane that holds the value, in place of `value`; the output is secret then."),
          secret: z.boolean().optional().describe("Nobody may see it; it stands in a Secret only."),
        }),
      )
      .optional()
      .describe("What developers read of it, by the names that they write: `host`, `port`, `password`, …"),
    updatePolicy: z
      .enum(["Automatic", "OnDeploy", "Never"])
      .optional()
      .describe(
        "When a change of this profile reaches the dependencies that it meets: at once, which it is unless said; when a workload that uses one is deployed anew; or by `tptctl dependency update` only.",
      ),
    deletion: z
      .object({
        policy: z.enum(["Delete", "Retain"]).default("Delete").describe("What happens when nobody uses it any more."),
        gracePeriodSeconds: z.number().int().min(0).default(0).describe("How long it stays unused before it is deleted, in seconds."),
      })
      .optional()
      .describe("How it ends."),
  })
  .describe("How dependencies of a type are met.");

const profileFields = { spec: profileSpecSchema };

/** Operations say with it how a type of dependency is met. */
export type DependencyProfile = ObjectWith<typeof profileFields>;

export const dependencyProfileKind = defineKind({
  group,
  version,
  kind: "DependencyProfile",
  plural: "dependencyprofiles",
  shortNames: ["profile", "profiles"],
  categories: ["threeport"],
  scope: "Cluster",
  versionRequired: true,
  countsGenerations: true, // dependencies say which one they took
  refuseDeleteWhileReferenced: true,
  description: "How dependencies of a type are met.",
  fields: profileFields,
  references: [
    {
      path: "spec.outputs[*].secretRef.name",
      to: { group: "", resource: "secrets" },
      namespace: { path: "namespace" },
      waitsFor: WaitsFor.Existence | WaitsFor.Outputs,
    },
  ],
  columns: [
    { name: "Type", type: "string", description: "What it meets.", value: (object) => (object as DependencyProfile).spec.type },
    { name: "Class", type: "string", description: "Which sort of it.", value: (object) => (object as DependencyProfile).spec.class },
    {
      name: "Provisioner",
      type: "string",
      description: "How.",
      value: (object) => Object.keys((object as DependencyProfile).spec.provisioner).join(","),
    },
    { name: "Priority", type: "integer", description: "Of several that fit the highest wins.", value: (object) => (object as DependencyProfile).spec.priority },
    {
      name: "Built-in",
      type: "string",
      description: "Whether it comes with the control plane.",
      value: (object) => (isBuiltIn(object as DependencyProfile) ? "yes" : "no"),
    },
    ageColumn,
  ],
  validate(object, old) {
    const profile = object as DependencyProfile;
    const own = builtInSpec(profile.metadata.name);
    return [
      ...(own === undefined ? labelCauses(profile) : builtInCauses(profile, own)),
      ...(old === undefined ? [] : meetingCauses(profile.spec, (old as DependencyProfile).spec)),
      ...profileCauses(profile.spec),
    ];
  },
});

/** What was made by it is of that type, and stays. */
function meetingCauses(now: DependencyProfile["spec"], before: DependencyProfile["spec"]): ErrorCause[] {
  return (["type", "class"] as const)
    .filter((field) => now[field] !== before[field])
    .map((field) => ({
      field: `spec.${field}`,
      reason: "FieldValueForbidden",
      message: `Forbidden: the ${field} of a profile cannot change, since what it has made is of ${before[field]}; write a profile of another name`,
    }));
}

export function isBuiltIn({ metadata }: DependencyProfile): boolean {
  return metadata.labels?.[builtInLabel] === "true";
}

/** §5.6: what dependencies were bound to stays what it was. */
function builtInCauses({ spec, metadata }: DependencyProfile, own: object): ErrorCause[] {
  if (deepEqual(spec, own)) return [];
  return [
    {
      field: "spec",
      reason: "FieldValueForbidden",
      message: `Forbidden: ${metadata.name} comes with the control plane and cannot change; write a profile of another name and a higher priority`,
    },
  ];
}

function labelCauses(profile: DependencyProfile): ErrorCause[] {
  if (!isBuiltIn(profile)) return [];
  return [
    {
      field: `metadata.labels[${builtInLabel}]`,
      reason: "FieldValueForbidden",
      message: "Forbidden: only profiles that come with the control plane have it; remove it",
    },
  ];
}
