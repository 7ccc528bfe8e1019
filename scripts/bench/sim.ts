/**
 * What simulated clusters take: memory and CPU of one process with many of them.
 *
 *   npm run bench:sim -- [--clusters 1000] [--objects 20] [--idle 10]
 *
 * `--objects` Deployments are written into each cluster by its HTTPS API; then nothing happens for `--idle` seconds. The design allows 4 GiB for 1,000.
 */
import { parseArgs } from "node:util";
import { createClient } from "../../packages/client/src/index.ts";
import { systemClock } from "../../packages/platform/src/index.ts";
import { startSimulation } from "../../packages/sim/src/index.ts";
import { machine } from "./lib/machine.ts";
import { printTable, say } from "./lib/print-table.ts";

const { values } = parseArgs({
  options: { clusters: { type: "string", default: "1000" }, objects: { type: "string", default: "20" }, idle: { type: "string", default: "10" } },
});
const clusters = Number(values.clusters);
const objects = Number(values.objects);
const idleSeconds = Number(values.idle);
const rows: string[][] = [];
const mib = (bytes: number): string => (bytes / 1024 / 1024).toFixed(0);

async function measured(name: string, work: () => Promise<void>): Promise<void> {
  say(name);
  const before = process.cpuUsage();
  const started = systemClock.monotonic();
  await work();
  const seconds = (systemClock.monotonic() - started) / 1000;
  const { user, system } = process.cpuUsage(before);
  const { rss, heapUsed } = process.memoryUsage();
  rows.push([name, seconds.toFixed(1), ((user + system) / 1e6 / seconds).toFixed(3), mib(heapUsed), mib(rss), (rss / 1024 / clusters).toFixed(0)]);
}

await using simulation = await startSimulation({ factor: 1 });
await measured(`${clusters} clusters made`, async () => {
  for (let n = 0; n < clusters; n++) await simulation.addCluster(`c-${n}`);
});
await measured(`idle ${idleSeconds} s`, () => systemClock.sleep(idleSeconds * 1000));
await measured(`${clusters * objects} Deployments written`, async () => {
  for (const cluster of simulation.clusters.values()) {
    await using client = createClient({ server: cluster.server, caData: simulation.caPem, token: cluster.token });
    await Promise.all(
      Array.from({ length: objects }, (_, n) => client.create({ apiVersion: "apps/v1", kind: "Deployment", namespace: "default" }, deployment(n))),
    );
  }
});
await measured(`idle ${idleSeconds} s with them`, () => systemClock.sleep(idleSeconds * 1000));
process.stdout.write(`${machine()}\n${clusters} clusters in one process, its client included\n\n`);
printTable(["", "s", "CPU cores", "heap MiB", "RSS MiB", "RSS KiB each"], rows);

function deployment(n: number): object {
  const labels = { app: `app-${n}` };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: `app-${n}`, namespace: "default", labels },
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "main", image: "example.com/app:1" }] } },
    },
  };
}
