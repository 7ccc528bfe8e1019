// The work queue of a memory store, with the meaning that sql/work.ts gives it (design.md §5.4). Nothing here waits, so each call is one step.
import type { Clock } from "@threeport/platform";
import type { Claim, Completion, Queue, QueueDepth } from "../queue.ts";
import type { WorkRow } from "../sql/enqueue.ts";
import type { Fence, Priority } from "../types.ts";

/** One key that needs attention, as a row of the table `work`. */
interface Row {
  readonly queue: string;
  readonly key: string;
  priority: Priority;
  /** When it may be claimed; of a leased row, the end of its lease. */
  dueMs: number;
  generation: number;
  claimedGeneration: number;
  token: number;
  owner: string | undefined;
  attempts: number;
  mask: number;
  cursor: string;
  waitingSinceMs: number | undefined;
}

export interface MemoryQueue {
  readonly queue: Queue;
  /** Adds work within the commit that causes it (S5). */
  add(rows: readonly WorkRow[]): void;
  /** Whether a lease is live (Q3). */
  holds(fence: Fence): boolean;
  /** All rows, without their leases: what a backup keeps. */
  rows(): readonly SavedRow[];
}

export type SavedRow = Omit<Row, "owner">;

/** After seconds: 0, 1, 3, … up to a minute, as `releaseAll` of PostgreSQL. */
const releasedDelayMs = (attempts: number): number => Math.min(60, 2 ** Math.min(attempts, 6) - 1) * 1_000;

/** `onEnqueued`: work was added, a hint for workers. */
export function createMemoryQueue(
  clock: Clock,
  { saved = [], onEnqueued = () => {} }: { saved?: readonly SavedRow[]; onEnqueued?: () => void } = {},
): MemoryQueue {
  const rows = new Map<string, Row>(saved.map((row) => [nameOf(row), { ...row, owner: undefined }]));
  let lastToken = Math.max(0, ...saved.map((row) => row.token));

  const leased = (fence: Fence): Row | undefined => {
    const row = rows.get(nameOf(fence));
    return row !== undefined && row.token === fence.token && row.owner !== undefined ? row : undefined;
  };
  const holds = (fence: Fence): boolean => (leased(fence)?.dueMs ?? -Infinity) > clock.now();

  function add(added: readonly WorkRow[]): void {
    const now = clock.now();
    const grouped = new Map<string, WorkRow>();
    for (const row of added) {
      const same = grouped.get(nameOf(row));
      grouped.set(nameOf(row), same === undefined ? row : both(same, row));
    }
    for (const [name, { queue, key, priority, mask, delayMs }] of grouped) {
      const known = rows.get(name);
      const dueMs = now + delayMs;
      if (known === undefined) rows.set(name, newRow({ queue, key, priority: priority as Priority, mask, dueMs }));
      else {
        known.generation++;
        known.attempts = 0;
        known.cursor = "";
        known.mask |= mask;
        known.priority = Math.min(known.priority, priority) as Priority;
        if (known.owner === undefined || known.dueMs <= now) known.dueMs = Math.min(known.dueMs, dueMs);
      }
    }
  }

  function complete(fence: Fence, generation: number, completion: Completion): boolean {
    const row = leased(fence);
    if (row === undefined) return false;
    const unchanged = row.generation === generation;
    const now = clock.now();
    row.owner = undefined;
    if (completion.kind === "failed") {
      row.attempts = unchanged ? row.attempts + 1 : 0;
      row.dueMs = unchanged ? now + completion.delayMs : now;
      return true;
    }
    if (completion.kind === "settled" && unchanged) return rows.delete(nameOf(row));
    row.attempts = 0;
    const again = completion.kind === "again" ? completion : undefined;
    row.dueMs = unchanged ? now + (again?.delayMs ?? 0) : now;
    if (unchanged && again !== undefined) row.priority = again.priority;
    row.waitingSinceMs = again?.waiting === true ? (row.waitingSinceMs ?? now) : undefined;
    return true;
  }

  const queue: Queue = {
    async claim({ owner, queues, limit, leaseMs, fair }) {
      const now = clock.now();
      const due = [...rows.values()].filter((row) => row.dueMs <= now && queues.includes(row.queue));
      due.sort((a, b) => (fair ? 0 : a.priority - b.priority) || a.dueMs - b.dueMs);
      const claimed = due.slice(0, Math.max(0, limit));
      for (const row of claimed) {
        if (row.owner !== undefined) row.attempts++; // a lease that ended by itself counts as a failure
        row.owner = owner;
        row.dueMs = now + leaseMs;
        row.token = ++lastToken;
        row.claimedGeneration = row.generation;
      }
      return claimed.map(claimOf).sort((a, b) => a.priority - b.priority || a.fence.token - b.fence.token);
    },
    async renew(fences, leaseMs) {
      const held = fences.filter(holds);
      for (const fence of held) {
        const row = leased(fence);
        if (row !== undefined) row.dueMs = clock.now() + leaseMs;
      }
      return new Set(held.map(nameOf));
    },
    complete: async (fence, generation, completion) => complete(fence, generation, completion),
    async advance(fence, cursor) {
      const row = leased(fence);
      if (row === undefined || row.generation !== row.claimedGeneration) return false;
      row.cursor = cursor;
      return true;
    },
    async enqueue(added) {
      add(added);
      onEnqueued();
    },
    async releaseAll() {
      for (const row of rows.values()) {
        if (row.owner === undefined) continue;
        row.owner = undefined;
        row.dueMs = clock.now() + releasedDelayMs(row.attempts++);
      }
    },
    async releaseForgotten(owner, held) {
      const kept = new Set(held.map((fence) => fence.token));
      for (const row of rows.values()) {
        if (row.owner !== owner || kept.has(row.token)) continue;
        row.owner = undefined;
        row.dueMs = clock.now();
      }
    },
    async nextDueMs(queues) {
      const due = [...rows.values()].filter((row) => queues.includes(row.queue)).map((row) => row.dueMs - clock.now());
      return due.length === 0 ? undefined : Math.max(0, Math.min(...due));
    },
    async depth() {
      const now = clock.now();
      const found = new Map<string, QueueDepth>();
      for (const row of rows.values()) {
        const sum = found.get(row.queue) ?? { queue: row.queue, rows: 0, due: 0, leased: 0, failing: 0 };
        found.set(row.queue, {
          ...sum,
          rows: sum.rows + 1,
          due: sum.due + Number(row.dueMs <= now),
          leased: sum.leased + Number(row.owner !== undefined),
          failing: sum.failing + Number(row.attempts > 0),
        });
      }
      return [...found.values()].sort((a, b) => (a.queue < b.queue ? -1 : 1));
    },
  };
  return { queue, add, holds, rows: () => [...rows.values()].map(({ owner: _, ...row }) => row) };
}

function nameOf({ queue, key }: { readonly queue: string; readonly key: string }): string {
  return `${queue}|${key}`;
}

function both(a: WorkRow, b: WorkRow): WorkRow {
  return { ...a, priority: Math.min(a.priority, b.priority), mask: a.mask | b.mask, delayMs: Math.min(a.delayMs, b.delayMs) };
}

function newRow(given: Pick<Row, "queue" | "key" | "priority" | "mask" | "dueMs">): Row {
  return { ...given, generation: 1, claimedGeneration: 0, token: 0, owner: undefined, attempts: 0, cursor: "", waitingSinceMs: undefined };
}

function claimOf(row: Row): Claim {
  return {
    fence: { queue: row.queue, key: row.key, token: row.token },
    priority: row.priority,
    attempts: row.attempts,
    generation: row.generation,
    waitingSinceMs: row.waitingSinceMs,
    mask: row.mask,
    cursor: row.cursor,
  };
}
