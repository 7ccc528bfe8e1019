import { z } from "zod";
import { ageColumn, defineKind, type ObjectWith } from "@threeport/resource";

const scaleFields = {
  spec: z
    .object({ replicas: z.number().int().min(0).max(2_147_483_647).optional().describe("How often it should run.").meta({ format: "int32" }) })
    .optional()
    .describe("What is wanted."),
  status: z
    .object({
      replicas: z.number().int().describe("How often it runs.").meta({ format: "int32" }),
      selector: z.string().optional().describe("Selects the pods, as text."),
    })
    .optional()
    .describe("What there is."),
};

export type Scale = ObjectWith<typeof scaleFields>;

/** What `/scale` shows and takes. No object of it is stored: it is a view of one of another kind. */
export const scaleKind = defineKind({
  group: "autoscaling",
  version: "v1",
  kind: "Scale",
  plural: "scales",
  scope: "Namespaced",
  description: "How often something runs.",
  fields: scaleFields,
  columns: [
    { name: "Desired", type: "integer", description: "How often it should run.", value: (object) => (object as Scale).spec?.replicas ?? 0 },
    { name: "Available", type: "integer", description: "How often it runs.", value: (object) => (object as Scale).status?.replicas ?? 0 },
    ageColumn,
  ],
});
