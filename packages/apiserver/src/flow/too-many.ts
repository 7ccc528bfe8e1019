import { PlatformError } from "@threeport/resource";

/** Why a request was not taken, as the metric names it. */
export type RefusalReason = "in-flight" | "rate" | "watches" | "overload";

/** 429 that says when to come again. */
export function tooMany(limit: RefusalReason, why: string, retryAfterSeconds: number): PlatformError {
  return new PlatformError("TP_TOO_MANY_REQUESTS", {
    message: `Too many requests: ${why}; try again in ${retryAfterSeconds} s`,
    retryAfterSeconds,
    detail: { limit },
  });
}
