import type { Random } from "./random.ts";

export interface BackoffPolicy {
  readonly baseMs: number;
  readonly capMs: number;
}

/** Exponential backoff with equal jitter: half of the step is certain, half is chance. `attempt` counts from 1. */
export function backoffMs(attempt: number, policy: BackoffPolicy, random: Random): number {
  const step = Math.min(policy.capMs, policy.baseMs * 2 ** Math.min(attempt - 1, 30));
  return Math.round(step / 2 + (step / 2) * random.float());
}
