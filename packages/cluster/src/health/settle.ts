import type { Finding } from "./finding.ts";
import { duration, nameOf, reasonWord } from "./text.ts";
import type { Timeline } from "./timeline.ts";
import type { Attempt, ObjectId, Subject, Verdict } from "./verdict.ts";

/** The reason of a verdict whose deadline passed. */
export const TIMEOUT = "Timeout";

export interface SettleInput {
  readonly finding: Finding;
  readonly time: Timeline;
  readonly previous: Verdict | undefined;
  readonly subject: Subject;
  /** How long an attempt may last, in ms. */
  readonly limitMs: number;
  readonly id: ObjectId;
}

/**
 * Sets one finding into time: since when, until when, and what a Progressing that lasts too long becomes.
 *   - An attempt begins when an object starts to make progress, and anew with each generation; states in between that
 *     say nothing about progress (Unknown) do not stretch it.
 *   - What timed out stays so until it is healthy, is asked for anew, or is given more time.
 */
export function settle(input: SettleInput): Verdict {
  const { finding, time, subject, limitMs } = input;
  const previous = input.previous !== undefined && sameObject(input.previous.subject, subject) ? input.previous : undefined;
  const attempt = attemptOf(finding, previous, input);
  const deadline = finding.state === "Progressing" && attempt !== undefined ? attempt.startedAt + limitMs : undefined;
  const late = deadline !== undefined && time.reached(deadline);
  const shown = late ? timedOut(finding, input) : finding;
  return {
    state: shown.state,
    reason: reasonWord(shown.reason) ?? shown.state,
    message: shown.message,
    evidence: shown.evidence,
    since: previous?.state === shown.state ? Math.min(previous.since, time.now) : time.now,
    ...(deadline === undefined || late ? {} : { deadline }),
    ...(shown.culprit === undefined ? {} : { culprit: shown.culprit }),
    ...(shown.warning === undefined ? {} : { warning: shown.warning }),
    ...(time.next === undefined ? {} : { recheckAt: time.next }),
    ...(subject.uid === undefined && subject.generation === undefined ? {} : { subject }),
    ...(attempt === undefined ? {} : { attempt }),
  };
}

function timedOut(finding: Finding, { limitMs, id }: SettleInput): Finding {
  return {
    ...finding,
    state: "Degraded",
    reason: TIMEOUT,
    message: `${nameOf(id)} is not healthy after ${duration(limitMs)} (${finding.reason}): ${finding.message} If it needs longer, raise its progress deadline.`,
  };
}

function attemptOf(finding: Finding, previous: Verdict | undefined, { subject, time, limitMs }: SettleInput): Attempt | undefined {
  const asked = previous === undefined || (previous.subject !== undefined && previous.subject.generation !== subject.generation);
  const known = asked ? undefined : attemptBefore(previous, limitMs);
  if (finding.state !== "Progressing") return finding.state === "Degraded" || finding.state === "Unknown" ? known : undefined;
  if (previous === undefined || asked || previous.state === "Missing" || previous.state === "Terminating") return { startedAt: time.now, rollout: true };
  const goesOn = previous.state === "Progressing" || previous.state === "Unknown" || previous.reason === TIMEOUT;
  if (goesOn && known !== undefined) return { startedAt: Math.min(known.startedAt, time.now), rollout: known.rollout };
  return { startedAt: time.now, rollout: known?.rollout ?? false };
}

/** The attempt that the previous verdict was in, also when only the settled fields of that verdict were kept. */
function attemptBefore(previous: Verdict, limitMs: number): Attempt | undefined {
  if (previous.attempt !== undefined) return previous.attempt;
  if (previous.state === "Progressing") return { startedAt: previous.since, rollout: false };
  if (previous.state === "Degraded" && previous.reason === TIMEOUT) return { startedAt: previous.since - limitMs, rollout: false };
  return undefined;
}

/** Unknown uids (an object that is gone, an old verdict) do not tell objects apart. */
function sameObject(before: Subject | undefined, now: Subject): boolean {
  return before?.uid === undefined || now.uid === undefined || before.uid === now.uid;
}
