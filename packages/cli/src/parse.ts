// Parsers of flags and arguments. All are bounded: what is accepted fits where it goes.
import { parseQuantity } from "@threeport/resource";

/** Longest value of a flag or argument that names something. */
const nameLengthMax = 253;

/** `90s`, `5m`, `1h30m`, `1500ms`, or seconds as a plain number, as milliseconds. */
export function durationMs(text: string): number {
  const match = /^(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9})s)?(?:(\d{1,9})ms)?$/.exec(text);
  const ms = /^\d{1,9}$/.test(text)
    ? Number(text) * 1000
    : match === null || text === ""
      ? Number.NaN
      : (Number(match[1] ?? 0) * 3600 + Number(match[2] ?? 0) * 60 + Number(match[3] ?? 0)) * 1000 + Number(match[4] ?? 0);
  if (Number.isNaN(ms) || ms > durationMsMax) throw new SyntaxError(`a duration looks like 90s, 5m or 1h30m and is at most ${durationMsMax / 86_400_000} days`);
  return ms;
}

/** Longest duration; nobody waits longer than this at a terminal. */
const durationMsMax = 7 * 86_400_000;

/** `12 s`, `3 min 20 s`: what a wait took. */
export function durationText(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.floor(seconds / 60)} min ${seconds % 60} s` : `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** The name of something: the server says what it may look like, this says what can be asked for at all. */
export function nameText(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is refused
  if (text === "" || text.length > nameLengthMax || /[\u0000-\u0020\u007f%\\|]/.test(text))
    throw new SyntaxError(`${JSON.stringify(text.slice(0, 60))} cannot be a name`);
  return text;
}

/** A DNS label: what names a project, an environment, a runtime. */
export function labelText(text: string): string {
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text))
    throw new SyntaxError(`${JSON.stringify(text.slice(0, 70))} must be lower-case letters, digits and "-", at most 63`);
  return text;
}

/** A whole number from `min` to `max`. */
export function integerBetween(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d{1,9}$/.test(text) || value < min || value > max)
      throw new SyntaxError(`must be a whole number from ${min} to ${max}, not ${JSON.stringify(text.slice(0, 20))}`);
    return value;
  };
}

/** How long an environment lives, as its `spec.ttl` has it: `90m`, `4h`, `7d`. The server says how long it may be. */
export function ttlText(text: string): string {
  if (!/^(?=\d)(?:\d{1,5}d)?(?:\d{1,6}h)?(?:\d{1,8}m)?(?:\d{1,9}s)?$/.test(text))
    throw new SyntaxError(`${JSON.stringify(text.slice(0, 60))} is no such time; write for example 90m, 4h or 7d`);
  return text;
}

/** `zone=eu,size=large`. */
export function labelsOf(text: string): Record<string, string> {
  const pairs = text
    .slice(0, freeTextLengthMax)
    .split(",")
    .map((part) => /^([^=\s]{1,317})=([^=\s]{0,63})$/.exec(part));
  if (pairs.includes(null)) throw new SyntaxError(`${JSON.stringify(text.slice(0, 60))}: write labels such as zone=eu,size=large`);
  return Object.fromEntries(pairs.map((match) => [match?.[1] ?? "", match?.[2] ?? ""]));
}

/** A path, an address, a selector: passed on as it is. */
export function freeText(text: string): string {
  if (text === "" || text.length > freeTextLengthMax || text.includes("\0"))
    throw new SyntaxError(`must not be empty or longer than ${freeTextLengthMax} characters`);
  return text;
}

/** Longest path that Linux takes. */
const freeTextLengthMax = 4096;

/** What a quota may limit, as `spec.quota` of an Environment has it. */
export interface QuotaLimits {
  readonly workloads?: number;
  readonly dependencies?: number;
  readonly cpu?: string;
  readonly memory?: string;
}

/** `workloads=20,dependencies=10,cpu=8,memory=32Gi`, any of them. */
export function quotaOf(text: string): QuotaLimits {
  const limits: { workloads?: number; dependencies?: number; cpu?: string; memory?: string } = {};
  for (const part of text.split(",")) {
    const [, name, value = ""] = /^(workloads|dependencies|cpu|memory)=(.{1,64})$/.exec(part) ?? [];
    if (name === undefined) throw new SyntaxError(`${JSON.stringify(part.slice(0, 60))}: write limits such as workloads=20,dependencies=10,cpu=8,memory=32Gi`);
    if (name in limits) throw new SyntaxError(`${name} is named twice`);
    if (name === "workloads" || name === "dependencies") limits[name] = integerBetween(0, 1_000_000)(value);
    else limits[name as "cpu" | "memory"] = quantityText(value);
  }
  return limits;
}

function quantityText(text: string): string {
  try {
    if (parseQuantity(text).nanos >= 0n) return text;
  } catch {
    // told below
  }
  throw new SyntaxError(`${JSON.stringify(text)} is no amount; write for example 500m, 2 or 64Gi`);
}
