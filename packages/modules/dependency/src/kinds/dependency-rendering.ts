import { z } from "zod";
import { group, version } from "@threeport/module-environment";
import { defineKind, WaitsFor, type ErrorCause, type ObjectWith } from "@threeport/resource";
import { profileCauses } from "../check-profile.ts";
import { profileSpecSchema } from "./profile.ts";

const free = { "x-kubernetes-preserve-unknown-fields": true } as const;

const renderingFields = {
  spec: z
    .object({
      dependency: z.string().min(1).describe("Name of a Dependency that has a profile."),
      source: profileSpecSchema.optional().describe("The `spec` that its profile would have. Unset: what the profile says now."),
    })
    .describe("The question."),
  status: z
    .object({
      policy: z.enum(["Automatic", "OnDeploy", "Never"]).describe("The `updatePolicy` of what is asked about: when the dependency would take it."),
      problems: z
        .array(z.object({ field: z.string().describe("Of the profile, or below `params`."), message: z.string().describe("What is wrong with it.") }))
        .optional()
        .describe("Set when nothing would come of it.")
        .meta({ "x-kubernetes-list-type": "atomic" }),
      objects: z
        .array(z.record(z.string(), z.unknown()).meta(free))
        .optional()
        .describe("The objects that would be applied; marks stand in place of secret values, and such as `<generated.token>` of what would be made then.")
        .meta({ "x-kubernetes-list-type": "atomic" }),
    })
    .optional()
    .describe("The answer."),
};

/** Asks what a dependency becomes with its profile as it is, or as it is being written. Nothing is stored or made. */
export type DependencyRendering = ObjectWith<typeof renderingFields>;

export const dependencyRenderingKind = defineKind({
  group,
  version,
  kind: "DependencyRendering",
  plural: "dependencyrenderings",
  scope: "Namespaced",
  computed: true,
  documents: ["status.objects"],
  description: "Asks what a dependency would be made of if it took its profile now, as that is or as it is being written. Nothing is stored or made.",
  fields: renderingFields,
  references: [{ path: "spec.dependency", to: { group, resource: "dependencies" }, namespace: "same", waitsFor: WaitsFor.Existence }],
  validate(object) {
    const { source } = (object as DependencyRendering).spec;
    return source === undefined
      ? []
      : profileCauses(source).map((cause): ErrorCause => ({ ...cause, field: (cause.field ?? "spec").replace(/^spec/, "spec.source") }));
  },
});
