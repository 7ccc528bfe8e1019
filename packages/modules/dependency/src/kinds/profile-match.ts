import { z } from "zod";
import { group, version } from "@threeport/module-environment";
import { defineKind, WaitsFor, type ObjectWith } from "@threeport/resource";
import { candidatesSchema, needFields } from "./fields.ts";

const matchFields = {
  spec: z
    .object({
      environment: z.string().min(1).describe("Name of the Environment that it would be for."),
      type: needFields.type,
      class: needFields.class,
      runtime: z.string().optional().describe("The runtime that it would be made on. Unset: that of the environment."),
    })
    .describe("The question."),
  status: z
    .object({
      runtime: z.string().describe("The runtime that it would be made on."),
      chosen: z.string().optional().describe("The DependencyProfile that would be taken; not there when none fits."),
      candidates: candidatesSchema.describe("All DependencyProfiles of the type and class, the best first."),
    })
    .optional()
    .describe("The answer."),
};

/** Asks which profile a new dependency of a type would be met by in an environment. Nothing is stored. */
export type ProfileMatch = ObjectWith<typeof matchFields>;

export const profileMatchKind = defineKind({
  group,
  version,
  kind: "ProfileMatch",
  plural: "profilematches",
  scope: "Namespaced",
  computed: true,
  description: "Asks which DependencyProfile a new dependency of a type would be met by in an environment. Nothing is stored.",
  fields: matchFields,
  references: [{ path: "spec.environment", to: { group, resource: "environments" }, namespace: "cluster", waitsFor: WaitsFor.Existence }],
});
