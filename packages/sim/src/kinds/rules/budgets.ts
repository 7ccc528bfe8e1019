import { fields, type Rules } from "./fields.ts";

export const budgetRules: Rules = {
  versionRequired: true,
  validate(budget) {
    const { minAvailable, maxUnavailable } = fields(budget, "spec");
    if (minAvailable === undefined || maxUnavailable === undefined) return [];
    const value = JSON.stringify({ minAvailable, maxUnavailable });
    return [{ field: "spec", reason: "FieldValueInvalid", message: `Invalid value: ${value}: minAvailable and maxUnavailable cannot be both set` }];
  },
};
