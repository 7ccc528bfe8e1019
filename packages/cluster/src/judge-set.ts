import { parseApiVersion } from "@threeport/resource";
import type { Verdict as ConditionVerdict } from "@threeport/engine";
import type { Desired } from "./apply/desired.ts";
import type { Entry } from "./apply/entry.ts";
import type { Held } from "./apply/prune-guard.ts";
import { confirmPruneAnnotation } from "./marks.ts";
import type { Cluster } from "./connection/cluster.ts";
import { aggregate, assess, type ObjectId, type Verdict } from "./health/index.ts";
import { idOf, idText, idWords } from "./identity.ts";
import type { ResourceSet } from "./kinds/resource-set.ts";

export interface JudgeInput {
  readonly set: ResourceSet;
  readonly desired: readonly Desired[];
  readonly entries: ReadonlyMap<string, Entry>;
  readonly cluster: Cluster;
  readonly nowMs: number;
  readonly pruning: number;
  readonly keptEmpty: boolean;
  /** Objects that left the set and wait for a confirmation. */
  readonly held?: Held | undefined;
}

export interface Judged {
  readonly verdicts: ReadonlyMap<string, Verdict>;
  readonly status: object;
  readonly condition: ConditionVerdict;
  readonly healthy: boolean;
  /** When time alone may change the verdict. */
  readonly recheckAtMs: number | undefined;
}

/** The health of a set from what is known of its objects: pure but for reading the cache. */
export function judgeSet(input: JudgeInput): Judged {
  const { set, nowMs, entries } = input;
  const judged = input.desired.map((desired) => ({ id: idOf(desired.object), key: desired.id, verdict: verdictOf(input, desired) }));
  const total = aggregate(judged, undefined, nowMs);
  const applied = input.desired.filter(
    (desired) => entries.get(desired.id)?.state === "applied" && entries.get(desired.id)?.detail.refusal === undefined,
  ).length;
  const healthyCount = total.counts.Healthy + total.counts.Suspended;
  const warnings = [
    ...total.warnings,
    ...(input.keptEmpty ? ["the set is empty, and an empty set removes nothing: delete the set to remove its objects"] : []),
    ...(input.held === undefined ? [] : [heldText(input.held)]),
  ];
  const status = {
    observedGeneration: set.metadata.generation ?? 0,
    counts: { total: input.desired.length, applied, healthy: healthyCount, ...(input.pruning === 0 ? {} : { pruning: input.pruning }) },
    worst: total.worst.filter(({ verdict }) => verdict.state !== "Healthy").map(({ id, verdict }) => worstOf(id, verdict)),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
  const condition = conditionOf(input, { verdict: total.verdict, worst: total.worst[0], applied, healthyCount });
  return {
    verdicts: new Map(judged.map((entry) => [entry.key, entry.verdict])),
    status,
    condition,
    healthy: condition.state === "ready",
    recheckAtMs: total.verdict.recheckAt,
  };
}

function verdictOf(input: JudgeInput, desired: Desired): Verdict {
  const entry = input.entries.get(desired.id);
  const previous = entry?.detail.verdict;
  const id: ObjectId = idOf(desired.object);
  const refusal = entry?.detail.refusal;
  if (refusal !== undefined) {
    const since = previous !== undefined && previous.reason === refusal.reason ? previous.since : input.nowMs;
    return { state: "Degraded", reason: refusal.reason, message: refusal.message, evidence: "", since };
  }
  const object = input.cluster.cache.byId(idText(id));
  return assess({
    object,
    id,
    children: object === undefined ? [] : input.cluster.cache.descendants(object.metadata.uid),
    now: input.nowMs,
    progressDeadlineMs: input.set.spec.progressDeadlineSeconds * 1000,
    ...(previous === undefined ? {} : { previous }),
  });
}

function worstOf(id: ObjectId, verdict: Verdict): object {
  return {
    apiVersion: id.apiVersion,
    kind: id.kind,
    ...(id.namespace === undefined ? {} : { namespace: id.namespace }),
    name: id.name,
    state: verdict.state,
    reason: verdict.reason,
    message: verdict.message,
    evidence: verdict.evidence,
    ...(verdict.culprit === undefined ? {} : { culprit: idWords(verdict.culprit) }),
  };
}

function conditionOf(
  input: JudgeInput,
  total: { verdict: Verdict; worst: { id: ObjectId; verdict: Verdict } | undefined; applied: number; healthyCount: number },
): ConditionVerdict {
  const size = input.desired.length;
  if (input.pruning > 0 && total.verdict.state === "Healthy")
    return { state: "reconciling", reason: "Pruning", message: `${input.pruning} objects that left the set are being removed` };
  const well = total.verdict.state === "Healthy" || total.verdict.state === "Suspended";
  if (well && input.held !== undefined) return { state: "stalled", reason: "PruneNeedsConfirmation", message: heldText(input.held) };
  if (well) {
    return {
      state: "ready",
      reason: "Healthy",
      message: size === 1 ? "1 object is in the cluster and healthy" : `${size} objects are in the cluster and healthy`,
    };
  }
  const worst = total.worst;
  const told = worst === undefined ? total.verdict.message : `${idWords(worst.id)}: ${worst.verdict.message}`;
  const message = `${total.healthyCount} of ${size} healthy; ${told}`;
  const reason = worst?.verdict.reason ?? total.verdict.reason;
  return { state: total.verdict.state === "Degraded" ? "stalled" : "reconciling", reason, message };
}

function heldText({ count, token }: Held): string {
  return `${count} objects left the set at once, most of what it had, and are kept until somebody confirms that they shall go: annotate the WorkloadInstance, or a set of your own, with ${confirmPruneAnnotation}=${token}; or put them back`;
}

/** Kinds in whose namespaces children are watched. */
export function isWorkload(apiVersion: string): boolean {
  const { group } = parseApiVersion(apiVersion);
  return group === "apps" || group === "batch";
}
