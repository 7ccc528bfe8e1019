/**
 * What we say about one object (design.md §5.9 C6). From best to worst; an aggregate takes the worst of its required
 * children. `Suspended` is somebody's intent, never a failure.
 */
export type HealthState = "Healthy" | "Suspended" | "Progressing" | "Missing" | "Terminating" | "Degraded" | "Unknown";

/** Names one object in the target cluster. */
export interface ObjectId {
  apiVersion: string;
  kind: string;
  namespace?: string;
  name: string;
  uid?: string;
}

export interface Verdict {
  state: HealthState;
  /** Stable CamelCase word for machines. */
  reason: string;
  /** A sentence for people; says what to do next when something is wrong. Holds no relative time, so it only changes when the facts do. */
  message: string;
  /** JSON pointer to what decided: into `culprit` where there is one, else into the object. */
  evidence: string;
  /** When this state began, in ms since the epoch. */
  since: number;
  /** When Progressing becomes Degraded with reason `Timeout`, in ms since the epoch. */
  deadline?: number;
  /** The child that caused it; the next step of `tptctl why`. */
  culprit?: ObjectId;
  /** Something to look at although the state is not a failure. */
  warning?: string;
  /** The earliest moment at which time alone could change this verdict, in ms since the epoch: assess again then. */
  recheckAt?: number;
  /** Which version of the object was judged: another uid or generation begins anew. */
  subject?: Subject;
  /** The present attempt to become healthy; the deadline counts from its beginning. */
  attempt?: Attempt;
}

export interface Subject {
  uid?: string;
  generation?: number;
}

export interface Attempt {
  /** In ms since the epoch. */
  startedAt: number;
  /** True when a change was asked for (new object or generation), false when a healthy object fell back by itself. */
  rollout: boolean;
}

/** How bad a state is; greater is worse. */
export const severity: Readonly<Record<HealthState, number>> = {
  Healthy: 0,
  Suspended: 1,
  Progressing: 2,
  Missing: 3,
  Terminating: 4,
  Degraded: 5,
  Unknown: 6,
};
