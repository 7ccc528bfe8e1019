// npm run simulate: ends, cuts and delays a control plane at every point of its scenarios, and says what came out otherwise.
import { parseArgs } from "node:util";
import { systemClock } from "@threeport/platform";
import { campaign, runOnce, strikes, type Run, type Tally } from "./campaign.ts";
import { play } from "./play.ts";
import { chances, pointFates, type Fault } from "./plans.ts";
import { scenarios } from "./scenarios/index.ts";

const usage = `Usage: npm run simulate -- [options]

Plays every scenario with a fault at every point, and holds the end against that of the undisturbed run.

  --list              scenarios, faults, and how many points there are
  --scenario NAME     this scenario only
  --fault KIND        this fault only: ${[...pointFates, ...chances].join(", ")}
  --points N          so many points of each scenario for each fault, spread evenly (default: all)
  --seeds N           so many seeds of each fault that goes by chance (default: 20)
  --seed TEXT         the seed of everything (default: 1)
  --minutes N         begins nothing new after N minutes; goes on with further seeds until then
  --point N           one run: the fault of --fault at this point of --scenario, told in full
  --chance TEXT       one run: the fault of --fault by this seed

It ends with 0 when every run came to the same end, with 1 when one did not, and with 2 when it was asked for wrongly.
`;

const kindsOf = (text: string | undefined): readonly Fault["kind"][] => {
  const all: readonly Fault["kind"][] = [...pointFates, ...chances];
  if (text === undefined) return all;
  const found = all.filter((kind) => kind === text);
  if (found.length === 0) throw new Wrong(`there is no fault ${text}; there are ${all.join(", ")}`);
  return found;
};

class Wrong extends Error {}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      help: { type: "boolean", short: "h" },
      list: { type: "boolean" },
      scenario: { type: "string" },
      fault: { type: "string" },
      points: { type: "string" },
      point: { type: "string" },
      chance: { type: "string" },
      seeds: { type: "string" },
      seed: { type: "string", default: "1" },
      minutes: { type: "string" },
    },
  });
  if (values.help === true) {
    process.stdout.write(usage);
    return 0;
  }
  const { seed } = values;
  const named = scenarios.filter((make) => values.scenario === undefined || make().name === values.scenario);
  if (named.length === 0) throw new Wrong(`there is no scenario ${values.scenario ?? ""}; there are ${scenarios.map((make) => make().name).join(", ")}`);
  if (values.list === true) return list(seed);
  const kinds = kindsOf(values.fault);
  if (!named.some((make) => kinds.some((kind) => strikes(kind, make()))))
    throw new Wrong(`the fault ${values.fault ?? ""} lets people go on meanwhile, which these scenarios allow: ${hastyNames().join(", ")}`);
  const fault = oneFault(kinds[0], kinds.length, values);
  if (fault !== undefined) {
    const [scenario] = named;
    if (scenario === undefined || named.length > 1) throw new Wrong("one run needs its scenario: --scenario NAME");
    const calm = await play(scenario(), { seed });
    if ("point" in fault && fault.point > calm.points.length)
      throw new Wrong(`--point ${fault.point}: the scenario ${scenario().name} has the points 1 to ${calm.points.length}`);
    const run = await runOnce(scenario, { calm, fault, seed });
    tell(run, seed, Infinity);
    if (run.wrong.length === 0) process.stdout.write(`the same end${run.at === undefined ? "" : `, struck at: ${run.at}`}\n`);
    return run.wrong.length === 0 ? 0 : 1;
  }
  const endsAtMs = values.minutes === undefined ? undefined : systemClock.monotonic() + positive("--minutes", values.minutes) * 60_000;
  const over = (): boolean => endsAtMs !== undefined && systemClock.monotonic() >= endsAtMs;
  let failed = false;
  for (let round = 0; round === 0 || (endsAtMs !== undefined && !over()); round++) {
    const tallies = await campaign({
      scenarios: named,
      seed: round === 0 ? seed : `${seed}.${round}`,
      kinds,
      points: values.points === undefined ? undefined : wholeNumber("--points", values.points),
      seeds: values.seeds === undefined ? 20 : wholeNumber("--seeds", values.seeds),
      over,
      onRun: (run) => tell(run, round === 0 ? seed : `${seed}.${round}`, linesShown),
    });
    table(tallies);
    failed ||= tallies.some((tally) => tally.failed.length > 0);
  }
  return failed ? 1 : 0;
}

const linesShown = 3;
const lineMax = 600;

function oneFault(kind: Fault["kind"] | undefined, kinds: number, { point, chance }: { point?: string; chance?: string }): Fault | undefined {
  if (point === undefined && chance === undefined) return undefined;
  if (kind === undefined || kinds !== 1) throw new Wrong("one run needs its fault: --fault KIND");
  if (kind === "stale" || kind === "deaf" || kind === "storm") {
    if (chance === undefined) throw new Wrong(`the fault ${kind} goes by chance: --chance TEXT`);
    return { kind, seed: chance };
  }
  if (point === undefined) throw new Wrong(`the fault ${kind} strikes at a point: --point N`);
  return { kind, point: wholeNumber("--point", point) };
}

const hastyNames = (): string[] => scenarios.flatMap((make) => (make().hasty === true ? [make().name] : []));

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < Infinity)) throw new Wrong(`${option} wants a number above 0, not ${JSON.stringify(text)}`);
  return value;
}

function wholeNumber(option: string, text: string): number {
  const value = positive(option, text);
  if (!Number.isSafeInteger(value)) throw new Wrong(`${option} wants a whole number, not ${JSON.stringify(text)}`);
  return value;
}

/** What went wrong, and the command that shows it again. */
function tell(run: Run, seed: string, lines: number): void {
  if (run.wrong.length === 0) return;
  const where = "point" in run.fault ? `--point ${run.fault.point}` : `--chance ${run.fault.seed}`;
  process.stdout.write(`\n${run.scenario}, ${run.fault.kind}${run.at === undefined ? "" : ` at: ${run.at}`}\n`);
  for (const line of run.wrong.slice(0, lines)) process.stdout.write(`  ${line.slice(0, lineMax)}\n`);
  process.stdout.write(`  again: npm run simulate -- --seed ${seed} --scenario ${run.scenario} --fault ${run.fault.kind} ${where}\n`);
}

function table(tallies: readonly Tally[]): void {
  const kinds = [...pointFates, ...chances];
  process.stdout.write(`\n| scenario | points | ${kinds.join(" | ")} | failed |\n| --- |${" ---: |".repeat(kinds.length + 2)}\n`);
  for (const { scenario, points, runs, failed } of tallies)
    process.stdout.write(`| ${scenario} | ${points} | ${kinds.map((kind) => runs[kind] ?? 0).join(" | ")} | ${failed.length} |\n`);
}

async function list(seed: string): Promise<number> {
  for (const make of scenarios) {
    const scenario = make();
    const { points } = await play(make(), { seed });
    process.stdout.write(`${scenario.name}: ${scenario.says} (${scenario.steps.length} steps, ${points.length} points)\n`);
  }
  process.stdout.write(`faults at a point: ${pointFates.join(", ")}\nfaults by chance: ${chances.join(", ")}\n`);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  const usageError = error instanceof Wrong || (error as { code?: string }).code?.startsWith("ERR_PARSE_ARGS") === true;
  process.stderr.write(`error: ${(error as Error).message}\n${usageError ? "hint: npm run simulate -- --help\n" : ""}`);
  process.exitCode = usageError ? 2 : 1;
}
