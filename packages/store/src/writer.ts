// Writes in groups over one counter row (design.md §5.3).
//   S1  A caller hears of success only after COMMIT returned.
//   S2  The counter row is locked first, so commit order is number order; a stale write in a group fails alone, and so does
//       one that the database refuses (a text or an index row that it cannot hold): the others of its group go on without it.
//   S5  A write, its references and the work it causes commit together.
import { PlatformError, isErrorCode } from "@threeport/resource";
import { commitAtOnce, commitInSteps, type Committed } from "./commit.ts";
import type { Database } from "./database.ts";
import type { Sealer } from "./keys/sealer.ts";
import { takeGroup } from "./take-group.ts";
import type { Write, WriteResult } from "./types.ts";

export interface Writer {
  write(write: Write): Promise<WriteResult>;
}

interface Pending {
  readonly write: Write;
  readonly resolve: (result: WriteResult) => void;
  readonly reject: (error: Error) => void;
}

/** `onCommitted` is called in number order, once for each group of this process; `changes` is empty when all of its writes failed. */
export function createWriter(database: Database, sealer: Sealer, onCommitted: (group: Committed) => void): Writer {
  let waiting: Pending[] = [];
  let running = false;

  async function drain(): Promise<void> {
    running = true;
    try {
      while (waiting.length > 0) {
        const { group, rest } = takeGroup(waiting);
        waiting = rest;
        await commitGroup(group);
        await nextTurn();
      }
    } finally {
      running = false;
    }
  }

  /** Requests that have arrived by now join the next group: the larger it is, the less each of its writes costs. */
  const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  async function commitGroup(group: readonly Pending[]): Promise<void> {
    const writes = group.map((pending) => pending.write);
    try {
      const sensitive = writes.some((write) => write.sensitive);
      const { results, committed } = await (sensitive ? commitInSteps(database, sealer, writes) : commitAtOnce(database, writes));
      onCommitted(committed);
      group.forEach((pending, index) => {
        const result = results[index];
        if (result === undefined) pending.reject(new PlatformError("TP_INTERNAL", { message: "the database answered for fewer writes than were sent" }));
        else pending.resolve(result);
      });
    } catch (error) {
      if (group.length > 1 && !isErrorCode(error, "TP_DATABASE_UNAVAILABLE")) {
        for (const pending of group) await commitGroup([pending]);
      } else {
        for (const pending of group) pending.reject(error as Error);
        // Whoever waits would only find out the same, one time limit later each.
        if (isErrorCode(error, "TP_DATABASE_UNAVAILABLE")) for (const pending of waiting.splice(0)) pending.reject(error as Error);
      }
    }
  }

  return {
    write: (write) =>
      new Promise((resolve, reject) => {
        waiting.push({ write, resolve, reject });
        // One turn of the loop lets the requests that arrived together share the group.
        if (!running) {
          running = true;
          setImmediate(() => void drain());
        }
      }),
  };
}
