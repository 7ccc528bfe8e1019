import { deepClone, isErrorCode, type KubeObject, type Objects } from "@threeport/resource";
import type { Clock, Logger } from "@threeport/platform";
import type { Policy } from "./policy.ts";

/** Changes that come together are looked at together. */
const settleMs = 20;
const retryMs = 5_000;

/**
 * Writes the rules of aggregated ClusterRoles into them, where people and tools read them. The policy itself does not wait
 * for it. Level-triggered: `look` may be called at any time, any number of times, in every replica.
 */
export function keepAggregates(input: {
  readonly policy: Policy;
  readonly objects: Objects;
  readonly clock: Clock;
  readonly log: Logger;
}): Disposable & { look(): void } {
  const { policy, objects, clock, log } = input;
  let timer: Disposable | undefined;
  let running = false;
  let stopped = false;

  function look(afterMs = settleMs): void {
    if (stopped || timer !== undefined || running) return;
    timer = clock.after(afterMs, () => {
      timer = undefined;
      running = true;
      void write()
        .catch((error: unknown) => {
          if (!stopped) log.info("the rules of an aggregated role could not be written; it is tried again", { error: String(error) });
          return retryMs;
        })
        .then((again) => {
          running = false;
          if (again !== undefined) look(again);
        });
    });
  }

  /** When to look again; undefined when all is written. What changed meanwhile is seen by the second look. */
  async function write(): Promise<number | undefined> {
    const outdated = policy.outdatedAggregates();
    for (const { role, rules } of outdated) {
      const next: KubeObject = { ...deepClone(role as KubeObject), rules };
      try {
        await objects.commit<KubeObject>(role, next);
      } catch (error) {
        // Another replica wrote it, or somebody changed or removed it: the feed tells, and we look again.
        if (!isErrorCode(error, "TP_VERSION_CONFLICT") && !isErrorCode(error, "TP_NOT_FOUND")) throw error;
      }
    }
    return outdated.length === 0 ? undefined : aggregateAgainMs;
  }

  return {
    look: () => look(),
    [Symbol.dispose]() {
      stopped = true;
      timer?.[Symbol.dispose]();
    },
  };
}

/** By then the feed has handed our own writes back. */
const aggregateAgainMs = 500;
