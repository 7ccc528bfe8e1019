/**
 * Our API and kube-apiserver with etcd, side by side on this machine, under the same load from the same client.
 *
 *   npm run bench:api -- [--objects 3000] [--callers 32] [--rounds 3] [--only threeport] [--node-args=--max-semi-space-size=8]
 *
 * The rounds alternate between the two, so that a noisy machine is noisy for both. Needs kube-apiserver and etcd in the
 * cache folder (node scripts/local-kubernetes.ts up builds them).
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { freePort } from "./lib/free-port.ts";
import { kubeApiserver } from "./lib/kube-apiserver.ts";
import { machine } from "./lib/machine.ts";
import { measureRound, operations, type RoundResult } from "./lib/measure-round.ts";
import { printTable, say } from "./lib/print-table.ts";
import { median, percentile, round3 } from "./lib/statistics.ts";
import type { SystemUnderTest } from "./lib/system-under-test.ts";
import { temporaryFolder } from "./lib/temporary-folder.ts";
import { asTptctlStarts, threeport } from "./lib/threeport-server.ts";

const { values } = parseArgs({
  options: {
    objects: { type: "string", default: "3000" },
    callers: { type: "string", default: "32" },
    rounds: { type: "string", default: "3" },
    only: { type: "string" },
    "node-args": { type: "string", default: asTptctlStarts.join(" ") },
  },
});
const load = { objects: Number(values.objects), callers: Number(values.callers), watch: { watchers: 10, writesPerSecond: 100, seconds: 5 } };
const rounds = Number(values.rounds);

await using folder = await temporaryFolder("threeport-bench-");
await using stack = new AsyncDisposableStack();
const systems: SystemUnderTest[] = [];
if (values.only !== "kube-apiserver")
  systems.push(
    stack.use(
      await threeport({
        home: join(folder.path, "home"),
        port: await freePort(),
        nodeArgs: values["node-args"].split(" "),
      }),
    ),
  );
if (values.only !== "threeport") systems.push(stack.use(await kubeApiserver(join(folder.path, "kubernetes"))));

const results = new Map<SystemUnderTest, RoundResult[]>(systems.map((system) => [system, []]));
for (let round = 0; round < rounds; round++) {
  for (const system of round % 2 === 0 ? systems : systems.toReversed()) {
    say(`round ${round + 1} of ${rounds}: ${system.name}`);
    results.get(system)?.push(await measureRound(system, load, `round-${round}`));
  }
}
report();

/** What design.md §10 asks for, as ours against theirs. */
function report(): void {
  const [ours, theirs] = [systems.find((system) => system.name === "threeport"), systems.find((system) => system.name !== "threeport")];
  const of = (system: SystemUnderTest | undefined, pick: (round: RoundResult) => number): number =>
    system === undefined ? Number.NaN : median((results.get(system) ?? []).map(pick));
  const rows: string[][] = [];
  const add = (
    name: string,
    pick: (round: RoundResult) => number,
    target: { readonly atLeast?: number; readonly atMost?: number; readonly below?: number } = {},
  ): void => {
    const [a, b] = [of(ours, pick), of(theirs, pick)];
    const ratio = a / b;
    const wanted =
      target.atLeast !== undefined
        ? `≥ ${target.atLeast} ×`
        : target.atMost !== undefined
          ? `≤ ${target.atMost} ×`
          : target.below !== undefined
            ? `< ${target.below}`
            : "";
    const met =
      target.atLeast !== undefined
        ? ratio >= target.atLeast
        : target.atMost !== undefined
          ? ratio <= target.atMost
          : target.below !== undefined
            ? a < target.below
            : undefined;
    rows.push([
      name,
      round3(a),
      round3(b),
      Number.isNaN(ratio) ? "" : `${round3(ratio)} ×`,
      wanted,
      met === undefined || (target.below === undefined && Number.isNaN(ratio)) ? "" : met ? "yes" : "no",
    ]);
  };
  const leastOf = { create: 4, get: 3, patch: 4, list: 1, delete: 4 };
  for (const name of operations) {
    const unit = name === "list" ? `list of ${load.objects}` : name;
    add(`${unit}, per second`, (round) => round[name].perSecond, { atLeast: leastOf[name] });
    add(`${unit}, p50 ms`, (round) => percentile(round[name].latenciesMs, 0.5));
    add(`${unit}, p99 ms`, (round) => percentile(round[name].latenciesMs, 0.99));
    add(`${unit}, server CPU ms each`, (round) => round[name].cpuMsEach);
  }
  add("watch, write sent to event read, p50 ms", (round) => percentile(round.watch.deliveryMs, 0.5));
  add("watch, write sent to event read, p99 ms", (round) => percentile(round.watch.deliveryMs, 0.99), { below: 10 });
  add("memory with the objects there, PSS MiB", (round) => round.pssMiB, { atMost: 0.5 });
  process.stdout.write(
    `${machine()}\n${load.objects} ConfigMaps of 1 KB, ${load.callers} callers, ${rounds} rounds in turn, medians of the rounds; watch: ${load.watch.watchers} watchers, ${load.watch.writesPerSecond} writes/s\n`,
  );
  for (const system of systems) process.stdout.write(`${system.name}: ${system.settings}\n`);
  process.stdout.write("\n");
  printTable(["", ours?.name ?? "–", theirs?.name ?? "–", "ratio", "target", "met"], rows);
}
