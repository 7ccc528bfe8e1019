// How long an environment lives: a text in spec, and a time in status.
import type { ErrorCause } from "@threeport/resource";
import type { Environment } from "./environment-kind.ts";

const [secondMs, minuteMs, hourMs, dayMs] = [1_000, 60_000, 3_600_000, 86_400_000];
/** Shorter ones end before anything in them is healthy. */
const ttlMsMin = minuteMs;
/** Ten years: a longer one is not a time that anybody waits for. */
const ttlMsMax = 3_650 * dayMs;

/** `7d`, `4h`, `90m`, `1h30m`, as milliseconds; undefined for what is no such text, or out of bounds. */
export function ttlMs(text: string): number | undefined {
  const match = /^(?=\d)(?:(\d{1,5})d)?(?:(\d{1,6})h)?(?:(\d{1,8})m)?(?:(\d{1,9})s)?$/.exec(text);
  if (match === null) return undefined;
  const [days, hours, minutes, seconds] = match.slice(1).map((part: string | undefined) => Number(part ?? 0));
  const ms = (days ?? 0) * dayMs + (hours ?? 0) * hourMs + (minutes ?? 0) * minuteMs + (seconds ?? 0) * secondMs;
  return ms >= ttlMsMin && ms <= ttlMsMax ? ms : undefined;
}

/** What is wrong with `spec.ttl`. */
export function ttlCauses({ ttl, extendedAt }: Environment["spec"]): ErrorCause[] {
  if (ttl !== undefined && ttlMs(ttl) === undefined)
    return [
      {
        field: "spec.ttl",
        reason: "FieldValueInvalid",
        message: `Invalid value: ${JSON.stringify(ttl.slice(0, 60))}: write a duration such as 90m, 4h or 7d, from 1m to ${ttlMsMax / dayMs}d`,
      },
    ];
  if (ttl === undefined && extendedAt !== undefined)
    return [{ field: "spec.extendedAt", reason: "FieldValueForbidden", message: "Forbidden: there is nothing to extend without spec.ttl; set it too" }];
  return [];
}

/** What a status remembers: which wish is counted, and from when. */
export type Lifetime = NonNullable<NonNullable<Environment["status"]>["lifetime"]>;

/**
 * From when `spec.ttl` counts, and until when. A wish that stands in the status already goes on counting from where it began; a new one counts from now, so
 * that a ttl on an environment that is old never ends it at once. Undefined without a ttl.
 */
export function lifetimeOf({ spec, status, metadata }: Environment, nowMs: number): { readonly lifetime: Lifetime; readonly endsMs: number } | undefined {
  const length = spec.ttl === undefined ? undefined : ttlMs(spec.ttl);
  if (spec.ttl === undefined || length === undefined) return undefined;
  const known = status?.lifetime;
  const same = known !== undefined && known.ttl === spec.ttl && known.extendedAt === spec.extendedAt;
  const createdMs = Date.parse(metadata.creationTimestamp ?? "");
  const isFirst = known === undefined && metadata.generation === 1 && !Number.isNaN(createdMs);
  const sinceMs = same ? Date.parse(known.since) : isFirst ? createdMs : nowMs;
  const wish = { ttl: spec.ttl, ...(spec.extendedAt === undefined ? {} : { extendedAt: spec.extendedAt }) };
  return { lifetime: { ...wish, since: new Date(sinceMs).toISOString().replace(/\.\d+Z$/, "Z") }, endsMs: sinceMs + length };
}
