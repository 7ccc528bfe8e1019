import { z } from "zod";
import { group, version } from "@threeport/module-environment";
import { defineKind, WaitsFor, type ErrorCause, type ObjectWith } from "@threeport/resource";
import { profileCauses } from "../check-profile.ts";
import { needFields } from "./fields.ts";
import { profileSpecSchema } from "./profile.ts";

const free = { "x-kubernetes-preserve-unknown-fields": true } as const;
const freeMap = { ...free, "x-kubernetes-map-type": "atomic" } as const;

const renderingFields = {
  spec: z
    .object({
      profile: z.string().optional().describe("Name of a DependencyProfile."),
      source: profileSpecSchema.optional().describe("The `spec` of one that need not be there, in place of `profile`."),
      environment: z.string().optional().describe("Name of the Environment that it would be for. Unset: marks stand for what it would say."),
      name: z
        .string()
        .max(40)
        .regex(/^[a-z](?:[a-z0-9-]*[a-z0-9])?$/)
        .optional()
        .describe("What objects would be named after. Unset: made of its type and the id `example`."),
      params: z.record(z.string(), z.unknown()).optional().describe("What a developer would ask for.").meta(freeMap),
      requires: z
        .record(z.string(), z.record(z.string(), z.unknown()))
        .optional()
        .describe("Outputs of what it requires, by the names that the profile has for them; marks stand for those that are not said.")
        .meta(freeMap),
      services: z
        .record(z.string(), z.record(z.string(), z.unknown()))
        .optional()
        .describe("Outputs of the support services that it needs; marks stand for those that are not said.")
        .meta(freeMap),
      sourceWorkload: needFields.sourceWorkload.describe("The workload that it would be for. Unset: one named `example` with the port `http`, 80."),
    })
    .describe("The question."),
  status: z
    .object({
      name: z.string().describe("What objects would be named after."),
      params: z.record(z.string(), z.unknown()).optional().describe("Params with the profile's defaults.").meta(freeMap),
      problems: z
        .array(z.object({ field: z.string().describe("Of the profile, or below `params`."), message: z.string().describe("What is wrong with it.") }))
        .optional()
        .describe("Set when nothing would come of it.")
        .meta({ "x-kubernetes-list-type": "atomic" }),
      objects: z
        .array(z.record(z.string(), z.unknown()).meta(free))
        .optional()
        .describe("The objects that would be applied; marks such as `<generated.password>` stand for values that are not known.")
        .meta({ "x-kubernetes-list-type": "atomic" }),
      services: z
        .record(z.string(), z.record(z.string(), z.unknown()))
        .optional()
        .describe("What the support services that it needs would be told.")
        .meta(freeMap),
      outputs: z
        .object({
          values: z.record(z.string(), z.unknown()).describe("What everybody would see.").meta(freeMap),
          secret: z.record(z.string(), z.string()).describe("What would stand in a Secret, with marks for secret values."),
        })
        .optional()
        .describe("What developers would read of it."),
    })
    .optional()
    .describe("The answer."),
};

/** Asks what a profile makes: the objects and outputs of a dependency, with marks for what nobody knows yet. Nothing is stored, made or read of Secrets. */
export type ProfileRendering = ObjectWith<typeof renderingFields>;

export const profileRenderingKind = defineKind({
  group,
  version,
  kind: "ProfileRendering",
  plural: "profilerenderings",
  scope: "Namespaced",
  computed: true,
  description: "Asks what a DependencyProfile makes, one that is there or one that is being written: objects and outputs. Nothing is stored or made.",
  fields: renderingFields,
  references: [
    { path: "spec.environment", to: { group, resource: "environments" }, namespace: "cluster", waitsFor: WaitsFor.Existence },
    { path: "spec.profile", to: { group, resource: "dependencyprofiles" }, namespace: "cluster", waitsFor: WaitsFor.Existence },
  ],
  validate(object) {
    const { profile, source } = (object as ProfileRendering).spec;
    if ((profile === undefined) === (source === undefined))
      return [{ field: "spec", reason: "FieldValueInvalid", message: "Invalid value: write one of profile and source" }];
    return source === undefined
      ? []
      : profileCauses(source).map((cause): ErrorCause => ({ ...cause, field: (cause.field ?? "spec").replace(/^spec/, "spec.source") }));
  },
});
