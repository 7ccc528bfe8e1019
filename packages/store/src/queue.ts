// Work queue (design.md §5.4). A row is one key that needs attention; only the lease that saw its newest generation ends it.
//   Q1  At most one live lease per key; lease time is the database's clock.
//   Q2  A key enqueued while leased runs again after that lease ends (generation moved).
//   Q3  A lease that ran out, or whose run was given up at its deadline, is ended behind the counter's row: what was written under it is committed before
//       anybody else claims the key.
//   Q4  Leases end by themselves: `due_at` of a leased row is the end of its lease, so a killed process loses no key.
//   Q5  Priority first, but one claim in `fairClaimEvery` goes by age alone, so that a flood cannot starve the rest.
//   Q6  Backoff stands in the row.
import type { Database } from "./database.ts";
import { share } from "./share.ts";
import { enqueue, type WorkRow } from "./sql/enqueue.ts";
import {
  advanceFanout,
  claimDue,
  claimFair,
  completeFailed,
  completion as completionOf,
  endExpired,
  type Ending,
  lockCounter,
  nextDue,
  queueDepth,
  releaseForgotten,
  renewLeases,
} from "./sql/work.ts";
import type { Fence, Priority } from "./types.ts";

export interface Claim {
  readonly fence: Fence;
  readonly priority: Priority;
  /** Failures since the last success or change; a lease that ended by itself is one. */
  readonly attempts: number;
  readonly generation: number;
  /** When the present wait began, milliseconds; undefined when the key does not wait (Q7). */
  readonly waitingSinceMs: number | undefined;
  /** Fan-out rows only. */
  readonly mask: number;
  readonly cursor: string;
}

export interface ClaimInput {
  readonly owner: string;
  readonly queues: readonly string[];
  readonly limit: number;
  readonly leaseMs: number;
  /** Oldest first, whatever the priority. */
  readonly fair: boolean;
}

/** How a run ended; `failed` counts towards the backoff, `waiting` keeps `waiting_since`. */
export type Completion =
  | { readonly kind: "settled" }
  | { readonly kind: "again"; readonly delayMs: number; readonly priority: Priority; readonly waiting: boolean }
  /** `abandoned`: the run was given up and may still be writing. */
  | { readonly kind: "failed"; readonly delayMs: number; readonly abandoned?: boolean };

export interface Queue {
  /** Claims due rows of these queues under new fences. */
  claim(input: ClaimInput): Promise<Claim[]>;
  /** Prolongs leases that are still held; returns the fences that were, by `queue|key`. */
  renew(fences: readonly Fence[], leaseMs: number): Promise<ReadonlySet<string>>;
  /** Ends a lease. False when the lease was lost; the row is then somebody else's. */
  complete(fence: Fence, generation: number, completion: Completion): Promise<boolean>;
  /** Moves a fan-out row forward under its fence. */
  advance(fence: Fence, cursor: string): Promise<boolean>;
  enqueue(rows: readonly WorkRow[]): Promise<void>;
  /** Ends all leases. Only for a process that is known to be the only one on this database: what a killed one held is free at once, and later each time, since it may be what killed it. */
  releaseAll(): Promise<void>;
  /**
   * Ends the leases of a process that it does not know of: the answer to its claim, or its word that a run has ended, was lost with a connection. `held` are those
   * that it works under; no claim of it may be on its way.
   */
  releaseForgotten(owner: string, held: readonly Fence[]): Promise<void>;
  /** Milliseconds until the next row of these queues is due; undefined when there is none. */
  nextDueMs(queues: readonly string[]): Promise<number | undefined>;
  /** For metrics, and to see whether all is at rest. */
  depth(): Promise<readonly QueueDepth[]>;
}

/** Rows of one queue: all, those that are due, those that somebody works on or did when it ended, those whose last run failed. */
export interface QueueDepth {
  readonly queue: string;
  readonly rows: number;
  readonly due: number;
  readonly leased: number;
  readonly failing: number;
}

interface ClaimRow {
  /** False: a lease on this row ran out and is to be ended. */
  claimed: boolean;
  queue: string;
  key: string;
  priority: number;
  attempts: number;
  generation: string;
  fence: string;
  mask: number;
  cursor: string;
  waiting_since_ms: string | null;
  [column: string]: unknown;
}

/** Leases that end in one statement. */
const endingsMax = 100;

/** `onEnqueued`: work was added, a hint for workers. */
export function createQueue(database: Database, onEnqueued: () => void = () => {}): Queue {
  async function endLate(expired: readonly ClaimRow[]): Promise<void> {
    await database.transaction(async (tx) => {
      await tx.query(lockCounter, []);
      await tx.query(endExpired, [expired.map((row) => row.queue), expired.map((row) => row.key), expired.map((row) => row.fence)]);
    });
  }
  const end = share({ groupMax: endingsMax }, async (endings: readonly Ending[]) => {
    const [rows = []] = await database.atOnce([completionOf(endings)]);
    const held = new Set(rows.map(([ord]) => Number(ord) - 1));
    return endings.map((_, index) => held.has(index));
  });

  return {
    async claim(input) {
      const claims: Claim[] = [];
      // Leases that ran out are ended first; the second round claims their keys.
      for (let round = 0; round < 2; round++) {
        const values = [input.owner, input.queues, input.limit - claims.length, input.leaseMs];
        const rows = await database.query<ClaimRow>(input.fair ? claimFair : claimDue, values).catch(unless(claims));
        claims.push(...rows.filter((row) => row.claimed).map(toClaim));
        const expired = rows.filter((row) => !row.claimed);
        if (expired.length === 0) break;
        await endLate(expired).catch(unless(claims));
      }
      return claims.sort((a, b) => a.priority - b.priority || a.fence.token - b.fence.token);
    },
    async renew(fences, leaseMs) {
      const rows = await database.query<{ queue: string; key: string }>(renewLeases, [
        fences.map((fence) => fence.queue),
        fences.map((fence) => fence.key),
        fences.map((fence) => fence.token),
        leaseMs,
      ]);
      return new Set(rows.map((row) => `${row.queue}|${row.key}`));
    },
    async complete(fence, generation, completion) {
      switch (completion.kind) {
        case "settled":
          return end({ fence, generation, again: undefined });
        case "again":
          return end({ fence, generation, again: completion });
        case "failed": {
          const identity = [fence.queue, fence.key, fence.token, generation];
          if (completion.abandoned !== true) return (await database.query(completeFailed, [...identity, completion.delayMs])).length > 0;
          return database.transaction(async (tx) => {
            await tx.query(lockCounter, []);
            return (await tx.query(completeFailed, [...identity, completion.delayMs])).length > 0;
          });
        }
      }
    },
    async advance(fence, cursor) {
      const rows = await database.query(advanceFanout, [fence.queue, fence.key, fence.token, cursor]);
      return rows.length > 0;
    },
    async enqueue(rows) {
      await enqueue(database, rows);
      onEnqueued();
    },
    async releaseAll() {
      await database.query(
        {
          name: "release_all",
          text: "UPDATE work SET lease_owner = NULL, attempts = attempts + 1, due_at = clock_timestamp() + least(60, power(2, least(attempts, 6)) - 1) * interval '1 second' WHERE lease_owner IS NOT NULL",
        },
        [],
      );
    },
    async releaseForgotten(owner, held) {
      await database.transaction(async (tx) => {
        await tx.query(lockCounter, []);
        await tx.query(releaseForgotten, [owner, held.map((fence) => fence.token)]);
      });
    },
    async nextDueMs(queues) {
      const rows = await database.query<{ ms: string | null }>(nextDue, [queues]);
      const ms = rows[0]?.ms;
      return ms === null || ms === undefined ? undefined : Math.max(0, Number(ms));
    },
    async depth() {
      const rows = await database.query<Record<keyof QueueDepth, string>>(queueDepth, []);
      return rows.map((row) => ({
        queue: row.queue,
        rows: Number(row.rows),
        due: Number(row.due),
        leased: Number(row.leased),
        failing: Number(row.failing),
      }));
    },
  };
}

function toClaim(row: ClaimRow): Claim {
  return {
    fence: { queue: row.queue, key: row.key, token: Number(row.fence) },
    priority: row.priority as Priority,
    attempts: row.attempts,
    generation: Number(row.generation),
    waitingSinceMs: row.waiting_since_ms === null ? undefined : Number(row.waiting_since_ms),
    mask: row.mask,
    cursor: row.cursor,
  };
}

/** What was claimed must reach the caller, whatever fails after it: the rows that were not are met again by the next claim. */
function unless(claims: readonly Claim[]): (error: unknown) => [] {
  return (error) => {
    if (claims.length === 0) throw error;
    return [];
  };
}
