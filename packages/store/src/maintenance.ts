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

/** Changes of one compaction statement: bounds how long it holds the log's pages. */
const compactBatch = 10_000;
/** Fact that says how far the log was swept: a compaction looks at the changes since the last one only. */
const sweptFact = "compaction.swept";

/** Moves the number below which watches are refused. Nobody reads below it from then on, so the sweep behind it disturbs no reader. */
const moveHorizon = {
  name: "compact_horizon",
  text: `
UPDATE counter SET compacted_rv = greatest(compacted_rv, least(rv, greatest(rv - $2,
  coalesce((SELECT v.rv FROM version v WHERE v.written_at < now() - $1 * interval '1 millisecond' ORDER BY v.rv DESC LIMIT 1), 0)))) WHERE id = 1
RETURNING compacted_rv AS horizon, coalesce((SELECT value FROM fact WHERE name = '${sweptFact}'), '0') AS swept`,
};

/**
 * Removes what the changes in (swept, to] made old: the version that each of them replaced, and the last version of what was deleted. The newest
 * version of a key at or below `to` stays: it is current, or a list at the horizon needs it. Served by version's primary key.
 * Swept in order, so no deleted object can reappear; a sweep that was killed is done again and finds less.
 */
const sweepVersions = {
  name: "compact_sweep",
  text: `
WITH change AS MATERIALIZED (
  SELECT rv, prev_rv, deleted FROM version WHERE rv > $1 AND rv <= $2 ORDER BY rv LIMIT ${compactBatch}
), gone AS (
  DELETE FROM version WHERE rv = ANY(ARRAY(SELECT prev_rv FROM change WHERE prev_rv > 0 UNION ALL SELECT rv FROM change WHERE deleted)) RETURNING 1
), swept AS (
  SELECT count(*) AS changes, coalesce(max(rv), $2) AS rv FROM change
), noted AS (
  INSERT INTO fact (name, value) SELECT '${sweptFact}', rv::text FROM swept ON CONFLICT (name) DO UPDATE SET value = excluded.value
)
SELECT changes, rv, (SELECT count(*) FROM gone) AS removed FROM swept`,
};

export function createMaintenance(database: Database): Maintenance {
  return {
    async compact(input) {
      const rows = await database.query<{ horizon: string; swept: string }>(moveHorizon, [input.ageMs, input.count]);
      const { horizon = "0", swept = "0" } = rows[0] ?? {};
      let removed = 0;
      for (let from = Number(swept), more = true; more;) {
        const [batch] = await database.query<{ changes: string; rv: string; removed: string }>(sweepVersions, [from, Number(horizon)]);
        removed += Number(batch?.removed ?? 0);
        from = Number(batch?.rv ?? horizon);
        more = Number(batch?.changes ?? 0) === compactBatch;
      }
      return removed;
    },
    async expired(kind, ageMs, limit) {
      return database.query<ObjectKey & Record<string, unknown>>(
        {
          name: "expired_objects",
          text: "SELECT o.kind, o.namespace, o.name FROM object o JOIN version v ON v.rv = o.rv WHERE o.kind = $1 AND v.written_at < now() - $2 * interval '1 millisecond' ORDER BY v.rv LIMIT $3",
        },
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
