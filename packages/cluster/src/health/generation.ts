import type { Cursor } from "./cursor.ts";
import { routine, type Finding } from "./finding.ts";

/**
 * Says so when the controller has not yet seen the newest spec: everything in status is then about the past. Any kind:
 * some controllers (Argo Rollouts) write the number as a string; what is not a whole number says nothing.
 */
export function staleGeneration(object: Cursor): Finding | undefined {
  const written = object.at("status", "observedGeneration").value;
  const observed = typeof written === "string" && /^\d{1,15}$/.test(written) ? Number(written) : written;
  return typeof observed === "number" ? behind(object, observed) : undefined;
}

/** For kinds whose controller always writes `observedGeneration`: absent means that it has not looked yet. */
export function unseenGeneration(object: Cursor): Finding | undefined {
  return behind(object, object.number("status", "observedGeneration") ?? 0);
}

function behind(object: Cursor, observed: number): Finding | undefined {
  const generation = object.number("metadata", "generation");
  if (generation === undefined || observed >= generation) return undefined;
  const seen = observed === 0 ? "has not looked at it yet" : `has seen generation ${observed} only`;
  return routine("GenerationNotObserved", `Generation ${generation} is not acted on: the controller of this kind ${seen}.`, "/status/observedGeneration");
}
