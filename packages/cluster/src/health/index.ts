export { aggregate, type Aggregate, type AggregateInput } from "./aggregate.ts";
export { explainApplyError } from "./apply-error.ts";
export { assess, type AssessInput } from "./assess.ts";
export { WAIT_FOR_FIRST_CONSUMER } from "./kinds/storage.ts";
export { severity } from "./verdict.ts";
export type { Attempt, HealthState, ObjectId, Subject, Verdict } from "./verdict.ts";
