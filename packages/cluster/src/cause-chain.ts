// From the worst object of a set down to what caused it (design.md C6): every verdict names its culprit, so this is a walk.
import type { StoredObject } from "@threeport/resource";
import type { Entry } from "./apply/entry.ts";
import type { Cluster } from "./connection/cluster.ts";
import { aggregate, assess, severity, WAIT_FOR_FIRST_CONSUMER, type ObjectId, type Verdict } from "./health/index.ts";
import { idOf, idText } from "./identity.ts";

/** One object on the way down. */
export interface CauseStep {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly uid?: string;
  readonly state: string;
  readonly reason: string;
  readonly message: string;
  /** When this state began, ms since the epoch. */
  readonly since?: number;
  /** When waiting ends and it counts as failed, ms since the epoch. */
  readonly deadline?: number;
  /** What decided: where it stands in the object, and what stands there. */
  readonly evidence?: { readonly pointer: string; readonly value: string };
  /** The container whose output tells more. */
  readonly container?: { readonly name: string; readonly previous: boolean };
}

/** Set, Deployment, ReplicaSet, Pod, and room for operators that nest. */
const stepsMax = 12;
/** Characters of evidence that are shown. */
const evidenceMax = 400;

/** The worst object of these entries with what caused it, the cause last; empty when all are well. Without a cluster only what is remembered is told. */
export function causeChain(entries: readonly Entry[], cluster: Cluster | undefined, nowMs: number): CauseStep[] {
  const judged = entries.map((entry) => ({ id: idOfEntry(entry), verdict: verdictOf(entry, cluster, nowMs) }));
  const [worst] = aggregate(judged, undefined, nowMs).worst;
  if (worst === undefined) return [];
  const steps: CauseStep[] = [];
  let at: Judged | undefined = worst;
  while (at !== undefined && steps.length < stepsMax) {
    const below: Below | undefined = cluster === undefined ? undefined : belowOf(at, cluster, nowMs);
    // What has mended itself meanwhile explains nothing: what is known of the one above is told.
    const next: Judged | undefined =
      below !== undefined && isTrouble(below.judged.verdict) && !steps.some((step) => idText(step) === idText(below.judged.id)) ? below.judged : undefined;
    steps.push(stepOf(at.id, at.verdict, next === undefined ? (below?.culprit ?? find(cluster, at.id)) : undefined));
    // It was not looked at before, so it has no beginning of its own.
    at = next === undefined ? undefined : { id: next.id, verdict: { ...next.verdict, since: Math.min(at.verdict.since, next.verdict.since) } };
  }
  return steps;
}

interface Judged {
  readonly id: ObjectId;
  readonly verdict: Verdict;
}

interface Below {
  readonly judged: Judged;
  /** Set when the verdict above names it: then its evidence is in this object. */
  readonly culprit?: StoredObject;
}

function isTrouble({ state, reason }: Verdict): boolean {
  return severity[state] > severity.Suspended && reason !== WAIT_FOR_FIRST_CONSUMER;
}

/** What the verdict blames; else what it owns and is not well, although only for the ordinary reasons of a start; else a claim that a pod waits for. */
function belowOf({ id, verdict }: Judged, cluster: Cluster, nowMs: number): Below | undefined {
  const culprit = verdict.culprit === undefined ? undefined : find(cluster, verdict.culprit);
  if (culprit !== undefined) return { culprit, judged: judge(culprit, cluster, nowMs) };
  const object = find(cluster, id);
  // A failure of its own is not explained by pods that are on their way.
  if (object === undefined || (object.kind !== "Pod" && verdict.state !== "Progressing")) return undefined;
  const around = object.kind === "Pod" ? claimsOf(object, cluster) : cluster.cache.descendants(object.metadata.uid);
  const judged = around.map((each) => judge(each, cluster, nowMs)).filter((each) => isTrouble(each.verdict));
  // Of what is equally bad, the pod: what stands between says less.
  const [worst] = judged.toSorted((a, b) => severity[b.verdict.state] - severity[a.verdict.state] || Number(b.id.kind === "Pod") - Number(a.id.kind === "Pod"));
  return worst === undefined ? undefined : { judged: worst };
}

function judge(object: StoredObject, cluster: Cluster, nowMs: number): Judged {
  const id = idOf(object);
  return { id, verdict: assess({ object, id, children: cluster.cache.descendants(object.metadata.uid), now: nowMs }) };
}

/** Claims of a pod that has no node yet. */
function claimsOf(pod: StoredObject, cluster: Cluster): StoredObject[] {
  const { volumes, nodeName } = (pod["spec"] ?? {}) as { nodeName?: unknown; volumes?: { persistentVolumeClaim?: { claimName?: unknown } }[] };
  if (nodeName !== undefined || !Array.isArray(volumes)) return [];
  return volumes.flatMap((volume) => {
    const name = volume?.persistentVolumeClaim?.claimName;
    if (typeof name !== "string") return [];
    return find(cluster, { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace: pod.metadata.namespace ?? "", name }) ?? [];
  });
}

function verdictOf(entry: Entry, cluster: Cluster | undefined, nowMs: number): Verdict {
  const { refusal, verdict } = entry.detail;
  if (refusal !== undefined) return { state: "Degraded", reason: refusal.reason, message: refusal.message, evidence: "", since: verdict?.since ?? nowMs };
  const object = find(cluster, idOfEntry(entry));
  if (cluster !== undefined && object !== undefined)
    return assess({
      object,
      id: idOfEntry(entry),
      children: cluster.cache.descendants(object.metadata.uid),
      now: nowMs,
      ...(verdict === undefined ? {} : { previous: verdict }),
    });
  return verdict ?? { state: "Progressing", reason: "NotApplied", message: "It has not been applied yet.", evidence: "", since: nowMs };
}

function find(cluster: Cluster | undefined, id: ObjectId): StoredObject | undefined {
  return (id.uid === undefined ? undefined : cluster?.cache.byUid(id.uid)) ?? cluster?.cache.byId(idText(id));
}

function idOfEntry({ detail: { apiVersion, kind, name, namespace } }: Entry): ObjectId {
  return { apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) };
}

function stepOf({ apiVersion, kind, name, namespace }: ObjectId, verdict: Verdict, shown: StoredObject | undefined): CauseStep {
  const evidence = shown === undefined || shown.kind === "Secret" ? undefined : evidenceIn(shown, verdict.evidence);
  const container = shown?.kind === "Pod" ? containerAt(shown, verdict.evidence) : undefined;
  return {
    apiVersion,
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    ...(shown === undefined ? {} : { uid: shown.metadata.uid }),
    state: verdict.state,
    reason: verdict.reason,
    message: verdict.message,
    since: verdict.since,
    ...(verdict.deadline === undefined || verdict.state !== "Progressing" ? {} : { deadline: verdict.deadline }),
    ...(evidence === undefined ? {} : { evidence }),
    ...(container === undefined ? {} : { container }),
  };
}

function evidenceIn(object: StoredObject, pointer: string): CauseStep["evidence"] {
  const value = pointer === "" ? undefined : valueAt(object, pointer);
  if (value === undefined) return undefined;
  const text = JSON.stringify(value) ?? "";
  return { pointer, value: text.length <= evidenceMax ? text : `${text.slice(0, evidenceMax)}…` };
}

function valueAt(object: unknown, pointer: string): unknown {
  let found = object;
  for (const part of pointer.split("/").slice(1)) {
    if (typeof found !== "object" || found === null) return undefined;
    found = (found as Record<string, unknown>)[part.replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return found;
}

/** The container that evidence in a pod's status points to. After a crash what it wrote is in the run before. */
function containerAt(pod: StoredObject, pointer: string): CauseStep["container"] {
  const place = /^\/status\/(?:init)?[cC]ontainerStatuses\/\d{1,4}/.exec(pointer)?.[0];
  const status =
    place === undefined ? undefined : (valueAt(pod, place) as { name?: unknown; restartCount?: unknown; state?: { waiting?: unknown } } | undefined);
  if (typeof status?.name !== "string") return undefined;
  return { name: status.name, previous: Number(status.restartCount ?? 0) > 0 && status.state?.waiting !== undefined };
}
