/**
 * What watchers cost: CPU of the server for each event, memory for each watcher, and how late events arrive.
 *
 *   npm run bench:watch -- [--watchers 5000] [--writes 100] [--seconds 10] [--beside]
 *
 * Each row is a fresh set of watchers on one server: of single objects by name (each event has one reader), of namespaces, of everything (each event has
 * all readers), in the plain form and as Table. `--beside` measures kube-apiserver with etcd too; it needs both in the cache folder.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createClient } from "../../packages/client/src/index.ts";
import { systemClock } from "../../packages/platform/src/index.ts";
import { freePort } from "./lib/free-port.ts";
import { kubeApiserver } from "./lib/kube-apiserver.ts";
import { machine } from "./lib/machine.ts";
import { openWatchers } from "./lib/many-watchers.ts";
import { printTable, say } from "./lib/print-table.ts";
import { cpuMs, pssMiB } from "./lib/process-cost.ts";
import { percentile, round3 } from "./lib/statistics.ts";
import type { SystemUnderTest } from "./lib/system-under-test.ts";
import { temporaryFolder } from "./lib/temporary-folder.ts";
import { threeport } from "./lib/threeport-server.ts";
import { waitUntil } from "./lib/wait-until.ts";

const { values } = parseArgs({
  options: {
    watchers: { type: "string", default: "5000" },
    writes: { type: "string", default: "100" },
    seconds: { type: "string", default: "10" },
    beside: { type: "boolean", default: false },
  },
});
const load = { watchers: Number(values.watchers), writesPerSecond: Number(values.writes), seconds: Number(values.seconds) };
/** Objects that are written to, spread over the namespaces. */
const objects = 500;
const namespaces = 20;
/** Data that makes the object about 1 KB of JSON. */
const filler = "x".repeat(800);

interface Scenario {
  readonly name: string;
  readonly watchers: number;
  readonly path: (watcher: number) => string;
}

const place = (index: number): { namespace: string; name: string } => ({ namespace: `bench-${index % namespaces}`, name: `object-${index}` });
const collection = (namespace: string): string => `/api/v1/namespaces/${namespace}/configmaps`;
const few = Math.max(10, Math.floor(load.watchers / 50));
const scenarios: readonly Scenario[] = [
  { name: "all objects", watchers: 10, path: () => "/api/v1/configmaps?watch=true" },
  {
    name: "one name each",
    watchers: load.watchers,
    path: (watcher) => {
      const { namespace, name } = place(watcher % objects);
      return `${collection(namespace)}?watch=true&fieldSelector=metadata.name%3D${name}`;
    },
  },
  { name: "one namespace each", watchers: few, path: (watcher) => `${collection(`bench-${watcher % namespaces}`)}?watch=true` },
  { name: "one label each, all namespaces", watchers: few, path: (watcher) => `/api/v1/configmaps?watch=true&labelSelector=shard%3D${watcher % objects}` },
  { name: "all objects", watchers: few, path: () => "/api/v1/configmaps?watch=true" },
];

await using folder = await temporaryFolder("threeport-bench-");
const rows: string[][] = [];
let written = 0;
for (const start of [() => ours(), ...(values.beside ? [() => kubeApiserver(join(folder.path, "kubernetes"))] : [])]) {
  await using system = await start();
  await prepare(system);
  for (const scenario of scenarios) rows.push(await measure(system, scenario));
}
process.stdout.write(`${machine()}\n${objects} ConfigMaps of 1 KB in ${namespaces} namespaces, ${load.writesPerSecond} writes/s for ${load.seconds} s\n\n`);
printTable(
  ["watch", "watchers", "server", "events/s", "p50 ms", "p99 ms", "server CPU, ms of each second", "µs CPU each event", "KiB each watcher", "opened/s"],
  rows,
);

async function ours(): Promise<SystemUnderTest> {
  return threeport({ home: join(folder.path, "home"), port: await freePort(), nodeArgs: ["--max-semi-space-size=4"] });
}

async function prepare(system: SystemUnderTest): Promise<void> {
  await using client = createClient(system.connection, { connectionsMax: 8 });
  for (let index = 0; index < namespaces; index++)
    await client.request("/api/v1/namespaces", { method: "POST", body: { apiVersion: "v1", kind: "Namespace", metadata: { name: `bench-${index}` } } });
  await Promise.all(
    Array.from({ length: objects }, async (_, index) => {
      const { namespace, name } = place(index);
      const metadata = { name, labels: { shard: String(index) } };
      await client.request(collection(namespace), { method: "POST", body: { apiVersion: "v1", kind: "ConfigMap", metadata, data: { n: "-", filler } } });
    }),
  );
}

async function measure(system: SystemUnderTest, scenario: Scenario): Promise<string[]> {
  say(`${system.name}: ${scenario.watchers} watchers of ${scenario.name}`);
  await using client = createClient(system.connection, { connectionsMax: 32 });
  const version = ((await client.request("/api/v1/configmaps", { query: { limit: 1 } })).body as { metadata: { resourceVersion: string } }).metadata
    .resourceVersion;
  const first = (written += 1_000_000); // a write that changes nothing would be no event
  const sentAt: Record<number, number> = {};
  const deliveryMs: number[] = [];
  const before = await pssMiB(system.roots);
  const opening = systemClock.monotonic();
  await using watchers = await openWatchers(
    system.connection,
    Array.from({ length: scenario.watchers }, (_, index) => `${scenario.path(index)}&resourceVersion=${version}`),
    (n) => deliveryMs.push(systemClock.monotonic() - (sentAt[n] ?? 0)),
  );
  const openedPerSecond = (1000 * scenario.watchers) / (systemClock.monotonic() - opening);
  const memory = (await pssMiB(system.roots)) - before;
  const cpuBefore = await cpuMs(system.roots);
  const started = systemClock.monotonic();
  const count = load.writesPerSecond * load.seconds;
  const writes: Promise<unknown>[] = [];
  for (let n = 0; n < count; n++) {
    const wait = started + (n * 1000) / load.writesPerSecond - systemClock.monotonic();
    if (wait > 0) await systemClock.sleep(wait);
    sentAt[first + n] = systemClock.monotonic();
    const { namespace, name } = place(n % objects);
    const headers = { "content-type": "application/merge-patch+json" };
    writes.push(client.request(`${collection(namespace)}/${name}`, { method: "PATCH", headers, body: { data: { n: String(first + n) } } }));
  }
  await Promise.all(writes);
  const settled = await settle(() => watchers.seen);
  const elapsedSeconds = (systemClock.monotonic() - started) / 1000;
  const cpu = (await cpuMs(system.roots)) - cpuBefore;
  return [
    scenario.name,
    String(scenario.watchers),
    system.name,
    round3(settled / load.seconds),
    round3(percentile(deliveryMs, 0.5)),
    round3(percentile(deliveryMs, 0.99)),
    round3(cpu / elapsedSeconds),
    round3((1000 * cpu) / settled),
    round3((1024 * memory) / scenario.watchers),
    round3(openedPerSecond),
  ];
}

/** Until no more events come. */
async function settle(seen: () => number): Promise<number> {
  let last = -1;
  return waitUntil(
    async () => {
      const now = seen();
      const same = now === last;
      last = now;
      return same ? now : undefined;
    },
    { what: "the events end", deadlineMs: 60_000, everyMs: 500 },
  );
}
