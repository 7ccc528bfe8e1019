import type { Queryable } from "../database.ts";
import type { BoundStatement } from "../flight.ts";
import type { Write } from "../types.ts";
import { int4Array, textArray } from "./binary-array.ts";

/** Replaces the references of the given sources: rows that left go, the rest stays or comes. Served by reference_source: 5 ms for 128 sources with one each. */
const replacing = (isWritten: string): string => `
WITH source AS MATERIALIZED (
  SELECT s.kind, s.namespace, s.name FROM unnest($1::int[], $2::text[], $3::text[], $4::text[]) AS s(ord, kind, namespace, name) WHERE ${isWritten}
), wanted AS MATERIALIZED (
  SELECT w.* FROM unnest($5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::int[])
    AS w(source_kind, source_namespace, source_name, path, waker_queue, waker_key, target_kind, target_namespace, target_name, waits_for)
  JOIN source s ON s.kind = w.source_kind AND s.namespace = w.source_namespace AND s.name = w.source_name
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
DO UPDATE SET waits_for = excluded.waits_for, waker_key = excluded.waker_key`;

const replaceReferences = { name: "replace_references", text: replacing("true") };

/** Of the sources, those whose version was written before in the same transaction; numbers are given from $15 below the counter on. */
const replaceWritten = {
  name: "replace_references_written",
  text: replacing("EXISTS (SELECT 1 FROM counter c JOIN version v ON v.rv = c.rv - $15::bigint + s.ord + 1 WHERE c.id = 1)"),
};

/** Of writes that are known to be written. */
export async function writeReferences(tx: Queryable, writes: readonly Write[]): Promise<void> {
  const sources = writes.map((write) => ({ write, ord: 0 }));
  if (sources.length > 0) await tx.query(replaceReferences, values(sources));
}

/** The same for a whole group whose writes are judged by a statement before this one. Undefined when none declares references. */
export function referencesOfGroup(writes: readonly Write[]): BoundStatement | undefined {
  const sources = writes.map((write, ord) => ({ write, ord })).filter(({ write }) => redeclares(write));
  return sources.length === 0 ? undefined : { ...replaceWritten, values: [...values(sources), String(writes.length)] };
}

/** A removed object's references go with it. */
export function redeclares(write: Write): boolean {
  return write.references !== undefined && !write.remove;
}

function values(sources: readonly { readonly write: Write; readonly ord: number }[]): Buffer[] {
  const rows = sources.flatMap(({ write }) => (write.references ?? []).map((row) => ({ source: write.key, row })));
  return [
    int4Array(sources.map(({ ord }) => ord)),
    textArray(sources.map(({ write }) => write.key.kind)),
    textArray(sources.map(({ write }) => write.key.namespace)),
    textArray(sources.map(({ write }) => write.key.name)),
    textArray(rows.map(({ source }) => source.kind)),
    textArray(rows.map(({ source }) => source.namespace)),
    textArray(rows.map(({ source }) => source.name)),
    textArray(rows.map(({ row }) => row.path)),
    textArray(rows.map(({ row }) => row.wakerQueue)),
    textArray(rows.map(({ row }) => row.wakerKey)),
    textArray(rows.map(({ row }) => row.target.kind)),
    textArray(rows.map(({ row }) => row.target.namespace)),
    textArray(rows.map(({ row }) => row.target.name)),
    int4Array(rows.map(({ row }) => row.waitsFor)),
  ];
}
