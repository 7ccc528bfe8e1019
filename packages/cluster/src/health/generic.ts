import { conditionsOf, when, type SeenCondition } from "./conditions.ts";
import { degraded, healthy, progressing, routine, type Finding } from "./finding.ts";
import type { Scene } from "./scene.ts";
import { quote } from "./text.ts";

/** How long an object may be without any status before we take it for one that never gets any, in ms. */
const NO_STATUS_GRACE_MS = 30_000;

/** True means broken. `ACK.Terminal` is the word of AWS Controllers for Kubernetes. */
const brokenTypes = ["Stalled", "Failed", "ReplicaFailure", "Degraded", "ACK.Terminal"] as const;
/** True means under way. */
const movingTypes = ["Reconciling", "Progressing", "Issuing"] as const;
/** True means good; anything else means not yet. */
const goodTypes = ["Ready", "Available", "Healthy", "Synced", "Established", "Accepted", "Programmed", "ResolvedRefs", "ACK.ResourceSynced"] as const;

/** Any kind without a rule of its own: what conditions mean by convention, worst news first. */
export function generic(scene: Scene): Finding {
  const { object, time } = scene;
  const conditions = conditionsOf(object);
  const decided = byConvention(conditions);
  if (decided !== undefined) return decided;
  if (object.keys("status").length > 0) return healthy("NoKnownCondition", "It exists; its status has no condition that says more.", "/status");
  const createdAt = object.moment("metadata", "creationTimestamp");
  if (createdAt !== undefined && !time.reached(createdAt + NO_STATUS_GRACE_MS)) return routine("NoStatusYet", "No controller has written anything about it yet.", "/status");
  return healthy("Exists", "It exists; no controller reports on it.", "/status");
}

/** Kinds of Kubernetes itself that nobody works on, such as ConfigMap: to exist is all. Conditions count where there are some. */
export function existing({ object }: Scene): Finding {
  return byConvention(conditionsOf(object)) ?? healthy("Exists", "It exists.", "");
}

function byConvention(conditions: ReadonlyMap<string, SeenCondition>): Finding | undefined {
  for (const type of brokenTypes) {
    const condition = when(conditions, type, "True");
    if (condition !== undefined && !condition.stale) return degraded(condition.reason || type, `${said(condition)}.`, condition.pointer);
  }
  for (const type of movingTypes) {
    const condition = when(conditions, type, "True");
    // Deployment and its kin say Progressing=True for ever, with a reason that means that they are done.
    if (condition !== undefined && condition.reason !== "NewReplicaSetAvailable") return progressing(condition.reason || type, `${said(condition)}.`, condition.pointer);
  }
  let good: SeenCondition | undefined;
  for (const type of goodTypes) {
    const condition = conditions.get(type);
    if (condition === undefined) continue;
    if (condition.stale) return routine("GenerationNotObserved", `Its condition ${type} speaks of an older generation: its controller has not acted on the newest one yet.`, condition.pointer);
    if (condition.status !== "True") return progressing(condition.reason || `Not${type}`, `${type} is ${quote(condition.status)}: ${said(condition)}.`, condition.pointer);
    good ??= condition;
  }
  return good === undefined ? undefined : healthy(good.reason || good.type, `${good.type}: ${said(good)}.`, good.pointer);
}

function said(condition: SeenCondition): string {
  return quote(condition.message || condition.reason || condition.type);
}
