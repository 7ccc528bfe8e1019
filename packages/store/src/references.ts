import type { Database } from "./database.ts";
import { enqueue } from "./sql/commit-group.ts";
import type { Claim } from "./queue.ts";
import { parseKey, type ObjectKey } from "./types.ts";

/** One referring object, for "who uses this?" */
export interface Referrer {
  readonly source: ObjectKey;
  readonly path: string;
}

export interface References {
  /** Objects that refer to `target`, in order, at most `limit`. Paths that start with `$` (ownership) are left out unless asked for. */
  referrers(target: ObjectKey, limit: number): Promise<Referrer[]>;
  /** Objects whose `$owner` is `target`. */
  dependents(target: ObjectKey, after: string, limit: number): Promise<ObjectKey[]>;
  /** Wakes the next `limit` waiters of a fan-out row; returns the new cursor, or undefined when all are awake. */
  expand(claim: Claim, limit: number): Promise<string | undefined>;
}

interface WakerRow {
  source_kind: string;
  source_namespace: string;
  source_name: string;
  path: string;
  waker_queue: string;
  waker_key: string;
  [column: string]: unknown;
}

const position = "source_kind || '|' || source_namespace || '|' || source_name || '|' || path || '|' || waker_queue";

export function createReferences(database: Database): References {
  return {
    async referrers(target, limit) {
      const rows = await database.query<WakerRow>(
        { name: "referrers", text: "SELECT DISTINCT source_kind, source_namespace, source_name, path FROM reference WHERE target_kind = $1 AND target_namespace = $2 AND target_name = $3 AND path NOT LIKE '$%' ORDER BY 1, 2, 3, 4 LIMIT $4" },
        [target.kind, target.namespace, target.name, limit],
      );
      return rows.map((row) => ({ source: { kind: row.source_kind, namespace: row.source_namespace, name: row.source_name }, path: row.path }));
    },
    async dependents(target, after, limit) {
      const rows = await database.query<WakerRow>(
        { name: "dependents", text: "SELECT DISTINCT source_kind, source_namespace, source_name FROM reference WHERE target_kind = $1 AND target_namespace = $2 AND target_name = $3 AND path = '$owner' AND source_kind || '|' || source_namespace || '|' || source_name > $4 ORDER BY 1, 2, 3 LIMIT $5" },
        [target.kind, target.namespace, target.name, after, limit],
      );
      return rows.map((row) => ({ kind: row.source_kind, namespace: row.source_namespace, name: row.source_name }));
    },
    async expand(claim, limit) {
      const target = parseKey(claim.fence.key);
      const rows = await database.query<WakerRow & { position: string }>(
        {
          name: "expand_fanout",
          text: `SELECT ${position} AS position, waker_queue, waker_key FROM reference
            WHERE target_kind = $1 AND target_namespace = $2 AND target_name = $3 AND waits_for & $4 <> 0 AND ${position} > $5 ORDER BY 1 LIMIT $6`,
        },
        [target.kind, target.namespace, target.name, claim.mask, claim.cursor, limit],
      );
      // The woken rows inherit the priority of the change (Q5). A kill between here and the cursor's move wakes a batch twice: harmless.
      if (rows.length > 0) await enqueue(database, rows.map((row) => ({ queue: row.waker_queue, key: row.waker_key, priority: claim.priority, mask: 0, delayMs: 0 })));
      return rows.length < limit ? undefined : rows.at(-1)?.position;
    },
  };
}
