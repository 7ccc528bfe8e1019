// Work queue (design.md §5.4). A row is one key that needs attention; only the lease that saw its newest generation ends it.
//   Q1  At most one live lease per key; lease time is the database's clock.
//   Q2  A key enqueued while leased runs again after that lease ends (generation moved).
//   Q4  Leases end by themselves: `due_at` of a leased row is the end of its lease, so a killed process loses no key.
//   Q5  Priority first, but one claim in `fairClaimEvery` goes by age alone, so that a flood cannot starve the rest.
//   Q6  Backoff stands in the row.
import type { Database } from "./database.ts";
import { enqueue, type WorkRow } from "./sql/commit-group.ts";
import type { Fence, Priority } from "./types.ts";

export interface Claim {
  readonly fence: Fence;
  readonly priority: Priority;
  /** Failures since the last success or change. */
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
  | { readonly kind: "failed"; readonly delayMs: number };

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
  /** Milliseconds until the next row of these queues is due; undefined when there is none. */
  nextDueMs(queues: readonly string[]): Promise<number | undefined>;
  /** Rows by queue: how many, how many due, how many that failed. For metrics. */
  depth(): Promise<readonly { queue: string; rows: number; due: number; failing: number }[]>;
}

/** Served by work_due: for each priority the oldest due rows, so rows that wait for later are never scanned. */
const claimDue = {
  name: "claim_due",
  text: `
WITH due AS (
  SELECT w.queue, w.key FROM (VALUES (0::smallint), (1::smallint), (2::smallint)) AS p(priority)
  CROSS JOIN LATERAL (
    SELECT queue, key, priority, due_at FROM work
    WHERE priority = p.priority AND due_at <= clock_timestamp() AND queue = ANY($2) ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED) w
  ORDER BY CASE WHEN $5 THEN 0 ELSE w.priority END, w.due_at LIMIT $3
)
UPDATE work SET lease_owner = $1, due_at = clock_timestamp() + $4 * interval '1 millisecond', fence = nextval('work_fence'), claimed_generation = work.generation,
  claimed_priority = work.priority
FROM due WHERE work.queue = due.queue AND work.key = due.key
RETURNING work.queue, work.key, work.priority, work.attempts, work.generation, work.fence, work.mask, work.cursor,
  extract(epoch FROM work.waiting_since) * 1000 AS waiting_since_ms`,
};

const renewLeases = {
  name: "renew_leases",
  text: `
UPDATE work SET due_at = clock_timestamp() + $4 * interval '1 millisecond'
FROM unnest($1::text[], $2::text[], $3::bigint[]) AS f(queue, key, fence)
WHERE work.queue = f.queue AND work.key = f.key AND work.fence = f.fence AND work.lease_owner IS NOT NULL AND work.due_at > clock_timestamp()
RETURNING work.queue, work.key`,
};

/** The row goes only when no change came in between; else it is due at once (Q2). */
const completeSettled = {
  name: "complete_settled",
  text: `
WITH gone AS (
  DELETE FROM work WHERE queue = $1 AND key = $2 AND fence = $3 AND generation = $4 AND lease_owner IS NOT NULL RETURNING 1
), kept AS (
  UPDATE work SET lease_owner = NULL, due_at = clock_timestamp(), attempts = 0, waiting_since = NULL
  WHERE queue = $1 AND key = $2 AND fence = $3 AND generation <> $4 AND lease_owner IS NOT NULL RETURNING 1
)
SELECT 1 FROM gone UNION ALL SELECT 1 FROM kept`,
};

const completeAgain = {
  name: "complete_again",
  text: `
UPDATE work SET lease_owner = NULL,
  due_at = CASE WHEN generation = $4 THEN clock_timestamp() + $5 * interval '1 millisecond' ELSE clock_timestamp() END,
  priority = CASE WHEN generation = $4 THEN $6::smallint ELSE priority END,
  attempts = CASE WHEN $7 THEN attempts + 1 ELSE 0 END,
  waiting_since = CASE WHEN $8 THEN coalesce(waiting_since, clock_timestamp()) ELSE NULL END
WHERE queue = $1 AND key = $2 AND fence = $3 AND lease_owner IS NOT NULL RETURNING 1`,
};

interface ClaimRow {
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

export function createQueue(database: Database): Queue {
  return {
    async claim(input) {
      const rows = await database.query<ClaimRow>(claimDue, [input.owner, input.queues, input.limit, input.leaseMs, input.fair]);
      return rows
        .map((row) => ({
          fence: { queue: row.queue, key: row.key, token: Number(row.fence) },
          priority: row.priority as Priority,
          attempts: row.attempts,
          generation: Number(row.generation),
          waitingSinceMs: row.waiting_since_ms === null ? undefined : Number(row.waiting_since_ms),
          mask: row.mask,
          cursor: row.cursor,
        }))
        .sort((a, b) => a.priority - b.priority || a.fence.token - b.fence.token);
    },
    async renew(fences, leaseMs) {
      const rows = await database.query<{ queue: string; key: string }>(renewLeases, [fences.map((fence) => fence.queue), fences.map((fence) => fence.key), fences.map((fence) => fence.token), leaseMs]);
      return new Set(rows.map((row) => `${row.queue}|${row.key}`));
    },
    async complete(fence, generation, completion) {
      const identity = [fence.queue, fence.key, fence.token, generation];
      if (completion.kind === "settled") return (await database.query(completeSettled, identity)).length > 0;
      const failed = completion.kind === "failed";
      // A failing key goes behind healthy ones of its priority by its backoff, and keeps its priority.
      const rows = failed
        ? await database.query(completeFailed, [...identity, completion.delayMs])
        : await database.query(completeAgain, [...identity, completion.delayMs, completion.priority, false, completion.waiting]);
      return rows.length > 0;
    },
    async advance(fence, cursor) {
      const rows = await database.query({ name: "advance_fanout", text: "UPDATE work SET cursor = $4 WHERE queue = $1 AND key = $2 AND fence = $3 AND lease_owner IS NOT NULL AND generation = claimed_generation RETURNING 1" }, [fence.queue, fence.key, fence.token, cursor]);
      return rows.length > 0;
    },
    enqueue: (rows) => enqueue(database, rows),
    async nextDueMs(queues) {
      const rows = await database.query<{ ms: string | null }>(nextDue, [queues]);
      const ms = rows[0]?.ms;
      return ms === null || ms === undefined ? undefined : Math.max(0, Number(ms));
    },
    async depth() {
      const rows = await database.query<{ queue: string; rows: string; due: string; failing: string }>(
        { name: "queue_depth", text: "SELECT queue, count(*) AS rows, count(*) FILTER (WHERE due_at <= now()) AS due, count(*) FILTER (WHERE attempts > 0) AS failing FROM work GROUP BY queue ORDER BY queue LIMIT 1000" },
        [],
      );
      return rows.map((row) => ({ queue: row.queue, rows: Number(row.rows), due: Number(row.due), failing: Number(row.failing) }));
    },
  };
}

const completeFailed = {
  name: "complete_failed",
  text: `
UPDATE work SET lease_owner = NULL, attempts = CASE WHEN generation = $4 THEN attempts + 1 ELSE 0 END,
  due_at = CASE WHEN generation = $4 THEN clock_timestamp() + $5 * interval '1 millisecond' ELSE clock_timestamp() END
WHERE queue = $1 AND key = $2 AND fence = $3 AND lease_owner IS NOT NULL RETURNING 1`,
};

/** Served by work_due, one entry for each priority and queue filter. */
const nextDue = {
  name: "next_due",
  text: `SELECT extract(epoch FROM min(w.due_at) - clock_timestamp()) * 1000 AS ms FROM (VALUES (0::smallint), (1::smallint), (2::smallint)) AS p(priority)
CROSS JOIN LATERAL (SELECT due_at FROM work WHERE priority = p.priority AND queue = ANY($1) ORDER BY due_at LIMIT 1) w`,
};
