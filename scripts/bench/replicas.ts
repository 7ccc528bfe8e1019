/**
 * How late an event arrives at a watcher of one server when the write went to another one over the same database.
 *
 *   npm run bench:replicas -- [--watchers 10] [--writes 100] [--seconds 10]
 *
 * Two control planes as processes, one PostgreSQL (durable); all writes go to the first. The same watchers at the first are the row to compare with.
 */
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openBenchDatabase } from "./lib/bench-database.ts";
import { freePort } from "./lib/free-port.ts";
import { machine } from "./lib/machine.ts";
import { printTable } from "./lib/print-table.ts";
import { percentile, round3 } from "./lib/statistics.ts";
import { temporaryFolder } from "./lib/temporary-folder.ts";
import { readAdminConnection, startServer } from "./lib/threeport-server.ts";
import { watchLatency } from "./lib/watch-latency.ts";

const { values } = parseArgs({
  options: { watchers: { type: "string", default: "10" }, writes: { type: "string", default: "100" }, seconds: { type: "string", default: "10" } },
});
const load = { watchers: Number(values.watchers), writesPerSecond: Number(values.writes), seconds: Number(values.seconds) };

await using folder = await temporaryFolder("threeport-replicas-");
await using database = await openBenchDatabase();
const { host, port, user, database: name, password } = database.connection;
const databaseUrl = `postgresql://${encodeURIComponent(user ?? "")}:${encodeURIComponent(password ?? "")}@/${name}?host=${encodeURIComponent(host ?? "")}&port=${port}`;
const [first, second] = [join(folder.path, "first"), join(folder.path, "second")];
await using firstProcess = (await startServer({ home: first, port: await freePort(), databaseUrl })).process;
// Both need the key that wraps the data keys.
await cp(join(first, "keys"), join(second, "keys"), { recursive: true });
await using secondProcess = (await startServer({ home: second, port: await freePort(), databaseUrl })).process;
const written = { connection: await readAdminConnection(first) };
const other = { connection: await readAdminConnection(second) };

const path = "/api/v1/namespaces/default/configmaps";
const rows = [];
for (const [where, watched] of [
  ["the server that was written to", written],
  ["the other server", other],
] as const) {
  const { deliveryMs, writeMs } = await watchLatency(written, path, load, watched);
  rows.push([where, round3(percentile(writeMs, 0.5)), round3(percentile(deliveryMs, 0.5)), round3(percentile(deliveryMs, 0.99))]);
}
process.stdout.write(
  `${machine()}\nservers ${firstProcess.pid} and ${secondProcess.pid}, ${load.watchers} watchers, ${load.writesPerSecond} writes/s for ${load.seconds} s; from sending a write to reading its event\n\n`,
);
printTable(["watchers at", "write p50 ms", "event p50 ms", "event p99 ms"], rows);
