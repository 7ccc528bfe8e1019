/** `npm run bench:queue`: the work queue and the grouped writes on the embedded PostgreSQL, fsync on. Everything it makes is gone when it ends. */
import { randomBytes } from "node:crypto";
import { loadavg } from "node:os";
import { silentLogger, systemClock } from "@threeport/platform";
import { openStore, type Claim } from "@threeport/store";
import { openBenchDatabase } from "./lib/bench-database.ts";
import { machine } from "./lib/machine.ts";
import { printTable, say } from "./lib/print-table.ts";
import { percentile, round3 } from "./lib/statistics.ts";

/** How long a row of the tables is measured. */
const measureMs = 1_500;
/** Keys that are due before a claim is measured: more than the fastest row takes. */
const keysMax = 60_000;
const enqueueBatch = 1_000;
const queues = Array.from({ length: 20 }, (_, n) => `kind${n}.example.io`);
const leaseMs = 60_000;
const bodyBytes = 1_024;
const connectionsMax = 8;

await using database = await openBenchDatabase();
await using store = await openStore({
  connection: database.connection,
  keyEncryptionKey: randomBytes(32),
  clock: systemClock,
  log: silentLogger,
  notify: true,
  connectionsMax,
});

say(machine());
say(
  `PostgreSQL ${database.version}, embedded: fsync, synchronous_commit and full_page_writes on, shared_buffers 16 MB; one process, ${connectionsMax} connections, NOTIFY on`,
);
say(
  `queue: ${queues.length} kinds, 3 priorities, leases of ${leaseMs / 1000} s; bodies of ${bodyBytes} bytes; each row measured for ${measureMs / 1000} s; load of the machine before: ${round3(loadavg()[0] ?? Number.NaN)}\n`,
);

const enqueued: string[][] = [];
for (const batch of [1, 10, 100]) enqueued.push(await measureEnqueue(batch));
printTable(["enqueue: rows a call", "callers", "rows/s", "p50 ms", "p99 ms"], enqueued);

const claimed: string[][] = [];
for (const workers of [1, 4, 10])
  for (const limit of [1, 10, 50])
    claimed.push([String(workers), String(limit), ...(await measureClaims(workers, limit, false)), ...(await measureClaims(workers, limit, true))]);
say("");
printTable(["claim: workers", "limit", "keys/s", "p50 ms", "p99 ms", "with completion keys/s", "claim p50 ms", "claim p99 ms"], claimed);

const written: string[][] = [];
for (const callers of [1, 8, 32, 128]) written.push(await measureWrites(callers));
say("");
printTable(["grouped writes: callers", "writes/s", "p50 ms", "p99 ms"], written);

async function measureEnqueue(batch: number): Promise<string[]> {
  await clear();
  const callers = 4;
  let rows = 0;
  const { seconds, times } = await forAWhile(callers, async () => {
    const from = rows;
    rows += batch;
    return timed(() => store.queue.enqueue(Array.from({ length: batch }, (_, n) => workRow(from + n))));
  });
  return [String(batch), String(callers), round3(rows / seconds), ...percentiles(times)];
}

/** Claims alone, or with each key completed, as a worker whose reconciler takes no time. Stops early when no key is left. */
async function measureClaims(workers: number, limit: number, complete: boolean): Promise<string[]> {
  await fill();
  let keys = 0;
  const { seconds, times } = await forAWhile(workers, async (worker) => {
    let claims: Claim[] = [];
    const ms = await timed(async () => (claims = await store.queue.claim({ owner: `worker-${worker}`, queues, limit, leaseMs, fair: false })));
    if (complete) await Promise.all(claims.map((claim) => store.queue.complete(claim.fence, claim.generation, { kind: "settled" })));
    keys += claims.length;
    return keys < keysMax ? ms : undefined;
  });
  return [round3(keys / seconds), ...percentiles(times)];
}

/** Each caller updates its own object, with a work row for it, as the API server does. */
async function measureWrites(callers: number): Promise<string[]> {
  await clear();
  const newest = new Map<number, number>();
  const { seconds, times } = await forAWhile(callers, (caller) =>
    timed(async () => newest.set(caller, await writeObject(`${callers}-${caller}`, newest.get(caller) ?? 0))),
  );
  return [String(callers), round3(times.length / seconds), ...percentiles(times)];
}

async function writeObject(name: string, expectRv: number): Promise<number> {
  const key = { kind: "kind0.example.io", namespace: "bench", name };
  const result = await store.writer.write({
    key,
    uid: name,
    expectRv,
    remove: false,
    terminating: false,
    schemaVersion: "v1",
    body: ['{"metadata":{"resourceVersion":"', `"},"data":"${"x".repeat(bodyBytes)}"}`],
    sensitive: false,
    prevBody: undefined,
    references: undefined,
    guards: [{ target: { kind: "namespaces", namespace: "", name: "bench" }, mustExist: false }],
    wake: [{ queue: key.kind, key: `bench/${name}` }],
    changes: 1,
    priority: 0,
    fence: undefined,
  });
  if (result.outcome !== "written") throw new Error(`the write ended as ${result.outcome}`);
  return result.rv;
}

/** Runs `turn` in `callers` loops until the time is over or it returns undefined. Turns return what they took, in milliseconds. */
async function forAWhile(callers: number, turn: (caller: number) => Promise<number | undefined>): Promise<{ seconds: number; times: number[] }> {
  const start = performance.now();
  const times: number[] = [];
  const loop = async (caller: number): Promise<void> => {
    while (performance.now() - start < measureMs) {
      const ms = await turn(caller);
      if (ms === undefined) return;
      times.push(ms);
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => loop(caller)));
  return { seconds: (performance.now() - start) / 1000, times };
}

async function timed(call: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await call();
  return performance.now() - start;
}

function percentiles(times: readonly number[]): string[] {
  return [round3(percentile(times, 0.5)), round3(percentile(times, 0.99))];
}

async function fill(): Promise<void> {
  await clear();
  for (let from = 0; from < keysMax; from += enqueueBatch) await store.queue.enqueue(Array.from({ length: enqueueBatch }, (_, n) => workRow(from + n)));
}

async function clear(): Promise<void> {
  await store.database.script("TRUNCATE work");
}

function workRow(n: number) {
  return { queue: queues[n % queues.length] ?? "", key: `bench/object-${n}`, priority: n % 3, mask: 0, delayMs: 0 };
}
