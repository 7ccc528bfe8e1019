import type { BoundStatement } from "../flight.ts";
import type { Fence } from "../types.ts";
import { boolArray, int4Array, int8Array, textArray } from "./binary-array.ts";

// Statements of the work queue (design.md §5.4). The invariants stand in ../queue.ts.
/**
 * Rows that nobody holds, by priority and then age; fewer of a priority are locked the more the ones above it gave. `now()` and not
 * `clock_timestamp()`: only a stable function can bound the index scan, and rows that wait for later must never be read.
 * Candidates whose lease has run out are returned with `claimed` false: see {@link endExpired}. A claim that leaves out a queue passes over that queue's
 * due rows: 0.25 µs for each.
 * Served by work_due(priority, due_at). Measured on 2 cores, PG 18: 0.3 ms for 10 of 100k rows, half of them due; 10 workers on a durable
 * server: limit 1 → 3.9k keys/s, 10 → 24k/s, 50 → 42k/s, and 7k/s with their completions (`npm run bench:queue`).
 */
export const claimDue = {
  name: "claim_due",
  text: claimOf(`
WITH first AS MATERIALIZED (${candidates(0, "$3")}
), second AS MATERIALIZED (${candidates(1, "$3 - (SELECT count(*) FROM first)")}
), third AS MATERIALIZED (${candidates(2, "$3 - (SELECT count(*) FROM first) - (SELECT count(*) FROM second)")}
), due AS MATERIALIZED (
  SELECT * FROM first UNION ALL SELECT * FROM second UNION ALL SELECT * FROM third
)`),
};

/** Oldest first, whatever the priority. */
export const claimFair = {
  name: "claim_fair",
  text: claimOf(`
WITH due AS MATERIALIZED (
  SELECT c.* FROM (VALUES (0::smallint), (1::smallint), (2::smallint)) AS p(priority) CROSS JOIN LATERAL (${candidates("p.priority", "$3")}) c
  ORDER BY c.due_at LIMIT $3
)`),
};

function candidates(priority: number | string, limit: string): string {
  return `
  SELECT queue, key, fence, due_at, lease_owner IS NOT NULL AS expired FROM work
  WHERE priority = ${priority} AND due_at <= now() AND queue = ANY($2) ORDER BY due_at LIMIT ${limit} FOR UPDATE SKIP LOCKED`;
}

function claimOf(due: string): string {
  return `${due}, claimed AS (
  UPDATE work SET lease_owner = $1, due_at = clock_timestamp() + $4 * interval '1 millisecond', fence = nextval('work_fence'), claimed_generation = work.generation
  FROM due WHERE NOT due.expired AND work.queue = due.queue AND work.key = due.key
  RETURNING work.queue, work.key, work.priority, work.attempts, work.generation, work.fence, work.mask, work.cursor,
    extract(epoch FROM work.waiting_since) * 1000 AS waiting_since_ms
)
SELECT true AS claimed, claimed.* FROM claimed
UNION ALL SELECT false, queue, key, 0::smallint, 0, 0, fence, 0, '', NULL FROM due WHERE expired`;
}

/**
 * Ends leases that have run out. It stands behind the counter's row: a write of the old holder that was judged in time is committed before its
 * lease is ended, so nothing of it appears after the next holder has begun to read (Q3). A lease that ended by itself counts as a failure, so a key
 * whose reconciler kills its process is not taken for healthy.
 */
export const lockCounter = { name: "lock_counter", text: "SELECT 1 FROM counter WHERE id = 1 FOR UPDATE" };
export const endExpired = {
  name: "end_expired",
  text: `
UPDATE work SET lease_owner = NULL, attempts = attempts + 1
FROM unnest($1::text[], $2::text[], $3::bigint[]) AS f(queue, key, fence)
WHERE work.queue = f.queue AND work.key = f.key AND work.fence = f.fence AND work.lease_owner IS NOT NULL AND work.due_at <= clock_timestamp()`,
};

/** Behind the counter's row, as {@link endExpired}. Reads the whole queue: only after connections were lost. */
export const releaseForgotten = {
  name: "release_forgotten",
  text: "UPDATE work SET lease_owner = NULL, due_at = clock_timestamp() WHERE lease_owner = $1 AND fence <> ALL($2::bigint[])",
};

/** Served by work's primary key: 0.4 ms for 10 leases. Rows are locked in the order in which `enqueue` locks them, so that the two never wait for each other in a circle. */
export const renewLeases = {
  name: "renew_leases",
  text: `
WITH held AS MATERIALIZED (
  SELECT work.queue, work.key FROM unnest($1::text[], $2::text[], $3::bigint[]) AS f(queue, key, fence)
  JOIN work ON work.queue = f.queue AND work.key = f.key AND work.fence = f.fence
  WHERE work.lease_owner IS NOT NULL AND work.due_at > clock_timestamp()
  ORDER BY work.queue, work.key FOR UPDATE OF work
)
UPDATE work SET due_at = clock_timestamp() + $4 * interval '1 millisecond' FROM held WHERE work.queue = held.queue AND work.key = held.key
RETURNING work.queue, work.key`,
};

/**
 * Ends leases whose runs went well: the row of a settled key goes, the others become due again later. A change that came in between makes a key due at once (Q2):
 * the row is locked first, so a change that is being committed is seen. Rows are locked in the order in which `enqueue` locks them. Answers positions of leases that were held.
 * Served by work's primary key.
 */
const completeMany = {
  name: "complete_many",
  text: `
WITH held AS MATERIALIZED (
  SELECT work.queue, work.key, f.ord, work.generation = f.generation AS unchanged, f.settled, f.delay_ms, f.priority, f.waiting
  FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bool[], $6::bigint[], $7::int[], $8::bool[])
    WITH ORDINALITY AS f(queue, key, fence, generation, settled, delay_ms, priority, waiting, ord)
  JOIN work ON work.queue = f.queue AND work.key = f.key AND work.fence = f.fence
  WHERE work.lease_owner IS NOT NULL
  ORDER BY work.queue COLLATE "C", work.key COLLATE "C" FOR UPDATE OF work
), gone AS (
  DELETE FROM work USING held WHERE held.settled AND held.unchanged AND work.queue = held.queue AND work.key = held.key
), kept AS (
  UPDATE work SET lease_owner = NULL, attempts = 0,
    due_at = CASE WHEN held.unchanged THEN clock_timestamp() + held.delay_ms * interval '1 millisecond' ELSE clock_timestamp() END,
    priority = CASE WHEN held.unchanged THEN held.priority::smallint ELSE work.priority END,
    waiting_since = CASE WHEN held.waiting THEN coalesce(work.waiting_since, clock_timestamp()) ELSE NULL END
  FROM held WHERE NOT (held.settled AND held.unchanged) AND work.queue = held.queue AND work.key = held.key
)
SELECT ord FROM held`,
};

/** The end of a lease whose run went well. */
export interface Ending {
  readonly fence: Fence;
  readonly generation: number;
  /** Undefined for a settled key. */
  readonly again: { readonly delayMs: number; readonly priority: number; readonly waiting: boolean } | undefined;
}

export function completion(endings: readonly Ending[]): BoundStatement {
  return {
    ...completeMany,
    values: [
      textArray(endings.map(({ fence }) => fence.queue)),
      textArray(endings.map(({ fence }) => fence.key)),
      int8Array(endings.map(({ fence }) => fence.token)),
      int8Array(endings.map(({ generation }) => generation)),
      boolArray(endings.map(({ again }) => again === undefined)),
      int8Array(endings.map(({ again }) => Math.round(again?.delayMs ?? 0))),
      int4Array(endings.map(({ again }) => again?.priority ?? 0)),
      boolArray(endings.map(({ again }) => again?.waiting === true)),
    ],
  };
}

/** A failing key goes behind healthy ones of its priority by its backoff (Q6), and keeps its priority. */
export const completeFailed = {
  name: "complete_failed",
  text: `
UPDATE work SET lease_owner = NULL, attempts = CASE WHEN generation = $4 THEN attempts + 1 ELSE 0 END,
  due_at = CASE WHEN generation = $4 THEN clock_timestamp() + $5 * interval '1 millisecond' ELSE clock_timestamp() END
WHERE queue = $1 AND key = $2 AND fence = $3 AND lease_owner IS NOT NULL RETURNING 1`,
};

/** Served by work_due, one entry for each priority where any queue will do. Measured on 100k rows: 0.1 ms. */
export const nextDue = {
  name: "next_due",
  text: `SELECT extract(epoch FROM min(w.due_at) - clock_timestamp()) * 1000 AS ms FROM (VALUES (0::smallint), (1::smallint), (2::smallint)) AS p(priority)
CROSS JOIN LATERAL (SELECT due_at FROM work WHERE priority = p.priority AND queue = ANY($1) ORDER BY due_at LIMIT 1) w`,
};

export const advanceFanout = {
  name: "advance_fanout",
  text: "UPDATE work SET cursor = $4 WHERE queue = $1 AND key = $2 AND fence = $3 AND lease_owner IS NOT NULL AND generation = claimed_generation RETURNING 1",
};

/** Bounds the answer: there are as many queues as controlled kinds. */
export const queuesMax = 1_000;
export const queueDepth = {
  name: "queue_depth",
  text: `SELECT queue, count(*) AS rows, count(*) FILTER (WHERE due_at <= now()) AS due,
count(*) FILTER (WHERE lease_owner IS NOT NULL) AS leased, count(*) FILTER (WHERE attempts > 0) AS failing
FROM work GROUP BY queue ORDER BY queue LIMIT ${queuesMax}`,
};
