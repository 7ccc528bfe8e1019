import { Cron } from "croner";

/** When a CronJob is due. */
export interface Schedule {
  /** The first time after `ms`; undefined where there is none. Milliseconds since 1970. */
  next(ms: number): number | undefined;
}

const fieldsWanted = 5;
const every = /^@every (?=\d)(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?$/;

/** Five fields, a nickname such as `@hourly`, or `@every 1h30m`. @throws Error in words for a user */
export function parseSchedule(text: string, timeZone?: string): Schedule {
  const interval = every.exec(text);
  if (interval !== null) {
    const [, hours = 0, minutes = 0, seconds = 0] = interval;
    const ms = (Number(hours) * 3_600 + Number(minutes) * 60 + Math.max(Number(seconds), 0)) * 1_000;
    if (ms < 1_000) throw new Error(`failed to parse duration ${text}: it must be at least a second`);
    return { next: (from) => Math.floor(from / 1_000) * 1_000 + ms };
  }
  const parts = text.trim().split(/\s+/);
  if (!text.startsWith("@") && parts.length !== fieldsWanted)
    throw new Error(`expected exactly ${fieldsWanted} fields, found ${parts.length}: [${parts.join(" ")}]`);
  // Without a function it runs nothing: it only tells times.
  const cron = new Cron(text, { paused: true, timezone: timeZone ?? "Etc/UTC" });
  return { next: (from) => cron.nextRun(new Date(from))?.getTime() };
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false; // which is what was asked
  }
}

/**
 * The newest time from after `fromMs` until `nowMs`; undefined where there is none. However many were missed, few are looked at: it begins near the end, by
 * the distance of the first two.
 */
export function latestDue(schedule: Schedule, { fromMs, nowMs }: { readonly fromMs: number; readonly nowMs: number }): number | undefined {
  const first = schedule.next(fromMs);
  if (first === undefined || first > nowMs) return undefined;
  const second = schedule.next(first);
  if (second === undefined || second > nowMs) return first;
  let latest: number | undefined = first;
  const skipped = Math.max(0, Math.floor((nowMs - first) / (second - first)) - 1);
  for (let at: number | undefined = schedule.next(first + skipped * (second - first) - 1); at !== undefined && at <= nowMs; at = schedule.next(at)) latest = at;
  return latest;
}
