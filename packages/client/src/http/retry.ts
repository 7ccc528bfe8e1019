import type { Random } from "@threeport/platform";
import type { PlatformError } from "@threeport/resource";

/** Tries of one call, the first one included; callers have backoff of their own beyond this. */
export const attemptsMax = 5;
/** A server that asks for more patience than this is answered by giving the error to the caller, who holds no connection while waiting. */
const retryAfterSecondsMax = 15;

/**
 * How long to wait before the call is sent again, or undefined when it must not be. A 429 says that nothing was done, so any method may
 * be repeated; a 503 may come from a proxy after the server acted, so only reads are.
 */
export function retryDelayMs(error: PlatformError, attempt: number, context: { repeatable: boolean; random: Random }): number | undefined {
  const seconds = error.retryAfterSeconds;
  if (seconds === undefined || seconds > retryAfterSecondsMax || attempt >= attemptsMax) return undefined;
  const status = error.detail["httpStatus"];
  if (status !== 429 && !(context.repeatable && status === 503)) return undefined;
  return Math.round(seconds * 1000 * (1 + context.random.float() / 4)); // jitter: everybody was told the same second
}
