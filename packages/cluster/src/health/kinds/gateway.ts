import { conditionsOf, readConditions, type SeenCondition } from "../conditions.ts";
import type { Cursor } from "../cursor.ts";
import { degraded, healthy, progressing, routine, type Finding } from "../finding.ts";
import type { Scene } from "../scene.ts";
import { quote } from "../text.ts";

/** Reasons with which the Gateway API says "nobody has looked yet" (its CRD writes the first as a default). */
const waitingReasons: ReadonlySet<string> = new Set(["Pending", "AddressNotAssigned"]);

/** A Gateway: accepted and programmed, and each listener with its references resolved. */
export function gateway({ object }: Scene): Finding {
  const generation = object.number("metadata", "generation");
  const conditions = conditionsOf(object);
  const className = quote(object.text("spec", "gatewayClassName") ?? "");
  const refused = refusal(conditions, "It");
  if (refused !== undefined) return refused;
  for (const listener of object.list("status", "listeners")) {
    const name = quote(listener.text("name") ?? "");
    const bad = refusal(readConditions(listener.at("conditions"), generation), `Its listener "${name}"`);
    if (bad !== undefined) return bad;
  }
  return pending(conditions, ["Accepted", "Programmed"], `Check that GatewayClass ${className} exists and its controller runs.`) ?? healthy("Programmed", "It is accepted and programmed.", conditions.get("Programmed")?.pointer ?? "/status/conditions");
}

/** An HTTPRoute, GRPCRoute, TLSRoute, TCPRoute or UDPRoute: each parent decides for itself. */
export function route({ object }: Scene): Finding {
  const generation = object.number("metadata", "generation");
  const parents = object.list("status", "parents");
  if (parents.length === 0) return routine("NoParentYet", `No gateway has answered yet. Check that ${parentNames(object)} exists and its controller runs.`, "/status/parents");
  let waiting: Finding | undefined;
  for (const parent of parents) {
    const conditions = readConditions(parent.at("conditions"), generation);
    const name = quote(parent.text("parentRef", "name") ?? "");
    const bad = refusal(conditions, `For gateway "${name}" it`);
    if (bad !== undefined) return bad;
    waiting ??= pending(conditions, ["Accepted"], `Check the controller of gateway "${name}".`);
  }
  return waiting ?? healthy("Accepted", "Its gateways have accepted it.", "/status/parents");
}

/** Conditions that say no. What speaks of an older generation does not decide. */
function refusal(conditions: ReadonlyMap<string, SeenCondition>, who: string): Finding | undefined {
  for (const type of ["Accepted", "ResolvedRefs"]) {
    const condition = conditions.get(type);
    if (condition?.status !== "False" || condition.stale || waitingReasons.has(condition.reason)) continue;
    const verb = type === "Accepted" ? "is not accepted" : "refers to something that cannot be used";
    return degraded(condition.reason || `Not${type}`, `${who} ${verb}: ${quote(condition.message || condition.reason)}.`, condition.pointer);
  }
  const conflicted = conditions.get("Conflicted");
  if (conflicted?.status === "True" && !conflicted.stale) return degraded(conflicted.reason || "Conflicted", `${who} is in conflict with another: ${quote(conflicted.message || conflicted.reason)}.`, conflicted.pointer);
  return undefined;
}

function pending(conditions: ReadonlyMap<string, SeenCondition>, types: readonly string[], advice: string): Finding | undefined {
  for (const type of types) {
    const condition = conditions.get(type);
    if (condition?.status === "True" && !condition.stale) continue;
    if (condition === undefined) return routine(`Not${type}`, `It is not ${type.toLowerCase()} yet. ${advice}`, "/status/conditions");
    if (condition.stale) return routine("GenerationNotObserved", `Its controller has not acted on the newest generation yet (${type}).`, condition.pointer);
    return progressing(condition.reason || `Not${type}`, `It is not ${type.toLowerCase()} yet: ${quote(condition.message || condition.reason)}. ${advice}`, condition.pointer);
  }
  return undefined;
}

function parentNames(object: Cursor): string {
  const names = object.list("spec", "parentRefs").map((parent) => quote(parent.text("name") ?? ""));
  return names.length === 0 ? "its gateway" : `gateway ${names.join(", ")}`;
}
