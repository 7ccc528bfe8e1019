import type { HealthState, ObjectId } from "./verdict.ts";

/** What a rule sees in one look, before time and the previous verdict are considered. */
export interface Finding {
  readonly state: HealthState;
  readonly reason: string;
  readonly message: string;
  /** JSON pointer, see `Verdict.evidence`. */
  readonly evidence: string;
  readonly culprit?: ObjectId;
  readonly warning?: string;
  /** Nothing to point a finger at: the ordinary stages of a start. An owner does not report it as the cause. */
  readonly routine?: true;
}

export function healthy(reason: string, message: string, evidence: string): Finding {
  return { state: "Healthy", reason, message, evidence };
}

export function suspended(reason: string, message: string, evidence: string): Finding {
  return { state: "Suspended", reason, message, evidence };
}

export function progressing(reason: string, message: string, evidence: string): Finding {
  return { state: "Progressing", reason, message, evidence };
}

/** Progressing as every object of the kind does for a while. */
export function routine(reason: string, message: string, evidence: string): Finding {
  return { state: "Progressing", reason, message, evidence, routine: true };
}

export function degraded(reason: string, message: string, evidence: string): Finding {
  return { state: "Degraded", reason, message, evidence };
}
