import { PlatformError } from "@threeport/resource";
import type { Queryable } from "../database.ts";
import type { BoundStatement, TextRows } from "../flight.ts";
import { fanoutQueue, formatKey, type Write } from "../types.ts";
import { boolArray, int4Array, int8Array, textArray } from "./binary-array.ts";
import { enqueueFrom, type WorkRow } from "./enqueue.ts";

/** What the database said to one write of a group. */
export interface Judgement {
  readonly written: boolean;
  readonly currentRv: number;
  readonly leaseOk: boolean;
  readonly failedGuard: number | undefined;
}

/** `judged`, and what follows from it for versions and objects. Parameters 1 to 20 are {@link groupValues}; `numbered` adds rv and body to each `t`. */
const judging = (numbered: string): string => `
WITH op AS MATERIALIZED (${numbered}
), guard AS MATERIALIZED (
  SELECT g.ord, min(g.n) AS failed
  FROM unnest($14::int[], $15::int[], $16::text[], $17::text[], $18::text[], $19::bool[], $20::bool[]) AS g(ord, n, kind, namespace, name, must_exist, unreferenced)
  LEFT JOIN object o ON o.kind = g.kind AND o.namespace = g.namespace AND o.name = g.name
  WHERE (o.uid IS NULL AND g.must_exist) OR (o.terminating AND NOT g.unreferenced) OR (g.unreferenced AND EXISTS (
    SELECT 1 FROM reference r WHERE r.target_kind = g.kind AND r.target_namespace = g.namespace AND r.target_name = g.name AND r.path NOT LIKE '$%'
      AND (SELECT NOT s.terminating FROM object s WHERE s.kind = r.source_kind AND s.namespace = r.source_namespace AND s.name = r.source_name)))
  GROUP BY g.ord
), judged AS MATERIALIZED (
  SELECT op.*, coalesce(o.rv, 0) AS current_rv, guard.failed,
    op.fence = 0 OR EXISTS (SELECT 1 FROM work w WHERE w.queue = op.fence_queue AND w.key = op.fence_key AND w.fence = op.fence AND w.lease_owner IS NOT NULL AND w.due_at > clock_timestamp()) AS lease_ok
  FROM op
  LEFT JOIN object o ON o.kind = op.kind AND o.namespace = op.namespace AND o.name = op.name
  LEFT JOIN guard ON guard.ord = op.ord
), ok AS MATERIALIZED (
  SELECT *, changes <> 0 AND EXISTS (SELECT 1 FROM reference r
    WHERE r.target_kind = judged.kind AND r.target_namespace = judged.namespace AND r.target_name = judged.name AND r.waits_for & judged.changes <> 0) AS referred
  FROM judged WHERE current_rv = expect AND lease_ok AND failed IS NULL
), new_version AS (
  INSERT INTO version (rv, kind, namespace, name, uid, prev_rv, deleted, body, schema_version, written_at)
  SELECT rv, kind, namespace, name, uid, current_rv, remove, body, schema_version, now() FROM ok
), put AS (
  INSERT INTO object (kind, namespace, name, uid, rv, terminating)
  SELECT kind, namespace, name, uid, rv, terminating FROM ok WHERE NOT remove
  ON CONFLICT (kind, namespace, name) DO UPDATE SET uid = excluded.uid, rv = excluded.rv, terminating = excluded.terminating
), gone AS (
  DELETE FROM object o USING ok WHERE ok.remove AND o.kind = ok.kind AND o.namespace = ok.namespace AND o.name = ok.name
), unreferenced AS (
  DELETE FROM reference r USING ok WHERE ok.remove AND r.source_kind = ok.kind AND r.source_namespace = ok.namespace AND r.source_name = ok.name
)`;

const operations = `unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bool[], $8::bool[], $9::text[], $10::text[], $11::text[], $12::bigint[], $13::int[]`;
const columns = "ord, kind, namespace, name, uid, expect, remove, terminating, schema_version, fence_queue, fence_key, fence, changes";

function groupValues(writes: readonly Write[]): Buffer[] {
  const guards = writes.flatMap((write, ord) => write.guards.map((guard, n) => ({ ord, n, guard })));
  return [
    int4Array(writes.map((_, index) => index)),
    textArray(writes.map((write) => write.key.kind)),
    textArray(writes.map((write) => write.key.namespace)),
    textArray(writes.map((write) => write.key.name)),
    textArray(writes.map((write) => write.uid)),
    int8Array(writes.map((write) => write.expectRv)),
    boolArray(writes.map((write) => write.remove)),
    boolArray(writes.map((write) => write.terminating)),
    textArray(writes.map((write) => write.schemaVersion)),
    textArray(writes.map((write) => write.fence?.queue ?? "")),
    textArray(writes.map((write) => write.fence?.key ?? "")),
    int8Array(writes.map((write) => write.fence?.token ?? 0)),
    int4Array(writes.map((write) => write.changes)),
    int4Array(guards.map((entry) => entry.ord)),
    int4Array(guards.map((entry) => entry.n)),
    textArray(guards.map((entry) => entry.guard.target.kind)),
    textArray(guards.map((entry) => entry.guard.target.namespace)),
    textArray(guards.map((entry) => entry.guard.target.name)),
    boolArray(guards.map((entry) => entry.guard.mustExist)),
    boolArray(guards.map((entry) => entry.guard.unreferenced === true)),
  ];
}

/** Locks the counter until the transaction ends (S2), and answers its new number. */
const takeNumbers = { name: "take_numbers", text: "UPDATE counter SET rv = rv + $1 WHERE id = 1 RETURNING rv" };

/** Of `count` numbers, the one before the first. */
export async function numbersFor(tx: Queryable, count: number): Promise<number> {
  const rows = await tx.query<{ rv: string }>(takeNumbers, [count]);
  return Number(rows[0]?.rv) - count;
}

interface JudgedRow {
  readonly current_rv: string;
  readonly lease_ok: boolean;
  readonly failed_guard: number | null;
  readonly written: boolean;
  readonly referred: boolean;
  readonly [column: string]: unknown;
}

/**
 * Judges and writes a whole group in one statement. It runs after the counter row is locked in the same transaction, so
 * its snapshot holds every earlier write and no other can come between; a stale write reports `written = false` and
 * fails alone (S2). Served by the primary keys of object, work and reference. Measured with 100k rows in each: 0.3 ms for one write, 8 ms for 128.
 * A change of what 10k others refer to, none of them waiting for such a change, reads all of their reference rows: 8 ms.
 */
const writeGroup = {
  name: "write_group",
  text: `${judging(`
  SELECT * FROM ${operations}, $21::bigint[], $22::text[]) AS t(${columns}, rv, body)`)}
SELECT j.current_rv, j.lease_ok, j.failed AS failed_guard, ok.ord IS NOT NULL AS written, coalesce(ok.referred, false) AS referred
FROM judged j LEFT JOIN ok ON ok.ord = j.ord ORDER BY j.ord`,
};

/** `referred`: others wait for what this write changed. */
export async function judgeAndWrite(
  tx: Queryable,
  writes: readonly Write[],
  numbered: { readonly baseRv: number; readonly bodies: readonly string[] },
): Promise<(Judgement & { readonly referred: boolean })[]> {
  const numbers = int8Array(writes.map((_, index) => numbered.baseRv + index + 1));
  const rows = await tx.query<JudgedRow>(writeGroup, [...groupValues(writes), numbers, textArray(numbered.bodies)]);
  return rows.map((row) => ({
    written: row.written,
    currentRv: Number(row.current_rv),
    leaseOk: row.lease_ok,
    failedGuard: row.failed_guard ?? undefined,
    referred: row.referred,
  }));
}

/** The work that a written change causes: its own keys, and one fan-out row when others wait for such a change (S5). */
export function workOf(write: Write, referred: boolean): WorkRow[] {
  const own = write.wake.map((row) => ({ ...row, priority: write.priority, mask: 0, delayMs: 0 }));
  return referred ? [...own, { queue: fanoutQueue, key: formatKey(write.key), priority: write.priority, mask: write.changes, delayMs: 0 }] : own;
}

/**
 * The same, with the work that follows, for a transaction whose statements are all sent before the first is answered: numbers are counted back from the
 * counter, which this transaction has moved, and the bodies get theirs here. Answers one row: what was not written, and whether work was added.
 */
const writeGroupWithWork = {
  name: "write_group_with_work",
  text: `${judging(`
  SELECT t.*, c.rv - $23::int + t.ord + 1 AS rv, t.head || (c.rv - $23::int + t.ord + 1) || t.tail AS body
  FROM ${operations}, $21::text[], $22::text[], $24::int[]) AS t(${columns}, head, tail, priority) CROSS JOIN (SELECT rv FROM counter WHERE id = 1) c`)}
, caused AS MATERIALIZED (
  SELECT w.queue, w.key, ok.priority::smallint AS priority, 0 AS mask FROM unnest($25::int[], $26::text[], $27::text[]) AS w(ord, queue, key) JOIN ok ON ok.ord = w.ord
  UNION ALL SELECT '${fanoutQueue}', ok.kind || '|' || ok.namespace || '|' || ok.name, ok.priority::smallint, ok.changes FROM ok WHERE ok.referred
), enqueued AS (${enqueueFrom("(SELECT *, 0 AS delay_ms FROM caused) t")}
)
SELECT (SELECT string_agg(concat_ws(' ', ord, current_rv, lease_ok, failed), ',') FROM judged j WHERE NOT EXISTS (SELECT 1 FROM ok WHERE ok.ord = j.ord)) AS failed,
  EXISTS (SELECT 1 FROM caused) AS work`,
};

/** The statements that take the numbers of a group, judge it and write it. None of the writes is sensitive. */
export function groupStatements(writes: readonly Write[]): [BoundStatement, BoundStatement] {
  const wakes = writes.flatMap((write, ord) => write.wake.map((row) => ({ ord, ...row })));
  const values = [
    ...groupValues(writes),
    textArray(writes.map((write) => write.body[0])),
    textArray(writes.map((write) => write.body[1])),
    String(writes.length),
    int4Array(writes.map((write) => write.priority)),
    int4Array(wakes.map((wake) => wake.ord)),
    textArray(wakes.map((wake) => wake.queue)),
    textArray(wakes.map((wake) => wake.key)),
  ];
  return [
    { ...takeNumbers, values: [String(writes.length)] },
    { ...writeGroupWithWork, values },
  ];
}

export interface GroupAnswer {
  readonly baseRv: number;
  readonly judged: readonly Judgement[];
  readonly work: boolean;
}

const writtenOne: Judgement = { written: true, currentRv: 0, leaseOk: true, failedGuard: undefined };

/** What the two statements of {@link groupStatements} answered. */
export function readGroupAnswer(count: number, numbers: TextRows | undefined, answer: TextRows | undefined): GroupAnswer {
  const lastRv = Number(numbers?.[0]?.[0]);
  const row = answer?.[0];
  if (!Number.isSafeInteger(lastRv) || row === undefined)
    throw new PlatformError("TP_INTERNAL", { message: "the database did not answer to a group of writes" });
  const judged = Array.from({ length: count }, () => writtenOne);
  for (const failure of row[0]?.split(",") ?? []) {
    const [ord, currentRv, leaseOk, failedGuard] = failure.split(" ");
    judged[Number(ord)] = {
      written: false,
      currentRv: Number(currentRv),
      leaseOk: leaseOk === "t",
      failedGuard: failedGuard === undefined ? undefined : Number(failedGuard),
    };
  }
  return { baseRv: lastRv - count, judged, work: row[1] === "t" };
}
