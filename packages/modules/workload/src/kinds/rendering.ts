import { group, version } from "@threeport/module-environment";
import { z } from "zod";
import { defineKind, WaitsFor, type ObjectWith } from "@threeport/resource";
import { sourceCauses, sourceSchema } from "./definition.ts";

const fields = {
  spec: z
    .object({
      definition: z.string().min(1).describe("Name of the WorkloadDefinition that it is, or would be."),
      environment: z.string().min(1).describe("Name of the Environment that it would be deployed to."),
      source: sourceSchema.optional().describe("What would run. Unset: what the definition says now."),
      values: z
        .record(z.string(), z.unknown())
        .optional()
        .describe("What would be different there. Unset: what the deployment says now.")
        .meta({ "x-kubernetes-preserve-unknown-fields": true, "x-kubernetes-map-type": "atomic" }),
      replicas: z.number().int().min(0).optional().describe("How often it would run. Unset: as the deployment says now."),
      beside: z
        .array(
          z.object({
            name: z.string().min(1).describe("Name of the workload."),
            ports: z.record(z.string(), z.number().int()).optional().describe("Its service ports by name."),
          }),
        )
        .optional()
        .describe("Other workloads that would be deployed with it, beside those that are.")
        .meta({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] }),
    })
    .describe("The question."),
  status: z
    .object({
      instance: z.string().optional().describe("The WorkloadInstance that it is about."),
      targetNamespace: z.string().optional().describe("Namespace in the cluster."),
      reason: z.string().optional().describe("Set when there would be no objects."),
      message: z.string().optional().describe("Why there would be none, and what to do."),
      objects: z
        .array(z.record(z.string(), z.unknown()).meta({ "x-kubernetes-preserve-unknown-fields": true }))
        .optional()
        .describe("The objects that would be applied; marks stand in place of secret values.")
        .meta({ "x-kubernetes-list-type": "atomic" }),
    })
    .optional()
    .describe("The answer."),
};

/** Asks what a workload becomes in an environment: the very objects that a deployment would apply, and nothing is stored or applied. */
export type WorkloadRendering = ObjectWith<typeof fields>;

export const workloadRenderingKind = defineKind({
  group,
  version,
  kind: "WorkloadRendering",
  plural: "workloadrenderings",
  scope: "Namespaced",
  computed: true,
  description: "Asks what a workload becomes in an environment: the very objects that a deployment would apply. Nothing is stored.",
  fields,
  documents: ["spec.source.manifests.objects", "status.objects"],
  references: [{ path: "spec.environment", to: { group, resource: "environments" }, namespace: "cluster", waitsFor: WaitsFor.Existence }],
  validate(object) {
    const { source, definition } = (object as WorkloadRendering).spec;
    return source === undefined ? [] : sourceCauses(source, definition);
  },
});
