import { z } from "zod";
import { WaitsFor, ageColumn, defineKind, type KubeObject } from "@threeport/resource";

/** A kind with everything a kind may have: spec, status, references, columns, own rules. */
export const widgetKind = defineKind({
  group: "test.threeport.io",
  version: "v1alpha1",
  kind: "Widget",
  plural: "widgets",
  shortNames: ["wd"],
  scope: "Namespaced",
  versionRequired: true,
  description: "Something for tests.",
  fields: {
    spec: z
      .object({
        size: z.number().int().min(0).default(1).describe("How large it is."),
        color: z.enum(["red", "green"]).optional().describe("Which color it has."),
        shelf: z.string().optional().describe("Name of the Shelf that it stands on."),
        friends: z
          .array(z.object({ name: z.string().describe("Name of another Widget.") }))
          .optional()
          .describe("Other Widgets, which need not exist."),
        parts: z
          .array(z.object({ name: z.string().describe("Name of the part."), count: z.number().int().optional().describe("How many.") }))
          .optional()
          .describe("What it is made of.")
          .meta({
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "x-kubernetes-patch-strategy": "merge",
            "x-kubernetes-patch-merge-key": "name",
          }),
        note: z.string().nullable().optional().describe("A remark, or null for none."),
      })
      .optional()
      .describe("What is wanted."),
    status: z
      .object({ phase: z.string().optional().describe("What it is doing."), ready: z.boolean().optional().describe("Whether it can be used.") })
      .optional()
      .describe("What there is."),
  },
  references: [
    { path: "spec.shelf", to: { group: "test.threeport.io", resource: "shelves" }, namespace: "cluster", waitsFor: WaitsFor.Existence, mustExist: true },
    { path: "spec.friends[*].name", to: { group: "test.threeport.io", resource: "widgets" }, namespace: "same", waitsFor: WaitsFor.Existence },
  ],
  columns: [
    { name: "Size", type: "integer", description: "How large it is.", value: (object) => specOf(object).size },
    { name: "Color", type: "string", description: "Which color it has.", priority: 1, value: (object) => specOf(object).color },
    ageColumn,
  ],
  selectableFields: ["spec.color", "spec.size"],
  validate: (object, old) => {
    const size = specOf(object).size ?? 0;
    const before = old === undefined ? undefined : specOf(old).size;
    return before !== undefined && size < before ? [{ field: "spec.size", reason: "FieldValueForbidden", message: "Forbidden: may only grow" }] : [];
  },
});

/** A cluster-scoped definition that others refer to: deletion is refused while they do. */
export const shelfKind = defineKind({
  group: "test.threeport.io",
  version: "v1alpha1",
  kind: "Shelf",
  plural: "shelves",
  scope: "Cluster",
  refuseDeleteWhileReferenced: true,
  description: "Where Widgets stand.",
  fields: {
    spec: z
      .object({ height: z.number().optional().describe("In metres.") })
      .optional()
      .describe("What is wanted."),
  },
});

function specOf(object: KubeObject): { size?: number; color?: string } {
  return (object["spec"] ?? {}) as { size?: number; color?: string };
}
