import { PlatformError } from "@threeport/resource";
import type { Database } from "./database.ts";
import type { Sealer } from "./keys/sealer.ts";
import { groupStatements, judgeAndWrite, numbersFor, readGroupAnswer, workOf, type Judgement } from "./sql/commit-group.ts";
import { enqueue } from "./sql/enqueue.ts";
import { redeclares, referencesOfGroup, writeReferences } from "./sql/write-references.ts";
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

export interface CommittedGroup {
  readonly results: readonly WriteResult[];
  readonly committed: Committed;
}

/**
 * A group in one transaction and one round trip: all statements are sent before the first is answered, so nothing that the database answers can go into
 * a later one. A sensitive body is sealed with its number in it, which is why its group goes in steps.
 */
export async function commitAtOnce(database: Database, writes: readonly Write[]): Promise<CommittedGroup> {
  const references = referencesOfGroup(writes);
  const [numbers, answer] = await database.atOnce([...groupStatements(writes), ...(references === undefined ? [] : [references])]);
  const { baseRv, judged, work } = readGroupAnswer(writes.length, numbers, answer);
  const bodies = writes.map((write, index) => bodyOf(write, baseRv + index + 1));
  return tell(writes, { baseRv, bodies, judged, work });
}

/** The same in a transaction that waits for each answer: for what this process must make of the numbers itself. */
export async function commitInSteps(database: Database, sealer: Sealer, writes: readonly Write[]): Promise<CommittedGroup> {
  return database.transaction(async (tx) => {
    const baseRv = await numbersFor(tx, writes.length);
    const bodies = writes.map((write, index) => bodyOf(write, baseRv + index + 1));
    const stored = writes.map((write, index) => (write.sensitive ? sealer.seal(bodies[index] ?? "", formatKey(write.key)) : (bodies[index] ?? "")));
    const judged = await judgeAndWrite(tx, writes, { baseRv, bodies: stored });
    const isWritten = (_: Write, index: number): boolean => judged[index]?.written === true;
    await writeReferences(tx, writes.filter(isWritten).filter(redeclares));
    const work = writes.flatMap((write, index) => (isWritten(write, index) ? workOf(write, judged[index]?.referred === true) : []));
    if (work.length > 0) await enqueue(tx, work);
    return tell(writes, { baseRv, bodies, judged, work: work.length > 0 });
  });
}

function bodyOf(write: Write, rv: number): string {
  return `${write.body[0]}${rv}${write.body[1]}`;
}

interface Judged {
  readonly baseRv: number;
  readonly bodies: readonly string[];
  readonly judged: readonly Judgement[];
  readonly work: boolean;
}

function tell(writes: readonly Write[], { baseRv, bodies, judged, work }: Judged): CommittedGroup {
  const changes: Change[] = [];
  const results = writes.map((write, index): WriteResult => {
    const judgement = judged[index];
    if (judgement === undefined) throw new PlatformError("TP_INTERNAL", { message: "the database judged fewer writes than were sent" });
    const rv = baseRv + index + 1;
    const body = bodies[index] ?? "";
    if (judgement.written) {
      changes.push({ rv, key: write.key, uid: write.uid, prevRv: write.expectRv, deleted: write.remove, body, prevBody: write.prevBody });
      return { outcome: "written", rv, body };
    }
    if (!judgement.leaseOk) return { outcome: "lease-lost" };
    const guard = judgement.failedGuard === undefined ? undefined : write.guards[judgement.failedGuard];
    if (judgement.currentRv !== write.expectRv || guard === undefined) return { outcome: "conflict", currentRv: judgement.currentRv };
    return { outcome: "refused", guard };
  });
  return { results, committed: { baseRv, lastRv: baseRv + writes.length, changes, work } };
}
