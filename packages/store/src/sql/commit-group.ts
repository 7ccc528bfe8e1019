import type { Queryable } from "../database.ts";
import type { Guard, ReferenceRow, Write } from "../types.ts";
import { fanoutQueue, formatKey } from "../types.ts";

/** What the database said to each write of a group, by position. */
export interface Judgement {
  readonly current_rv: string;
  readonly lease_ok: boolean;
  readonly failed_guard: number | null;
  readonly written: boolean;
  readonly referred: boolean;
}

const columns = "ord, kind, namespace, name, uid, expect, rv, remove, terminating, body, schema_version, fence_queue, fence_key, fence, changes";

/**
 * Judges and writes a whole group in one statement. It runs after the counter row is locked in the same transaction, so
 * its snapshot holds every earlier write and no other can come between; a stale write reports `written = false` and
 * fails alone (S2). Served by the primary keys of object, work and reference. Measured with 100k rows in each: 0.3 ms for one write, 8 ms for 128; on a
 * durable server 1 caller → 380 writes/s, 8 → 2.0k, 32 → 4.7k, 128 → 8.3k (`npm run bench:queue`). A change of what 10k others refer to, none of them
 * waiting for such a change, reads all of their reference rows: 8 ms.
 */
const writeGroup = {
  name: "write_group",
  text: `
WITH op AS MATERIALIZED (
  SELECT * FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bool[], $9::bool[],
    $10::text[], $11::text[], $12::text[], $13::text[], $14::bigint[], $15::int[]) AS t(${columns})
), guard AS MATERIALIZED (
  SELECT g.ord, min(g.n) AS failed
  FROM unnest($16::int[], $17::int[], $18::text[], $19::text[], $20::text[], $21::bool[], $22::bool[]) AS g(ord, n, kind, namespace, name, must_exist, unreferenced)
  LEFT JOIN object o ON o.kind = g.kind AND o.namespace = g.namespace AND o.name = g.name
  WHERE (o.uid IS NULL AND g.must_exist) OR (o.terminating AND NOT g.unreferenced) OR (g.unreferenced AND EXISTS (
    SELECT 1 FROM reference r WHERE r.target_kind = g.kind AND r.target_namespace = g.namespace AND r.target_name = g.name AND r.path NOT LIKE '$%'))
  GROUP BY g.ord
), judged AS MATERIALIZED (
  SELECT op.*, coalesce(o.rv, 0) AS current_rv, guard.failed,
    op.fence = 0 OR EXISTS (SELECT 1 FROM work w WHERE w.queue = op.fence_queue AND w.key = op.fence_key AND w.fence = op.fence AND w.lease_owner IS NOT NULL AND w.due_at > clock_timestamp()) AS lease_ok
  FROM op
  LEFT JOIN object o ON o.kind = op.kind AND o.namespace = op.namespace AND o.name = op.name
  LEFT JOIN guard ON guard.ord = op.ord
), ok AS MATERIALIZED (
  SELECT * FROM judged WHERE current_rv = expect AND lease_ok AND failed IS NULL
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
)
SELECT j.current_rv, j.lease_ok, j.failed AS failed_guard, ok.ord IS NOT NULL AS written,
  ok.ord IS NOT NULL AND j.changes <> 0 AND EXISTS (
    SELECT 1 FROM reference r WHERE r.target_kind = j.kind AND r.target_namespace = j.namespace AND r.target_name = j.name AND r.waits_for & j.changes <> 0) AS referred
FROM judged j LEFT JOIN ok ON ok.ord = j.ord ORDER BY j.ord`,
};

export async function judgeAndWrite(tx: Queryable, writes: readonly Write[], baseRv: number, bodies: readonly string[]): Promise<Judgement[]> {
  const guards: { ord: number; n: number; guard: Guard }[] = [];
  writes.forEach((write, ord) => write.guards.forEach((guard, n) => guards.push({ ord, n, guard })));
  return tx.query<Judgement & Record<string, unknown>>(writeGroup, [
    writes.map((_, index) => index),
    writes.map((write) => write.key.kind),
    writes.map((write) => write.key.namespace),
    writes.map((write) => write.key.name),
    writes.map((write) => write.uid),
    writes.map((write) => write.expectRv),
    writes.map((_, index) => baseRv + index + 1),
    writes.map((write) => write.remove),
    writes.map((write) => write.terminating),
    bodies,
    writes.map((write) => write.schemaVersion),
    writes.map((write) => write.fence?.queue ?? ""),
    writes.map((write) => write.fence?.key ?? ""),
    writes.map((write) => write.fence?.token ?? 0),
    writes.map((write) => write.changes),
    guards.map((entry) => entry.ord),
    guards.map((entry) => entry.n),
    guards.map((entry) => entry.guard.target.kind),
    guards.map((entry) => entry.guard.target.namespace),
    guards.map((entry) => entry.guard.target.name),
    guards.map((entry) => entry.guard.mustExist),
    guards.map((entry) => entry.guard.unreferenced === true),
  ]);
}

/** Replaces the references of the given sources: rows that left go, the rest stays or comes. Served by reference_source: 5 ms for 128 sources with one each. */
const replaceReferences = {
  name: "replace_references",
  text: `
WITH source AS MATERIALIZED (
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) AS s(kind, namespace, name)
), wanted AS MATERIALIZED (
  SELECT * FROM unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::int[])
    AS w(source_kind, source_namespace, source_name, path, waker_queue, waker_key, target_kind, target_namespace, target_name, waits_for)
), gone AS (
  DELETE FROM reference r USING source s
  WHERE r.source_kind = s.kind AND r.source_namespace = s.namespace AND r.source_name = s.name
    AND (r.source_kind, r.source_namespace, r.source_name, r.path, r.target_kind, r.target_namespace, r.target_name, r.waker_queue) NOT IN (
      SELECT source_kind, source_namespace, source_name, path, target_kind, target_namespace, target_name, waker_queue FROM wanted)
)
INSERT INTO reference (source_kind, source_namespace, source_name, path, waker_queue, waker_key, target_kind, target_namespace, target_name, waits_for)
SELECT DISTINCT ON (target_kind, target_namespace, target_name, source_kind, source_namespace, source_name, path, waker_queue)
  source_kind, source_namespace, source_name, path, waker_queue, waker_key, target_kind, target_namespace, target_name, waits_for FROM wanted
ON CONFLICT (target_kind, target_namespace, target_name, source_kind, source_namespace, source_name, path, waker_queue)
DO UPDATE SET waits_for = excluded.waits_for, waker_key = excluded.waker_key`,
};

export async function writeReferences(tx: Queryable, writes: readonly Write[]): Promise<void> {
  const rows: { write: Write; row: ReferenceRow }[] = writes.flatMap((write) => (write.references ?? []).map((row) => ({ write, row })));
  await tx.query(replaceReferences, [
    writes.map((write) => write.key.kind),
    writes.map((write) => write.key.namespace),
    writes.map((write) => write.key.name),
    rows.map(({ write }) => write.key.kind),
    rows.map(({ write }) => write.key.namespace),
    rows.map(({ write }) => write.key.name),
    rows.map(({ row }) => row.path),
    rows.map(({ row }) => row.wakerQueue),
    rows.map(({ row }) => row.wakerKey),
    rows.map(({ row }) => row.target.kind),
    rows.map(({ row }) => row.target.namespace),
    rows.map(({ row }) => row.target.name),
    rows.map(({ row }) => row.waitsFor),
  ]);
}

export interface WorkRow {
  readonly queue: string;
  readonly key: string;
  readonly priority: number;
  /** Fan-out rows only. */
  readonly mask: number;
  readonly delayMs: number;
}

/**
 * Adds work or marks it for another run (Q2): a leased row keeps its lease and runs again after it. A change resets the
 * backoff: what failed before may work now. A fan-out row starts again from its beginning, with both masks. Rows are locked in order of their keys.
 * Served by work's primary key: 0.5 ms for 10 rows.
 */
export const enqueueRows = {
  name: "enqueue_rows",
  text: `
INSERT INTO work (queue, key, priority, due_at, generation, mask)
SELECT queue, key, min(priority), now() + min(delay_ms) * interval '1 millisecond', 1, bit_or(mask)
FROM unnest($1::text[], $2::text[], $3::smallint[], $4::int[], $5::float8[]) AS t(queue, key, priority, mask, delay_ms)
GROUP BY queue, key ORDER BY queue COLLATE "C", key COLLATE "C"
ON CONFLICT (queue, key) DO UPDATE SET
  generation = work.generation + 1,
  attempts = 0,
  cursor = '',
  mask = work.mask | excluded.mask,
  priority = least(work.priority, excluded.priority),
  due_at = CASE WHEN work.lease_owner IS NOT NULL AND work.due_at > clock_timestamp() THEN work.due_at ELSE least(work.due_at, excluded.due_at) END`,
};

export async function enqueue(tx: Queryable, rows: readonly WorkRow[]): Promise<void> {
  await tx.query(enqueueRows, [
    rows.map((row) => row.queue),
    rows.map((row) => row.key),
    rows.map((row) => row.priority),
    rows.map((row) => row.mask),
    rows.map((row) => row.delayMs),
  ]);
}

/** The work that a written change causes: its own keys, and one fan-out row when others wait for such a change (S5). */
export function workOf(write: Write, referred: boolean): WorkRow[] {
  const own = write.wake.map((row) => ({ ...row, priority: write.priority, mask: 0, delayMs: 0 }));
  return referred ? [...own, { queue: fanoutQueue, key: formatKey(write.key), priority: write.priority, mask: write.changes, delayMs: 0 }] : own;
}
