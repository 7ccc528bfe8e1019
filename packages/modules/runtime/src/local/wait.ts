import type { Clock } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";

export interface WaitOptions {
  readonly clock: Clock;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  /** Default {@link pollMsDefault}. */
  readonly pollMs?: number;
}

/** Short enough that nobody feels it, long enough that looking costs nothing. */
const pollMsDefault = 40;

/** Looks until `look` finds something, and returns it; TP_DEADLINE naming `what` when it does not in time. */
export async function waitFor<T>(what: string, look: () => Promise<T | undefined>, options: WaitOptions): Promise<T> {
  const until = options.clock.monotonic() + options.deadlineMs;
  for (;;) {
    options.signal?.throwIfAborted();
    const found = await look();
    if (found !== undefined) return found;
    if (options.clock.monotonic() >= until) {
      throw new PlatformError("TP_DEADLINE", {
        message: `${what} did not happen within ${Math.round(options.deadlineMs / 1000)} seconds.`,
        detail: { what, deadlineMs: options.deadlineMs },
      });
    }
    await options.clock.sleep(options.pollMs ?? pollMsDefault, options.signal);
  }
}
