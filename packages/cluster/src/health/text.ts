import type { ObjectId } from "./verdict.ts";

/** Messages of other programs are quoted up to here, in characters: a status is read in a table, not in a pager. */
const QUOTE_MAX_CHARS = 300;
/** No more of a foreign message is looked at, in characters, so that no pattern can be made to run long. */
const SCAN_MAX_CHARS = 4096;
/** Lists in sentences name this many and count the rest. */
const LIST_MAX_ITEMS = 5;

const controlCharacters = /[\p{Cc}\u2028\u2029]+/gu;
const colourCodes = /\p{Cc}\[[0-9;]{0,20}[A-Za-z]/gu;

/** One line without control characters, long enough for patterns to look at. */
export function scannable(foreign: string): string {
  return foreign.slice(0, SCAN_MAX_CHARS).replace(colourCodes, "").replace(controlCharacters, " ").trim();
}

/** A foreign message as part of our sentence: one line, bounded, without a closing full stop. */
export function quote(foreign: string): string {
  const line = scannable(foreign).replace(/\.$/, "");
  return line.length <= QUOTE_MAX_CHARS ? line : `${line.slice(0, QUOTE_MAX_CHARS - 1)}…`;
}

const reasonShape = /^[A-Za-z]([A-Za-z0-9_,:.-]{0,126}[A-Za-z0-9_])?$/;

/** The word as a reason, where it has the form that Kubernetes asks of one (a CamelCase word, at most 128 characters). */
export function reasonWord(foreign: string): string | undefined {
  return reasonShape.test(foreign) ? foreign : undefined;
}

/** `a, b and 3 more`. */
export function enumerate(items: readonly string[]): string {
  if (items.length <= LIST_MAX_ITEMS) return items.join(", ");
  return `${items.slice(0, LIST_MAX_ITEMS).join(", ")} and ${items.length - LIST_MAX_ITEMS} more`;
}

/** `Pod shop/web-1`. */
export function nameOf(id: ObjectId): string {
  return `${id.kind} ${id.namespace === undefined ? "" : `${id.namespace}/`}${id.name}`;
}

/** `1 pod`, `2 pods`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** A moment for people, to the second: `2026-11-22T10:00:00Z`. */
export function at(moment: number): string {
  const date = new Date(moment);
  return Number.isNaN(date.getTime()) ? "an unknown time" : `${date.toISOString().slice(0, 19)}Z`;
}

/** `10 min`, `90 s`. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds % 3600 === 0 && seconds > 0) return `${seconds / 3600} h`;
  return seconds % 60 === 0 && seconds > 0 ? `${seconds / 60} min` : `${seconds} s`;
}
