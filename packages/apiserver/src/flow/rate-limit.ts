import type { Clock } from "@threeport/platform";
import { tooMany } from "./too-many.ts";

export interface RateLimitOptions {
  readonly clock: Clock;
  readonly perSecond: number;
  /** Requests that may come at once after a rest. */
  readonly burst: number;
}

/** Users whose bucket is not full; beyond, those that are full by now are forgotten. */
const bucketsMax = 10_000;

/** A token bucket for each user: `take` throws TP_TOO_MANY_REQUESTS when it is empty. */
export function createRateLimit({ clock, perSecond, burst }: RateLimitOptions): { take(user: string): void } {
  const buckets = new Map<string, { tokens: number; at: number }>();

  function forgetFull(now: number): void {
    for (const [user, { tokens, at }] of buckets) if (tokens + ((now - at) / 1000) * perSecond >= burst) buckets.delete(user);
  }

  return {
    take(user) {
      const now = clock.monotonic();
      const known = buckets.get(user);
      const tokens = known === undefined ? burst : Math.min(burst, known.tokens + ((now - known.at) / 1000) * perSecond);
      if (tokens < 1) throw tooMany("rate", `more than ${perSecond} a second`, Math.max(1, Math.ceil((1 - tokens) / perSecond)));
      if (known === undefined && buckets.size >= bucketsMax) forgetFull(now);
      buckets.set(user, { tokens: tokens - 1, at: now });
    },
  };
}
