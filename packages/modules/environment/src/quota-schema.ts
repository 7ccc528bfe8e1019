import { z } from "zod";
import { parseQuantity, type ErrorCause } from "@threeport/resource";

/** What quotas count of pods. */
export const countedResources = ["cpu", "memory"] as const;
export type CountedResource = (typeof countedResources)[number];

const limitFields = {
  workloads: z.number().int().min(0).max(1_000_000).optional().describe("How many WorkloadInstances.").meta({ format: "int32" }),
  dependencies: z
    .number()
    .int()
    .min(0)
    .max(1_000_000)
    .optional()
    .describe("How many dependencies workloads may ask for; those of one id count once.")
    .meta({ format: "int32" }),
  cpu: z.string().optional().describe("How many cores the pods of all of them may request together: `20`, `500m`."),
  memory: z.string().optional().describe("How much memory the pods of all of them may request together: `64Gi`."),
};

export const quotaSchema = z
  .object({ ...limitFields, perProject: z.object(limitFields).optional().describe("What each project may have of it.") })
  .describe("How much there may be in the environment. What is there when a quota is set or lowered stays; only what would add to it is refused.");

export type Quota = z.output<typeof quotaSchema>;
export type Limits = Omit<Quota, "perProject">;

/** What is wrong with a quota, below the field `spec.quota`. */
export function quotaCauses(quota: Quota | undefined): ErrorCause[] {
  const scopes: readonly (readonly [string, Limits | undefined])[] = [
    ["spec.quota", quota],
    ["spec.quota.perProject", quota?.perProject],
  ];
  return scopes.flatMap(([field, limits]) => countedResources.flatMap((resource) => limitCauses(limits?.[resource], `${field}.${resource}`)));
}

function limitCauses(limit: string | undefined, field: string): ErrorCause[] {
  if (limit === undefined) return [];
  const invalid = (what: string): ErrorCause[] => [
    { field, reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(limit.slice(0, 100))}: ${what}; write for example 500m, 2 or 64Gi` },
  ];
  try {
    return parseQuantity(limit).nanos < 0n ? invalid("must not be negative") : [];
  } catch {
    return invalid("is not a quantity");
  }
}

/** What pods ask for together, as a status has it. */
export const requestsSchema = z.object({
  cpu: z.string().describe("Cores."),
  memory: z.string().describe("Bytes."),
});
