import { WrongShape, type Cursor } from "./cursor.ts";
import { reasonWord } from "./text.ts";

export interface SeenCondition {
  readonly type: string;
  readonly status: string;
  /** "" where there is none, or none in the form of a reason. */
  readonly reason: string;
  readonly message: string;
  /** In ms since the epoch. */
  readonly changedAt: number | undefined;
  readonly pointer: string;
  /** The condition speaks of an older generation than the object has. */
  readonly stale: boolean;
}

/**
 * The conditions in `list` (usually `/status/conditions`) by type; the first of a type counts. With `only`, other types
 * are not looked at: kinds that we do not know may give them a shape of their own.
 */
export function readConditions(list: Cursor, generation: number | undefined, only?: ReadonlySet<string>): ReadonlyMap<string, SeenCondition> {
  const seen = new Map<string, SeenCondition>();
  for (const element of list.list()) {
    const named = element.at("type").value;
    if (only !== undefined && (typeof named !== "string" || !only.has(named))) continue;
    const type = element.text("type");
    const status = element.text("status");
    if (type === undefined) throw new WrongShape(element.at("type").pointer, "a string", undefined);
    if (status === undefined) throw new WrongShape(element.at("status").pointer, "a string", undefined);
    if (seen.has(type)) continue;
    const observed = element.number("observedGeneration");
    seen.set(type, {
      type,
      status,
      reason: reasonWord(element.text("reason") ?? "") ?? "",
      message: element.text("message") ?? "",
      changedAt: readMoment(element),
      pointer: element.pointer,
      stale: observed !== undefined && generation !== undefined && observed > 0 && observed < generation,
    });
  }
  return seen;
}

/** The object's own conditions. */
export function conditionsOf(object: Cursor, only?: ReadonlySet<string>): ReadonlyMap<string, SeenCondition> {
  return readConditions(object.at("status", "conditions"), object.number("metadata", "generation"), only);
}

/** The condition if it is there with this status. */
export function when(conditions: ReadonlyMap<string, SeenCondition>, type: string, status: string): SeenCondition | undefined {
  const condition = conditions.get(type);
  return condition?.status === status ? condition : undefined;
}

/** Times in conditions are decoration: many controllers write none, or not as a time; that must not hide the condition. */
function readMoment(element: Cursor): number | undefined {
  const written = element.at("lastTransitionTime").value;
  const moment = typeof written === "string" ? Date.parse(written) : Number.NaN;
  return Number.isNaN(moment) ? undefined : moment;
}
