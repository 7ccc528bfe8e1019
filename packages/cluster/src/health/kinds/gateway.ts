import { conditionsOf, readConditions, type SeenCondition } from "../conditions.ts";
import type { Cursor } from "../cursor.ts";
import { degraded, healthy, progressing, routine, type Finding } from "../finding.ts";
import type { Scene } from "../scene.ts";
import { enumerate, quote } from "../text.ts";

/** Reasons with which the Gateway API says "nobody has looked yet" (its CRD writes the first as a default). */
const waitingReasons: ReadonlySet<string> = new Set(["Pending", "AddressNotAssigned"]);

/** Routes and the Services behind them are made at the same time, in any order: one that is not there yet may come. */
const backendNotFound = "BackendNotFound";

/** A Gateway or ListenerSet: accepted and programmed, and each listener with its references resolved. */
export function gateway({ object, time }: Scene): Finding {
  const generation = object.number("metadata", "generation");
  const conditions = conditionsOf(object);
  const className = object.text("spec", "gatewayClassName");
  const advice = className === undefined ? "Check its gateway." : `Check that GatewayClass ${quote(className)} exists and its controller runs.`;
  const refused = refusal(conditions, "It", time);
  if (refused !== undefined) return refused;
  const listeners = object
    .list("status", "listeners")
    .map((listener) => ({ name: quote(listener.text("name") ?? ""), conditions: readConditions(listener.at("conditions"), generation) }));
  for (const { name, conditions: own } of listeners) {
    const bad = refusal(own, `Its listener "${name}"`, time);
    if (bad !== undefined) return bad;
  }
  const waiting = pending(conditions, ["Accepted", "Programmed"], advice);
  if (waiting !== undefined) return waiting;
  for (const { conditions: own } of listeners) {
    const behind = own.has("Programmed") ? pending(own, ["Programmed"], advice) : undefined;
    if (behind !== undefined) return behind;
  }
  return healthy("Programmed", "It is accepted and programmed.", conditions.get("Programmed")?.pointer ?? "/status/conditions");
}

/** An HTTPRoute, GRPCRoute, TLSRoute, TCPRoute or UDPRoute: each parent decides for itself. */
export function route({ object, time }: Scene): Finding {
  const parents = object.list("status", "parents");
  const answered = new Set(parents.map((parent) => parent.text("parentRef", "name")));
  const silent = object
    .list("spec", "parentRefs")
    .map((parent) => parent.text("name"))
    .filter((name) => name !== undefined && !answered.has(name));
  const found = attached(object, { entries: parents, reference: "parentRef", pointer: "/status/parents", time });
  if (found.state !== "Healthy" || silent.length === 0) return found;
  return progressing(
    "NoParentYet",
    `Gateway ${enumerate(silent.map((name) => quote(name ?? "")))} has not answered yet. Check that it exists and its controller runs.`,
    "/status/parents",
  );
}

/** A policy that attaches to objects (GEP-713), such as BackendTLSPolicy: each ancestor decides for itself. */
export function policyAttachment({ object, time }: Scene): Finding {
  return attached(object, { entries: object.list("status", "ancestors"), reference: "ancestorRef", pointer: "/status/ancestors", time });
}

interface Attachment {
  readonly entries: readonly Cursor[];
  /** Field of an entry that names what it attaches to. */
  readonly reference: string;
  readonly pointer: string;
  readonly time: Scene["time"];
}

/** Entries that speak of an older generation belong to parents of the past, as long as one speaks of this one. */
function attached(object: Cursor, { entries, reference, pointer, time }: Attachment): Finding {
  const generation = object.number("metadata", "generation");
  const seen = entries.map((entry) => ({ name: quote(entry.text(reference, "name") ?? ""), conditions: readConditions(entry.at("conditions"), generation) }));
  const current = seen.filter(({ conditions }) => conditions.size > 0 && ![...conditions.values()].some(({ stale }) => stale));
  if (current.length === 0)
    return routine(
      seen.length === 0 ? "NoParentYet" : "GenerationNotObserved",
      "No gateway has answered to its newest generation yet. Check that the gateway exists and its controller runs.",
      pointer,
    );
  for (const { name, conditions } of current) {
    const bad = refusal(conditions, `For "${name}" it`, time);
    if (bad !== undefined) return bad;
  }
  for (const { name, conditions } of current) {
    const waiting = pending(conditions, conditions.has("Programmed") ? ["Accepted", "Programmed"] : ["Accepted"], `Check the controller of "${name}".`);
    if (waiting !== undefined) return waiting;
  }
  return healthy("Accepted", "All that it attaches to have accepted it.", pointer);
}

/** How long what an object refers to may be missing after it was looked for, in ms: objects that belong together are made one after another. */
const REFERENCE_GRACE_MS = 60_000;
/** Reasons that say "what it names is not there" (gateway-api apis/v1, shared_types.go and httproute_types.go, 1.3). */
const referenceReasons: ReadonlySet<string> = new Set(["InvalidCertificateRef", "NoMatchingListenerHostname", "NoMatchingParent", "RefNotPermitted"]);

/** Conditions that say no. What speaks of an older generation does not decide. */
function refusal(conditions: ReadonlyMap<string, SeenCondition>, who: string, time: Scene["time"]): Finding | undefined {
  for (const type of ["Accepted", "ResolvedRefs"]) {
    const condition = conditions.get(type);
    if (condition?.status !== "False" || condition.stale || waitingReasons.has(condition.reason)) continue;
    const verb = type === "Accepted" ? "is not accepted" : "refers to something that cannot be used";
    const said = `${who} ${verb}: ${quote(condition.message || condition.reason)}.`;
    const reason = condition.reason || `Not${type}`;
    const fresh = condition.changedAt !== undefined && referenceReasons.has(reason) && !time.reached(condition.changedAt + REFERENCE_GRACE_MS);
    return fresh || reason === backendNotFound
      ? progressing(reason, `${said} That is normal while it is being made.`, condition.pointer)
      : degraded(reason, said, condition.pointer);
  }
  const conflicted = conditions.get("Conflicted");
  if (conflicted?.status === "True" && !conflicted.stale)
    return degraded(
      conflicted.reason || "Conflicted",
      `${who} is in conflict with another: ${quote(conflicted.message || conflicted.reason)}.`,
      conflicted.pointer,
    );
  return undefined;
}

function pending(conditions: ReadonlyMap<string, SeenCondition>, types: readonly string[], advice: string): Finding | undefined {
  for (const type of types) {
    const condition = conditions.get(type);
    if (condition?.status === "True" && !condition.stale) continue;
    if (condition === undefined) return routine(`Not${type}`, `It is not ${type.toLowerCase()} yet. ${advice}`, "/status/conditions");
    if (condition.stale) return routine("GenerationNotObserved", `Its controller has not acted on the newest generation yet (${type}).`, condition.pointer);
    return progressing(
      condition.reason || `Not${type}`,
      `It is not ${type.toLowerCase()} yet: ${quote(condition.message || condition.reason)}. ${advice}`,
      condition.pointer,
    );
  }
  return undefined;
}
