import type { Database } from "./database.ts";
import type { ObjectKey } from "./types.ts";

export interface Maintenance {
  /** S4: forgets versions older than `ageMs`, and beyond the newest `count`; current ones stay. Returns how many went. */
  compact(input: { readonly ageMs: number; readonly count: number }): Promise<number>;
  /** Objects of a kind whose last write is older than `ageMs`, at most `limit`. */
  expired(kind: string, ageMs: number, limit: number): Promise<ObjectKey[]>;
  /** A small fact; `fallback` is stored and returned when there is none. Two callers agree. */
  fact(name: string, fallback: string): Promise<string>;
}

/** Rows of one compaction statement: bounds how long it holds the log's pages. */
const compactBatch = 10_000;

export function createMaintenance(database: Database): Maintenance {
  return {
    async compact(input) {
      const horizon = await database.query<{ rv: string }>(
        {
          name: "compact_horizon",
          text: `UPDATE counter SET compacted_rv = greatest(compacted_rv, least(rv, greatest(rv - $2,
              coalesce((SELECT max(v.rv) FROM version v WHERE v.written_at < now() - $1 * interval '1 millisecond'), 0)))) WHERE id = 1 RETURNING compacted_rv AS rv`,
        },
        [input.ageMs, input.count],
      );
      const rv = horizon[0]?.rv ?? "0";
      let removed = 0;
      for (;;) {
        // The version at the horizon of each live key stays: it is current, or a list at the horizon needs it.
        const rows = await database.query(
          {
            name: "compact_versions",
            text: `DELETE FROM version WHERE rv IN (
              SELECT v.rv FROM version v WHERE v.rv <= $1 AND (
                (v.deleted AND v.rv < $1) OR EXISTS (SELECT 1 FROM version n WHERE n.kind = v.kind AND n.namespace = v.namespace AND n.name = v.name AND n.rv > v.rv AND n.rv <= $1))
              ORDER BY v.rv LIMIT ${compactBatch}) RETURNING 1`,
          },
          [rv],
        );
        removed += rows.length;
        if (rows.length < compactBatch) return removed;
      }
    },
    async expired(kind, ageMs, limit) {
      return database.query<ObjectKey & Record<string, unknown>>(
        { name: "expired_objects", text: "SELECT o.kind, o.namespace, o.name FROM object o JOIN version v ON v.rv = o.rv WHERE o.kind = $1 AND v.written_at < now() - $2 * interval '1 millisecond' ORDER BY v.rv LIMIT $3" },
        [kind, ageMs, limit],
      );
    },
    async fact(name, fallback) {
      await database.query({ name: "fact_first", text: "INSERT INTO fact (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING" }, [name, fallback]);
      const rows = await database.query<{ value: string }>({ name: "fact_get", text: "SELECT value FROM fact WHERE name = $1" }, [name]);
      return rows[0]?.value ?? fallback;
    },
  };
}
