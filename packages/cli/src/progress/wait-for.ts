import type { Clock } from "@threeport/platform";
import { PlatformError, toPlatformError, type ErrorCode } from "@threeport/resource";

export interface WaitOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Between two looks. */
  readonly everyMs?: number;
  /** Told while the control plane does not answer, with undefined when it does again. */
  readonly onTrouble?: (sentence: string | undefined) => void;
}

/** How often the control plane is looked at while somebody waits: prompt for people, cheap for a server with hundreds of them. */
const lookEveryMs = 400;

/** A control plane that restarts under a wait is waited for; these errors mean that. */
const passing = new Set<ErrorCode>(["TP_RUNTIME_UNREACHABLE", "TP_UNAVAILABLE", "TP_TOO_MANY_REQUESTS", "TP_DATABASE_UNAVAILABLE"]);

/**
 * Looks until there is something. Errors that pass by themselves are waited out; others end the wait.
 * @throws PlatformError TP_DEADLINE; what `look` throws; the signal's reason
 */
export async function waitFor<T>(look: () => Promise<T | undefined>, options: WaitOptions): Promise<T> {
  const { clock, signal, timeoutMs, everyMs = lookEveryMs, onTrouble } = options;
  const until = clock.monotonic() + timeoutMs;
  let trouble: PlatformError | undefined;
  for (;;) {
    signal.throwIfAborted();
    try {
      const found = await look();
      if (trouble !== undefined) onTrouble?.(undefined);
      trouble = undefined;
      if (found !== undefined) return found;
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      const error = toPlatformError(thrown);
      if (!passing.has(error.code)) throw thrown;
      if (trouble === undefined) onTrouble?.(error.message);
      trouble = error;
    }
    const left = until - clock.monotonic();
    if (left <= 0) throw trouble ?? new PlatformError("TP_DEADLINE");
    await clock.sleep(Math.min(everyMs, left), signal);
  }
}
