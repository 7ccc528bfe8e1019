// Points at which a control plane touches the world outside of it, and what may happen there.

/** `database`: a call of the store that writes. `cluster`: a request that writes. */
export interface Point {
  readonly where: "database" | "cluster";
  /** For people: `write workloadinstances.threeport.io|default|web`, `PATCH /api/…`. */
  readonly what: string;
}

/**
 * `pass`; or the process ends before the call is heard (`end-before`), or when it has been acted on and the answer is on its way (`end-after`), and perhaps people go on
 * with the next step before it is started again (`end-hasty`); or only the call fails: unheard (`refused`), or acted on with its answer lost (`lost`); or the process stands still before the call is heard (`freeze`), and perhaps
 * people go on meanwhile (`freeze-hasty`).
 */
export type Fate = "pass" | "end-before" | "end-after" | "end-hasty" | "refused" | "lost" | "freeze" | "freeze-hasty";

/** Decides at each point, in order. */
export interface Plan {
  at(point: Point): Fate;
  /** Milliseconds by which what a watch of a cluster tells next is late. */
  lagMs(): number;
  /** Whether this hint that there is work gets lost. */
  deaf(): boolean;
}

export const undisturbed: Plan = { at: () => "pass", lagMs: () => 0, deaf: () => false };
