import { ageColumn, conditionReason, conditionStatus, defineKind, WaitsFor, type ObjectWith } from "@threeport/resource";
import { environmentCauses } from "./check-environment.ts";
import { environmentFields } from "./environment-fields.ts";
import { group, version } from "./group.ts";

/** `spec.runtime` is empty until it is chosen; everything that runs something waits for it. */
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
  cloneable: true,
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
    // Who may deploy there is asked when something is deployed.
    { path: "spec.project", to: { group: "", resource: "namespaces" }, namespace: "cluster", waitsFor: 0, mustExist: true, authority: "none" },
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
    { name: "Expires", type: "string", description: "When it ends itself.", value: (object) => (object as Environment).status?.expiresAt },
    { name: "Reason", type: "string", priority: 1, description: "Why.", value: (object) => conditionReason(object, "Ready") },
    { name: "Project", type: "string", priority: 1, description: "Whose it is alone.", value: (object) => (object as Environment).spec.project },
    {
      name: "Clone of",
      type: "string",
      priority: 1,
      description: "What it was taken from.",
      value: (object) => (object as Environment).spec.cloneOf?.environment,
    },
    ageColumn,
  ],
  normalize(object, old) {
    // §5.6: a manifest that does not name what was chosen does not undo the choice.
    const { spec } = object as Environment;
    const bound = (old as Environment | undefined)?.spec;
    if (typeof spec !== "object" || spec === null || bound === undefined) return;
    if (bound.runtime !== "" && (spec.runtimeSelector !== undefined || spec.cloneOf !== undefined)) spec.runtime ||= bound.runtime;
    if (spec.cloneOf !== undefined && bound.cloneOf?.generation !== undefined) {
      spec.cloneOf.generation ??= bound.cloneOf.generation;
      spec.baseDomain ||= bound.baseDomain;
    }
  },
  prepare(object) {
    const { spec } = object as Environment;
    // A clone takes that of the other one, unless it says its own.
    if (typeof spec === "object" && spec !== null && spec.cloneOf === undefined) spec.baseDomain ||= "localhost";
  },
  validate: (object, old) => environmentCauses(object as Environment, old as Environment | undefined),
});
