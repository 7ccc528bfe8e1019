/**
 * Where the CPU of the API goes: samples of the server's process under the load of `bench:api`, by group of costs, and as a flame graph.
 *
 *   npm run bench:profile -- [--objects 3000] [--callers 32] [--rounds 3] [--svg docs/flame-graph.svg]
 *
 * PostgreSQL's processes are not sampled: of them only the CPU time is told.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createClient } from "../../packages/client/src/index.ts";
import { costShares } from "./lib/cost-groups.ts";
import { readStacks, type Span } from "./lib/cpu-profile.ts";
import { flameGraph } from "./lib/flame-graph.ts";
import { freePort } from "./lib/free-port.ts";
import { runLoad } from "./lib/load.ts";
import { machine } from "./lib/machine.ts";
import { loadOf } from "./lib/measure-round.ts";
import { printTable, say } from "./lib/print-table.ts";
import { cpuMs } from "./lib/process-cost.ts";
import { round3 } from "./lib/statistics.ts";
import { temporaryFolder } from "./lib/temporary-folder.ts";
import { asTptctlStarts, threeport } from "./lib/threeport-server.ts";

const { values } = parseArgs({
  options: {
    objects: { type: "string", default: "3000" },
    callers: { type: "string", default: "32" },
    rounds: { type: "string", default: "3" },
    svg: { type: "string" },
  },
});
const load = { count: Number(values.objects), callers: Number(values.callers) };
const names = ["create", "get", "patch", "delete"] as const;
/** Samples are taken so often, in microseconds: the profiler itself then takes a few per cent. */
const sampleEveryUs = 500;

await using folder = await temporaryFolder("threeport-profile-");
const profiles = join(folder.path, "profiles");
const spans = new Map<string, Span[]>(names.map((name) => [name, []]));
const cpu = new Map<string, { server: number; database: number; calls: number }>(names.map((name) => [name, { server: 0, database: 0, calls: 0 }]));
/** The clock that V8 writes into profiles. */
const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;
{
  const nodeArgs = [...asTptctlStarts, "--cpu-prof", `--cpu-prof-dir=${profiles}`, `--cpu-prof-interval=${sampleEveryUs}`];
  await using system = await threeport({ home: join(folder.path, "home"), port: await freePort(), nodeArgs });
  const [server = 0, database = 0] = system.roots;
  await using client = createClient(system.connection, { connectionsMax: load.callers });
  for (let round = 0; round < Number(values.rounds); round++) {
    say(`round ${round + 1} of ${values.rounds}`);
    const calls = await loadOf(client, `round-${round}`);
    for (const name of names) {
      const from = monotonicMs();
      const before = [await cpuMs([server]), await cpuMs([database])] as const;
      await runLoad(load, calls[name]);
      spans.get(name)?.push({ from, to: monotonicMs() });
      const sum = cpu.get(name);
      if (sum === undefined) continue;
      sum.server += (await cpuMs([server])) - before[0];
      sum.database += (await cpuMs([database])) - before[1];
      sum.calls += load.count;
    }
  }
}

const stacks = new Map(await Promise.all([...spans].map(async ([name, of]) => [name, await readStacks(profiles, of)] as const)));
const all = [...stacks.values()].flat();
process.stdout.write(`${machine()}\n${load.count} ConfigMaps of 1 KB, ${load.callers} callers, ${values.rounds} rounds, ${asTptctlStarts.join(" ")}\n\n`);
printTable(
  ["CPU ms a call", ...names],
  (["server", "database"] as const).map((part) => [part, ...names.map((name) => round3((cpu.get(name)?.[part] ?? 0) / (cpu.get(name)?.calls ?? 1)))]),
);
process.stdout.write("\n");
const shares = new Map(names.map((name) => [name, new Map(costShares(stacks.get(name) ?? []).map((cost) => [cost.name, cost.share]))]));
printTable(
  ["per cent of the server's samples", ...names, "all"],
  costShares(all).map(({ name, share }) => [name, ...names.map((of) => (100 * (shares.get(of)?.get(name) ?? 0)).toFixed(1)), (100 * share).toFixed(1)]),
);
if (values.svg !== undefined) {
  await writeFile(values.svg, flameGraph(all, `${names.join(", ")}: ${load.callers} callers, ConfigMaps of 1 KB; CPU of the server's process`));
  say(`wrote ${values.svg}`);
}
