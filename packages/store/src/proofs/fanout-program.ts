/** Expands the fan-out rows as the engine does. After `stopAfter` woken keys it hangs between the wake-up and the cursor's move, for its parent to kill it. */
import { fanoutQueue } from "../types.ts";
import { openLabStore, until } from "./lab.ts";
import { runProgram } from "./spawn.ts";

export interface FanoutInput {
  readonly batch: number;
  readonly leaseMs: number;
  readonly stopAfter: number;
}

await runProgram<FanoutInput>(async ({ input, connection }) => {
  await using store = await openLabStore(connection);
  let woken = 0;
  await until("the end of the fan-out", async () => {
    const [claim] = await store.queue.claim({ owner: String(process.pid), queues: [fanoutQueue], limit: 1, leaseMs: input.leaseMs, fair: false });
    if (claim === undefined) return (await store.queue.depth()).every((row) => row.queue !== fanoutQueue);
    let cursor: string | undefined = claim.cursor;
    while (cursor !== undefined) {
      cursor = await store.references.expand({ ...claim, cursor }, input.batch);
      woken += input.batch;
      if (woken >= input.stopAfter) await until("the kill", () => false);
      if (cursor !== undefined && !(await store.queue.advance(claim.fence, cursor))) return false;
    }
    await store.queue.complete(claim.fence, claim.generation, { kind: "settled" });
    return false;
  });
});
