import { conditionsOf, when, type SeenCondition } from "./conditions.ts";
import type { Cursor } from "./cursor.ts";
import { degraded, healthy, progressing, routine, suspended, type Finding } from "./finding.ts";
import { policyAttachment } from "./kinds/gateway.ts";
import type { Scene } from "./scene.ts";
import { quote } from "./text.ts";

/** How long an object may be without any status before we take it for one that never gets any, in ms. */
const NO_STATUS_GRACE_MS = 30_000;

/** True means broken. `ACK.Terminal` is the word of AWS Controllers for Kubernetes, `Denied` of certificate requests. */
const brokenTypes = ["Stalled", "Failed", "ReplicaFailure", "Degraded", "Denied", "InvalidRequest", "ACK.Terminal"] as const;
/** True means under way. */
const movingTypes = ["Reconciling", "Progressing", "Issuing"] as const;
/** True means good; anything else means not yet. */
const goodTypes = ["Ready", "Available", "Healthy", "Synced", "Established", "Accepted", "Programmed", "ResolvedRefs", "ACK.ResourceSynced"] as const;
const knownTypes: ReadonlySet<string> = new Set([...brokenTypes, ...movingTypes, ...goodTypes]);

/** Reasons with which Deployment and its kin say Progressing=True for ever, meaning that they are done. */
const doneReasons: ReadonlySet<string> = new Set(["NewReplicaSetAvailable", "NewReplicationControllerAvailable"]);
/** Words in `status.phase` or `status.state`, in lower case, whose meaning does not depend on the kind. */
const failedPhases: ReadonlySet<string> = new Set(["failed", "failure", "error", "errored", "degraded"]);
const movingPhases: ReadonlySet<string> = new Set([
  "pending",
  "creating",
  "provisioning",
  "initializing",
  "installing",
  "updating",
  "upgrading",
  "inprogress",
  "in_progress",
  "progressing",
  "reconciling",
]);

/** Any kind without a rule of its own: what spec and conditions mean by convention, worst news first. */
export function generic(scene: Scene): Finding {
  const { object, time } = scene;
  const decided = byConvention(object);
  if (decided !== undefined) return decided;
  if (object.at("status", "ancestors").exists) return policyAttachment(scene);
  if (object.keys("status").length > 0)
    return byPhase(object) ?? healthy("NoKnownCondition", "It exists; its status has no condition that says more.", "/status");
  const createdAt = object.moment("metadata", "creationTimestamp");
  if (createdAt !== undefined && !time.reached(createdAt + NO_STATUS_GRACE_MS)) return noStatusYet();
  return healthy("Exists", "It exists; no controller reports on it.", "/status");
}

/** Kinds whose controller reports on every object: silence means that it does not run. */
export function awaited({ object }: Scene): Finding {
  return byConvention(object) ?? noStatusYet();
}

/** Kinds of Kubernetes itself that nobody works on, such as ConfigMap: to exist is all. Conditions count where there are some. */
export function existing({ object }: Scene): Finding {
  return byConditions(conditionsOf(object, knownTypes)) ?? healthy("Exists", "It exists.", "");
}

function noStatusYet(): Finding {
  return routine("NoStatusYet", "No controller has written anything about it yet. If this lasts, check that the controller of its kind runs.", "/status");
}

function byConvention(object: Cursor): Finding | undefined {
  for (const field of ["suspend", "suspended", "paused"]) {
    if (object.at("spec", field).value === true)
      return suspended("Suspended", `It is suspended: its controller leaves it alone until spec.${field} is set to false.`, `/spec/${field}`);
  }
  return byConditions(conditionsOf(object, knownTypes));
}

function byConditions(conditions: ReadonlyMap<string, SeenCondition>): Finding | undefined {
  for (const type of brokenTypes) {
    const condition = when(conditions, type, "True");
    if (condition !== undefined && !condition.stale) return degraded(condition.reason || type, `${type}: ${said(condition)}.`, condition.pointer);
  }
  for (const type of movingTypes) {
    const condition = when(conditions, type, "True");
    if (condition !== undefined && !doneReasons.has(condition.reason))
      return progressing(condition.reason || type, `${type}: ${said(condition)}.${failureSoFar(conditions)}`, condition.pointer);
  }
  let good: SeenCondition | undefined;
  for (const type of goodTypes) {
    const condition = conditions.get(type);
    if (condition === undefined) continue;
    if (condition.stale)
      return routine(
        "GenerationNotObserved",
        `Its condition ${type} speaks of an older generation: its controller has not acted on the newest one yet.`,
        condition.pointer,
      );
    if (condition.status !== "True")
      return progressing(condition.reason || `Not${type}`, `${type} is ${quote(condition.status)}: ${said(condition)}.`, condition.pointer);
    good ??= condition;
  }
  return good === undefined ? undefined : healthy(good.reason || good.type, `${good.type}: ${said(good)}.`, good.pointer);
}

/** Controllers that try again say so, and keep what went wrong last in Ready. */
function failureSoFar(conditions: ReadonlyMap<string, SeenCondition>): string {
  const ready = when(conditions, "Ready", "False");
  return ready === undefined || ready.message === "" ? "" : ` Ready is False: ${said(ready)}.`;
}

function byPhase(object: Cursor): Finding | undefined {
  for (const field of ["phase", "state"]) {
    const { value, pointer } = object.at("status", field);
    if (typeof value !== "string") continue;
    const word = value.toLowerCase();
    const message = object.at("status", "message").value;
    const why = typeof message === "string" && message !== "" ? `: ${quote(message)}` : "";
    if (failedPhases.has(word)) return degraded("PhaseFailed", `Its ${field} is ${quote(value)}${why}.`, pointer);
    if (movingPhases.has(word)) return progressing("PhasePending", `Its ${field} is ${quote(value)}${why}.`, pointer);
  }
  return undefined;
}

function said(condition: SeenCondition): string {
  return quote(condition.message || condition.reason || condition.type);
}
