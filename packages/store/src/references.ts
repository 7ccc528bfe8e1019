import type { Database } from "./database.ts";
import { enqueue } from "./sql/enqueue.ts";
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
  /** As `referrers`, without those that are being deleted themselves: what keeps a target that is not to go while it is used. */
  users(target: ObjectKey, limit: number): Promise<Referrer[]>;
  /** Objects of one kind that refer to `target`, in order. */
  referrersOfKind(target: ObjectKey, kind: string): Promise<ObjectKey[]>;
  /** Objects whose `$owner` is `target`, in order, behind `after`: the {@link formatKey} of the last one, or "". */
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

/** A place in the order of a target's reference rows, which is that of their primary key. */
type Position = readonly [sourceKind: string, sourceNamespace: string, sourceName: string, path: string, wakerQueue: string];

function formatPosition(row: WakerRow): string {
  return [row.source_kind, row.source_namespace, row.source_name, row.path, row.waker_queue].join("|");
}

/** A path may hold anything; the other parts hold no `|`. */
function parsePosition(text: string): Position {
  const [kind = "", namespace = "", name = "", ...rest] = text.split("|");
  return [kind, namespace, name, rest.slice(0, -1).join("|"), rest.at(-1) ?? ""];
}

/** Served by reference's primary key from the cursor on, so a batch costs the same wherever it begins. */
const expandFanout = {
  name: "expand_fanout",
  text: `
SELECT source_kind, source_namespace, source_name, path, waker_queue, waker_key FROM reference
WHERE target_kind = $1 AND target_namespace = $2 AND target_name = $3 AND waits_for & $4 <> 0
  AND (source_kind, source_namespace, source_name, path, waker_queue) > ($5, $6, $7, $8, $9)
ORDER BY source_kind, source_namespace, source_name, path, waker_queue LIMIT $10`,
};

/** Served by reference's primary key. Not bounded: callers need all of them, as with a list of a namespace. */
const referrersOfKind = {
  name: "referrers_of_kind",
  text: `
SELECT DISTINCT source_kind, source_namespace, source_name FROM reference
WHERE target_kind = $1 AND target_namespace = $2 AND target_name = $3 AND source_kind = $4 AND path NOT LIKE '$%' ORDER BY 1, 2, 3`,
};

const referrersOf = {
  name: "referrers",
  text: `
SELECT DISTINCT source_kind, source_namespace, source_name, path FROM reference
WHERE target_kind = $1 AND target_namespace = $2 AND target_name = $3 AND path NOT LIKE '$%'
ORDER BY source_kind, source_namespace, source_name, path LIMIT $4`,
};

/** The object is looked up row by row, for the first few are enough: a join would read all of them. */
const usersOf = {
  name: "users",
  text: `
SELECT DISTINCT source_kind, source_namespace, source_name, path FROM reference r
WHERE target_kind = $1 AND target_namespace = $2 AND target_name = $3 AND path NOT LIKE '$%'
  AND (SELECT NOT s.terminating FROM object s WHERE s.kind = r.source_kind AND s.namespace = r.source_namespace AND s.name = r.source_name)
ORDER BY source_kind, source_namespace, source_name, path LIMIT $4`,
};

const dependentsOf = {
  name: "dependents",
  text: `
SELECT DISTINCT source_kind, source_namespace, source_name FROM reference
WHERE target_kind = $1 AND target_namespace = $2 AND target_name = $3 AND path = '$owner' AND (source_kind, source_namespace, source_name) > ($4, $5, $6)
ORDER BY source_kind, source_namespace, source_name LIMIT $7`,
};

/** `onEnqueued`: work was added, a hint for workers. */
export function createReferences(database: Database, onEnqueued: () => void = () => {}): References {
  async function named(statement: typeof referrersOf, target: ObjectKey, limit: number): Promise<Referrer[]> {
    const rows = await database.query<WakerRow>(statement, [target.kind, target.namespace, target.name, limit]);
    return rows.map((row) => ({ source: { kind: row.source_kind, namespace: row.source_namespace, name: row.source_name }, path: row.path }));
  }
  return {
    referrers: (target, limit) => named(referrersOf, target, limit),
    users: (target, limit) => named(usersOf, target, limit),
    async referrersOfKind(target, kind) {
      const rows = await database.query<WakerRow>(referrersOfKind, [target.kind, target.namespace, target.name, kind]);
      return rows.map((row) => ({ kind: row.source_kind, namespace: row.source_namespace, name: row.source_name }));
    },
    async dependents(target, after, limit) {
      const rows = await database.query<WakerRow>(dependentsOf, [target.kind, target.namespace, target.name, ...parsePosition(after).slice(0, 3), limit]);
      return rows.map((row) => ({ kind: row.source_kind, namespace: row.source_namespace, name: row.source_name }));
    },
    async expand(claim, limit) {
      const target = parseKey(claim.fence.key);
      const rows = await database.query<WakerRow>(expandFanout, [
        target.kind,
        target.namespace,
        target.name,
        claim.mask,
        ...parsePosition(claim.cursor),
        limit,
      ]);
      // The woken rows inherit the priority of the change (Q5). A kill between here and the cursor's move wakes a batch twice: harmless.
      if (rows.length > 0) {
        await enqueue(
          database,
          rows.map((row) => ({ queue: row.waker_queue, key: row.waker_key, priority: claim.priority, mask: 0, delayMs: 0 })),
        );
        onEnqueued();
      }
      const last = rows.at(-1);
      return rows.length < limit || last === undefined ? undefined : formatPosition(last);
    },
  };
}
