import { WAIT_FOR_FIRST_CONSUMER } from "./kinds/storage.ts";
import { count, nameOf } from "./text.ts";
import { Timeline } from "./timeline.ts";
import { severity, type HealthState, type ObjectId, type Verdict } from "./verdict.ts";

/** A fall from Healthy to Progressing shorter than this, in ms, is a blip that nobody needs to hear of. */
const FLAP_DAMPING_MS = 10_000;
/** As many of the worst stand in a status as a person reads. */
const WORST_MAX = 5;

export interface AggregateInput {
  readonly id: ObjectId;
  readonly verdict: Verdict;
  /** An optional child gives a warning where a required one would decide. */
  readonly optional?: boolean;
}

export interface Aggregate {
  readonly verdict: Verdict;
  /** The worst required children that are not healthy, at most `WORST_MAX`, worst and longest-lasting first. */
  readonly worst: { id: ObjectId; verdict: Verdict }[];
  /** Over all children, optional ones too. */
  readonly counts: Record<HealthState, number>;
  readonly warnings: string[];
}

/**
 * The health of many objects as one: the worst of the required ones.
 *   - Healthy → Progressing shows after `FLAP_DAMPING_MS`, unless a change was asked for: a rollout shows at once, so
 *     that Ready never says yes early. Everything worse shows at once.
 *   - A claim that waits for its first consumer holds up nothing.
 */
export function aggregate(verdicts: readonly AggregateInput[], previous: Verdict | undefined, now: number): Aggregate {
  const required = verdicts.filter(({ optional }) => optional !== true);
  const troubled = required.filter(({ verdict }) => rank(verdict) > severity.Healthy).toSorted(compare);
  const time = new Timeline(now);
  for (const { verdict } of verdicts) if (verdict.recheckAt !== undefined) time.reached(verdict.recheckAt);
  const shown = isBlip(troubled, previous, time) && previous !== undefined ? previous : summary(required.length, troubled, previous, now);
  const { recheckAt: _, ...rest } = shown;
  return {
    verdict: { ...rest, ...(time.next === undefined ? {} : { recheckAt: time.next }) },
    worst: troubled.slice(0, WORST_MAX).map(({ id, verdict }) => ({ id, verdict })),
    counts: tally(verdicts),
    warnings: warningsOf(verdicts),
  };
}

function rank(verdict: Verdict): number {
  return verdict.reason === WAIT_FOR_FIRST_CONSUMER ? severity.Healthy : severity[verdict.state];
}

/** Worst first, then the one that has lasted longest, then by name: the same input gives the same order. */
function compare(a: AggregateInput, b: AggregateInput): number {
  return rank(b.verdict) - rank(a.verdict) || a.verdict.since - b.verdict.since || (nameOf(a.id) < nameOf(b.id) ? -1 : 1);
}

/** Every trouble is a fresh, unasked Progressing, and nobody has been told yet. */
function isBlip(troubled: readonly AggregateInput[], previous: Verdict | undefined, time: Timeline): boolean {
  if (previous?.state !== "Healthy" || troubled.length === 0) return false;
  if (troubled.some(({ verdict }) => verdict.state !== "Progressing" || verdict.attempt?.rollout === true)) return false;
  return !time.reached(Math.min(...troubled.map(({ verdict }) => verdict.since)) + FLAP_DAMPING_MS);
}

function summary(required: number, troubled: readonly AggregateInput[], previous: Verdict | undefined, now: number): Verdict {
  const worst = troubled[0];
  const state = worst?.verdict.state ?? "Healthy";
  const since = previous?.state === state ? Math.min(previous.since, now) : now;
  if (worst === undefined) {
    const message =
      required === 0 ? "There is nothing to look after." : `${required === 1 ? "The object is" : `All ${count(required, "object")} are`} healthy.`;
    return { state, reason: required === 0 ? "Empty" : "AllHealthy", message, evidence: "", since };
  }
  const { verdict, id } = worst;
  const others = troubled.length - 1;
  return {
    state,
    reason: verdict.reason,
    message: `${nameOf(id)}: ${verdict.message}${others === 0 ? "" : ` (${others} more ${others === 1 ? "is" : "are"} not healthy.)`}`,
    // Evidence belongs to the culprit; where that one has a culprit of its own, the next step of the walk has the details.
    evidence: verdict.culprit === undefined ? verdict.evidence : "",
    since,
    ...(verdict.deadline === undefined ? {} : { deadline: verdict.deadline }),
    culprit: id,
  };
}

function tally(verdicts: readonly AggregateInput[]): Record<HealthState, number> {
  const counts: Record<HealthState, number> = { Healthy: 0, Suspended: 0, Progressing: 0, Missing: 0, Terminating: 0, Degraded: 0, Unknown: 0 };
  for (const { verdict } of verdicts) counts[verdict.state] += 1;
  return counts;
}

function warningsOf(verdicts: readonly AggregateInput[]): string[] {
  const warnings: string[] = [];
  for (const { id, verdict, optional } of verdicts) {
    if (verdict.warning !== undefined) warnings.push(`${nameOf(id)}: ${verdict.warning}`);
    if (optional === true && rank(verdict) > severity.Suspended) warnings.push(`${nameOf(id)} (optional) is ${verdict.state}: ${verdict.message}`);
  }
  return warnings;
}
