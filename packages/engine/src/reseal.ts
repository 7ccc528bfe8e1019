import { resealQueue, type Reseal } from "@threeport/store";
import { settled, type Reconciler } from "./reconciler.ts";

/**
 * Reseals what older data keys sealed, after a rotation (S7). A run goes on to the end; one that is cut short, by its deadline or by a kill, goes on
 * where it was. It shares the store with everybody: between two steps others come first.
 */
export function resealReconciler(reseal: Reseal): Reconciler {
  return {
    queue: resealQueue,
    parallel: 1,
    async reconcile(_key, context) {
      while (await reseal()) {
        context.signal.throwIfAborted();
        await context.clock.sleep(pauseMs, context.signal);
      }
      return settled;
    },
  };
}

/** Between two steps: half of the time belongs to others. */
const pauseMs = 5;
