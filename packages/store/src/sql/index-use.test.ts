// What each statement reads, by the database's own count, in tables where reading everything would show. The counts do not depend on the machine.
import { expect, test } from "vitest";
import { openDatabase } from "../database.ts";
import { keyOf, openLab, writeOf, type Lab } from "../proofs/lab.ts";
import type { Claim } from "../queue.ts";
import type { Store } from "../store.ts";
import type { ObjectKey } from "../types.ts";

/** Rows of each table. Few enough to fill in a second, enough that a scan stands out. */
const rows = 20_000;
/** Index entries and rows that one small call may read; among them are entries of older versions of rows, which stay until the next vacuum. */
const readMax = 2_000;

const kindOf = (n: number): string => `kind${n % 10}`;
const objectKey = (n: number): ObjectKey => keyOf(`object-${n}`, kindOf(n), `ns${n % 50}`);
const hot = keyOf("hot", "kind2", "ns");

/** No ANALYZE: the planner knows as little as after a burst. */
const fill = `
INSERT INTO version SELECT g, 'kind' || g % 10, 'ns' || g % 50, 'object-' || g, 'uid-' || g, 0, false, '{"data":"' || repeat('x', 200) || '"}', 'v1', now() - interval '1 hour' FROM generate_series(1, ${rows}) g;
INSERT INTO object SELECT kind, namespace, name, uid, rv, false FROM version;
INSERT INTO object SELECT 'kind1', 'ns', 'object-' || g, 'uid-ns-' || g, g, false FROM generate_series(1, ${rows}) g;
INSERT INTO reference SELECT 'kind1', 'ns', 'object-' || g, 'spec.target', 'kind1', 'ns/object-' || g, 'kind2', 'ns', 'hot', 1 FROM generate_series(1, ${rows}) g;
INSERT INTO work (queue, key, priority, due_at, generation) SELECT 'kind' || g % 10, 'key-' || g, g % 3, now() + interval '1 hour', 1 FROM generate_series(1, ${rows}) g;
UPDATE work SET due_at = now() - interval '1 second' WHERE key LIKE 'key-1__';
UPDATE counter SET rv = ${rows};`;

interface Reads {
  readonly scans: number;
  readonly entries: number;
}

async function readsOf(lab: Lab, store: Store, call: () => Promise<unknown>): Promise<Reads> {
  const before = await counts(lab, store);
  await call();
  const after = await counts(lab, store);
  return { scans: after.scans - before.scans, entries: after.entries - before.entries };
}

async function counts(lab: Lab, store: Store): Promise<Reads> {
  await store.database.query({ name: "", text: "SELECT pg_stat_force_next_flush()" }, []);
  const [found] = await lab.sql<{ scans: string; entries: string }>(
    `SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname <> 'counter') AS scans,
      (SELECT sum(greatest(idx_tup_read, idx_tup_fetch)) FROM pg_stat_user_indexes) AS entries`,
  );
  return { scans: Number(found?.scans), entries: Number(found?.entries) };
}

test("each hot statement reads what it needs and no more, in tables that the planner knows nothing about", async () => {
  await using lab = await openLab();
  await using filling = openDatabase(lab.connection);
  await filling.script(fill);
  const store = await lab.open({ connectionsMax: 1, pollMs: 3_600_000 });
  const queues = Array.from({ length: 10 }, (_, n) => kindOf(n));
  const claimed: Claim[] = [];
  const claim = (fair: boolean) => async () => claimed.push(...(await store.queue.claim({ owner: "me", queues, limit: 10, leaseMs: 600_000, fair })));
  const write = (n: number, expectRv: number) =>
    store.writer.write(
      writeOf(objectKey(n), {
        uid: `uid-${n}`,
        expectRv,
        changes: 1,
        wake: [{ queue: kindOf(n), key: `key-${n}` }],
        guards: [{ target: objectKey(n + 1), mustExist: true }],
        references: [{ path: "spec.a", wakerQueue: "q", wakerKey: "k", target: objectKey(n + 1), waitsFor: 1 }],
      }),
    );
  const fanout: Claim = {
    fence: { queue: "$fanout", key: "kind2|ns|hot", token: 1 },
    mask: 1,
    cursor: "kind1|ns|object-5000|spec.target|kind1",
    priority: 1,
    generation: 1,
    attempts: 0,
    waitingSinceMs: undefined,
  };
  const calls: readonly (readonly [name: string, call: () => Promise<unknown>])[] = [
    ["claim", claim(false)],
    ["claim, the oldest first", claim(true)],
    ["claim of a queue where nothing is due", () => store.queue.claim({ owner: "me", queues: ["nothing"], limit: 10, leaseMs: 1, fair: false })],
    [
      "renew",
      () =>
        store.queue.renew(
          claimed.map((held) => held.fence),
          600_000,
        ),
    ],
    ["complete", () => Promise.all(claimed.slice(0, 3).map((held) => store.queue.complete(held.fence, held.generation, { kind: "settled" })))],
    ["next due", () => store.queue.nextDueMs(queues)],
    ["enqueue", () => store.queue.enqueue([{ queue: "kind1", key: "key-1", priority: 0, mask: 0, delayMs: 0 }])],
    ["write of one", () => write(300, 300)],
    ["write of a group that conflicts", () => Promise.all(Array.from({ length: 20 }, (_, n) => write(400 + n, 1)))],
    ["write of a group", () => Promise.all(Array.from({ length: 20 }, (_, n) => write(500 + 3 * n, 500 + 3 * n)))],
    ["write that others wait for", () => store.writer.write(writeOf(hot, { changes: 1 }))],
    [
      "delete that is refused because somebody refers to it",
      () => store.writer.write(writeOf(keyOf("none"), { guards: [{ target: hot, mustExist: false, unreferenced: true }] })),
    ],
    ["get of many", () => Promise.all(Array.from({ length: 50 }, (_, n) => store.reader.get(objectKey(n * 30))))],
    ["list, first page", () => store.reader.list({ kind: "kind3", limit: 20 })],
    ["list, a page in the middle", () => store.reader.list({ kind: "kind3", limit: 20, after: { namespace: "ns23", name: "object-123" } })],
    ["list of a namespace", () => store.reader.list({ kind: "kind3", namespace: "ns23", limit: 20 })],
    ["list at a number", () => store.reader.list({ kind: "kind3", limit: 20, atRv: rows - 5 })],
    [
      "list of a namespace at a number",
      () => store.reader.list({ kind: "kind3", namespace: "ns23", limit: 20, atRv: rows - 5, after: { namespace: "ns23", name: "object-123" } }),
    ],
    ["newest changes", () => store.reader.changes({ afterRv: rows - 50, limit: 100 })],
    ["expand, a batch in the middle", () => store.references.expand(fanout, 20)],
    ["dependents", () => store.references.dependents(objectKey(1), "", 20)],
    ["inventory", () => store.inventory.list("nobody")],
  ];
  for (const [name, call] of calls) {
    for (let n = 0; n < 7; n++) {
      // more than five executions, so that the plan for any values is used too
      const reads = await readsOf(lab, store, call);
      expect(reads.scans, `${name}: rows read by scanning`).toBe(0);
      expect(reads.entries, `${name}: index entries and rows`).toBeLessThan(readMax);
    }
  }
  expect(claimed.length).toBeGreaterThan(50);
});
