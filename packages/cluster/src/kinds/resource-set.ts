import { z } from "zod";
import { allowSchema } from "../confinement/allow.ts";
import { ageColumn, conditionReason, conditionStatus, defineKind, WaitsFor, type ErrorCause, type KubeObject, type ObjectWith } from "@threeport/resource";

const conditions = z
  .array(
    z.object({
      type: z.string().describe("What the condition says."),
      status: z.enum(["True", "False", "Unknown"]).describe("Whether it holds."),
      reason: z.string().describe("A stable word for machines."),
      message: z.string().describe("A sentence for people."),
      lastTransitionTime: z.string().describe("When the status last changed."),
      observedGeneration: z.number().int().optional().describe("The generation that it speaks of."),
    }),
  )
  .optional()
  .describe("Ready, Reconciling and Stalled, for generic tools.")
  .meta({
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["type"],
    "x-kubernetes-patch-strategy": "merge",
    "x-kubernetes-patch-merge-key": "type",
  });

/** The conditions that every kind of ours carries in its status. */
export const conditionsSchema = conditions;

/** Largest set in one object; larger ones will come through a subresource of their own. */
export const inlineBytesMax = 1024 * 1024;

const fields = {
  spec: z
    .object({
      runtime: z.string().min(1).describe("Name of the KubernetesRuntimeInstance that the objects go to."),
      targetNamespace: z.string().optional().describe("Namespace for objects that name none."),
      objects: z
        .array(z.record(z.string(), z.unknown()).meta({ "x-kubernetes-preserve-unknown-fields": true }))
        .describe("The objects, in any order; whole Kubernetes documents.")
        .meta({ "x-kubernetes-list-type": "atomic" }),
      confine: z
        .object({
          environment: z.string().min(1).describe("The Environment whose rules hold; refusals name it."),
          allow: allowSchema.optional().describe("What the objects may do beyond their own namespace."),
        })
        .optional()
        .describe("Holds the objects to their own namespace, `targetNamespace`; without it they are applied with all rights of the runtime."),
      prune: z.boolean().default(true).describe("Remove objects from the cluster that left this list."),
      adopt: z
        .enum(["Never", "IfUnowned"])
        .default("Never")
        .describe("What to do about an object that is already there and not ours: refuse it, or take it over when no other control plane or set has it."),
      progressDeadlineSeconds: z
        .number()
        .int()
        .min(1)
        .default(600)
        .describe("How long an object may take to become healthy before it counts as failed, in seconds."),
    })
    .describe("What is to be in the runtime."),
  status: z
    .object({
      observedGeneration: z.number().int().optional().describe("The generation that the status speaks of."),
      conditions,
      counts: z
        .object({
          total: z.number().int().describe("Objects in the set."),
          applied: z.number().int().describe("Objects that are in the cluster as written."),
          healthy: z.number().int().describe("Objects that are healthy or suspended on purpose."),
          pruning: z.number().int().optional().describe("Objects that are being removed."),
        })
        .optional()
        .describe("How far it is."),
      worst: z
        .array(
          z.object({
            apiVersion: z.string().describe("API version of the object."),
            kind: z.string().describe("Kind of the object."),
            namespace: z.string().optional().describe("Namespace of the object."),
            name: z.string().describe("Name of the object."),
            state: z.string().describe("Progressing, Degraded, …"),
            reason: z.string().describe("A stable word for machines."),
            message: z.string().describe("What is wrong and what to do."),
            evidence: z.string().optional().describe("JSON pointer to what decided."),
            culprit: z.string().optional().describe("The object that caused it, where it is another one."),
          }),
        )
        .optional()
        .describe("The worst few objects, with the reason.")
        .meta({ "x-kubernetes-list-type": "atomic" }),
      warnings: z.array(z.string()).optional().describe("What to look at although nothing has failed."),
    })
    .optional()
    .describe("What is in the runtime."),
};

export type ResourceSet = ObjectWith<typeof fields>;

/** Objects for one runtime: the only way into a cluster (design.md D2). */
export const resourceSetKind = defineKind({
  group: "threeport.io",
  version: "v1alpha1",
  kind: "ResourceSet",
  plural: "resourcesets",
  shortNames: ["rset"],
  categories: ["threeport"],
  scope: "Namespaced",
  versionRequired: true,
  sensitive: true,
  forOperations: true, // a set without `confine` has all rights of its runtime
  documents: ["spec.objects"],
  description:
    "Kubernetes objects that are kept in one runtime as they are written here: applied in order, pruned, watched, and mended when somebody changes them.",
  fields,
  references: [
    {
      path: "spec.runtime",
      to: { group: "threeport.io", resource: "kubernetesruntimeinstances" },
      namespace: "cluster",
      waitsFor: WaitsFor.Existence | WaitsFor.Readiness | WaitsFor.Generation,
      mustExist: true,
    },
  ],
  columns: [
    { name: "Ready", type: "string", description: "Whether all objects are healthy.", value: (object) => conditionStatus(object, "Ready") ?? "Unknown" },
    { name: "Reason", type: "string", description: "Why.", value: (object) => conditionReason(object, "Ready") },
    { name: "Healthy", type: "string", description: "Healthy objects of all.", value: (object) => healthyOf(object) },
    { name: "Runtime", type: "string", description: "Where the objects are.", value: (object) => (object as ResourceSet).spec.runtime },
    ageColumn,
  ],
  validate: (object, old) => [
    ...boundCauses(object as ResourceSet, old as ResourceSet | undefined),
    ...confineCauses(object as ResourceSet),
    ...validateObjects((object as ResourceSet).spec.objects, "spec.objects"),
  ],
});

function healthyOf(object: KubeObject): string | undefined {
  const counts = (object as ResourceSet).status?.counts;
  return counts === undefined ? undefined : `${counts.healthy}/${counts.total}`;
}

/** §5.6: what a set has put into a runtime would be forgotten there. */
function boundCauses(set: ResourceSet, old: ResourceSet | undefined): ErrorCause[] {
  if (old === undefined || old.spec.runtime === set.spec.runtime) return [];
  return [
    {
      field: "spec.runtime",
      reason: "FieldValueForbidden",
      message: `Forbidden: the objects of the set are in ${old.spec.runtime}; make another set for ${set.spec.runtime}, and delete this one`,
    },
  ];
}

function confineCauses({ spec }: ResourceSet): ErrorCause[] {
  if (spec.confine === undefined || (spec.targetNamespace ?? "") !== "") return [];
  return [{ field: "spec.targetNamespace", reason: "FieldValueRequired", message: "Required value: a confined set says which namespace is its own" }];
}

/** Each document must name itself, and no two may be the same object. For every kind that carries documents. */
export function validateObjects(objects: readonly Record<string, unknown>[], field: string): ErrorCause[] {
  const causes: ErrorCause[] = [];
  const seen = new Map<string, number>();
  const size = JSON.stringify(objects).length;
  if (size > inlineBytesMax)
    causes.push({
      field,
      reason: "FieldValueTooLong",
      message: `Too long: the objects are ${size} bytes, at most ${inlineBytesMax} go into one set; split them into several definitions`,
    });
  for (const [index, object] of objects.entries()) {
    const at = `${field}[${index}]`;
    const { apiVersion, kind, metadata } = object as { apiVersion?: unknown; kind?: unknown; metadata?: unknown };
    if (typeof apiVersion !== "string" || apiVersion === "")
      causes.push({
        field: `${at}.apiVersion`,
        reason: "FieldValueRequired",
        message: "Required value: each document needs an apiVersion, for example apps/v1",
      });
    if (typeof kind !== "string" || kind === "")
      causes.push({ field: `${at}.kind`, reason: "FieldValueRequired", message: "Required value: each document needs a kind, for example Deployment" });
    const { name, namespace } = (typeof metadata === "object" && metadata !== null ? metadata : {}) as { name?: unknown; namespace?: unknown };
    if (typeof name !== "string" || name === "")
      causes.push({
        field: `${at}.metadata.name`,
        reason: "FieldValueRequired",
        message: "Required value: each document needs a name; generateName cannot be kept in step",
      });
    if (namespace !== undefined && typeof namespace !== "string")
      causes.push({ field: `${at}.metadata.namespace`, reason: "FieldValueInvalid", message: "Invalid value: must be text" });
    if (typeof kind === "string" && kind.endsWith("List") && Array.isArray((object as { items?: unknown }).items))
      causes.push({ field: `${at}.kind`, reason: "FieldValueInvalid", message: "Invalid value: write the items of a List as documents of their own" });
    const id = JSON.stringify([typeof apiVersion === "string" ? apiVersion.split("/").slice(0, -1).join("/") : "", kind, namespace ?? "", name]);
    const first = seen.get(id);
    if (first !== undefined)
      causes.push({ field: at, reason: "FieldValueDuplicate", message: `Duplicate value: the same object stands at ${field}[${first}]` });
    seen.set(id, index);
  }
  return causes;
}
