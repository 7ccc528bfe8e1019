// Writes in groups over one counter row (design.md §5.3).
//   S1  A caller hears of success only after COMMIT returned.
//   S2  The counter row is locked first, so commit order is number order; a stale write in a group fails alone, and so does
//       one that the database refuses (a text or an index row that it cannot hold): the others of its group go on without it.
//   S5  A write, its references and the work it causes commit together.
import { PlatformError, isErrorCode } from "@threeport/resource";
import type { Database } from "./database.ts";
import type { Sealer } from "./keys/sealer.ts";
import { enqueue, judgeAndWrite, workOf, writeReferences } from "./sql/commit-group.ts";
import { takeGroup } from "./take-group.ts";
import { formatKey, type Change, type Write, type WriteResult } from "./types.ts";

export interface Committed {
  /** The counter before this group. */
  readonly baseRv: number;
  /** The counter after it. Numbers between may be unused. */
  readonly lastRv: number;
  readonly changes: readonly Change[];
  /** Work rows were added. */
  readonly work: boolean;
}

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
      }
    } finally {
      running = false;
    }
  }

  async function commitGroup(group: readonly Pending[]): Promise<void> {
    const writes = group.map((pending) => pending.write);
    try {
      const { results, committed } = await commit(database, sealer, writes);
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

async function commit(database: Database, sealer: Sealer, writes: readonly Write[]): Promise<{ results: WriteResult[]; committed: Committed }> {
  return database.transaction(async (tx) => {
    const counter = await tx.query<{ rv: string }>({ name: "take_numbers", text: "UPDATE counter SET rv = rv + $1 WHERE id = 1 RETURNING rv" }, [
      writes.length,
    ]);
    const lastRv = Number(counter[0]?.rv);
    const baseRv = lastRv - writes.length;
    const bodies = writes.map((write, index) => `${write.body[0]}${baseRv + index + 1}${write.body[1]}`);
    const stored = writes.map((write, index) => (write.sensitive ? sealer.seal(bodies[index] ?? "", formatKey(write.key)) : (bodies[index] ?? "")));
    const judged = await judgeAndWrite(tx, writes, baseRv, stored);
    const written = writes
      .map((write, index) => ({ write, judgement: judged[index], rv: baseRv + index + 1, body: bodies[index] ?? "" }))
      .filter((entry) => entry.judgement?.written === true);
    const redeclared = written.filter((entry) => entry.write.references !== undefined && !entry.write.remove).map((entry) => entry.write);
    if (redeclared.length > 0) await writeReferences(tx, redeclared);
    const work = written.flatMap((entry) => workOf(entry.write, entry.judgement?.referred === true));
    if (work.length > 0) await enqueue(tx, work);
    const results = writes.map((write, index): WriteResult => {
      const judgement = judged[index];
      if (judgement === undefined) throw new PlatformError("TP_INTERNAL", { message: "the database judged fewer writes than were sent" });
      if (judgement.written) return { outcome: "written", rv: baseRv + index + 1, body: bodies[index] ?? "" };
      if (!judgement.lease_ok) return { outcome: "lease-lost" };
      const guard = judgement.failed_guard === null ? undefined : write.guards[judgement.failed_guard];
      if (Number(judgement.current_rv) !== write.expectRv || guard === undefined) return { outcome: "conflict", currentRv: Number(judgement.current_rv) };
      return { outcome: "refused", guard };
    });
    const changes = written.map(({ write, rv, body }) => ({
      rv,
      key: write.key,
      uid: write.uid,
      prevRv: write.expectRv,
      deleted: write.remove,
      body,
      prevBody: write.prevBody,
    }));
    return { results, committed: { baseRv, lastRv, changes, work: work.length > 0 } };
  });
}
