import { fanoutQueue, type References, type Queue } from "@threeport/store";
import { settled, waiting, type Reconciler } from "./reconciler.ts";

/** Waiters woken per step: one statement each, so that a change with 10,000 waiters never holds the queue. */
const expandBatch = 500;

/** Expands fan-out rows (S5) behind a stored cursor: a kill in the middle goes on where it was. */
export function fanoutReconciler(references: References, queue: Queue): Reconciler {
  return {
    queue: fanoutQueue,
    async reconcile(_key, context) {
      const { claim } = context;
      let cursor: string | undefined = claim.cursor;
      while (cursor !== undefined) {
        context.signal.throwIfAborted();
        cursor = await references.expand({ ...claim, cursor }, expandBatch);
        // Another change came in: the row starts again from its beginning under a new claim.
        if (cursor !== undefined && !(await queue.advance(claim.fence, cursor))) return waiting("a newer change of the same object", 0);
      }
      return settled;
    },
  };
}
