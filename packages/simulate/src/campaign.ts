import { seededRandom } from "@threeport/sim";
import { judge, play, type Story } from "./play.ts";
import { chances, pointFates, type Fault } from "./plans.ts";
import type { Scenario } from "./scenarios/index.ts";

export interface CampaignOptions {
  readonly scenarios: readonly (() => Scenario)[];
  readonly seed: string;
  readonly kinds: readonly Fault["kind"][];
  /** How many points of each scenario are struck by each fate, spread evenly from a place that the seed decides; all unless said. */
  readonly points?: number | undefined;
  /** How many seeds of each fault that goes by chance. */
  readonly seeds: number;
  /** Told of each run. */
  readonly onRun?: (run: Run) => void;
  /** Nothing new begins after it says true. */
  readonly over?: () => boolean;
}

export interface Run {
  readonly scenario: string;
  readonly fault: Fault;
  /** What was struck. */
  readonly at: string | undefined;
  /** Nothing when all was right. */
  readonly wrong: readonly string[];
}

/** One row of the table of a campaign. */
export interface Tally {
  readonly scenario: string;
  readonly points: number;
  readonly runs: Readonly<Partial<Record<Fault["kind"], number>>>;
  readonly failed: readonly Run[];
}

/**
 * Tells each scenario undisturbed, then again under each fault, and holds every story against the undisturbed one.
 * @throws Error when an undisturbed story does not come to its end, or is not told the same way twice
 */
export async function campaign(options: CampaignOptions): Promise<Tally[]> {
  const tallies: Tally[] = [];
  for (const scenario of options.scenarios) {
    const { name } = scenario();
    const calm = await play(scenario(), { seed: options.seed });
    const again = await play(scenario(), { seed: options.seed });
    const odd = judge(calm, again);
    if (odd.length > 0 || calm.mistakes.length > 0)
      throw new Error(`undisturbed, ${name} is not told the same way twice by the seed ${options.seed}: ${[...odd, ...calm.mistakes].join("; ")}`);
    const runs: Partial<Record<Fault["kind"], number>> = {};
    const failed: Run[] = [];
    const kinds = options.kinds.filter((kind) => strikes(kind, scenario()));
    for (const fault of faultsOf(name, calm, { ...options, kinds })) {
      if (options.over?.() === true) break;
      const run = await runOnce(scenario, { calm, fault, seed: options.seed });
      runs[fault.kind] = (runs[fault.kind] ?? 0) + 1;
      if (run.wrong.length > 0) failed.push(run);
      options.onRun?.(run);
    }
    tallies.push({ scenario: name, points: calm.points.length, runs, failed });
  }
  return tallies;
}

/** Whether a scenario can be held against its undisturbed end under this fault. */
export function strikes(kind: Fault["kind"], scenario: Scenario): boolean {
  return scenario.hasty === true || !kind.endsWith("-hasty");
}

/** Plays a scenario under one fault, and judges it. */
export async function runOnce(
  scenario: () => Scenario,
  { calm, fault, seed }: { readonly calm: Story; readonly fault: Fault; readonly seed: string },
): Promise<Run> {
  const at = "point" in fault ? calm.points[fault.point - 1]?.what : undefined;
  const { name } = scenario();
  try {
    return { scenario: name, fault, at, wrong: judge(calm, await play(scenario(), { seed, fault })) };
  } catch (error) {
    return { scenario: name, fault, at, wrong: [error instanceof Error ? error.message : String(error)] };
  }
}

function* faultsOf(name: string, calm: Story, { kinds, points = calm.points.length, seeds, seed }: CampaignOptions): Iterable<Fault> {
  const random = seededRandom(`${seed}/${name}`);
  const stride = Math.max(1, Math.ceil(calm.points.length / points));
  for (const kind of pointFates.filter((each) => kinds.includes(each)))
    for (let point = 1 + Math.floor(random.float() * stride); point <= calm.points.length; point += stride) yield { kind, point };
  for (const kind of chances.filter((each) => kinds.includes(each))) for (let n = 0; n < seeds; n++) yield { kind, seed: `${seed}/${n}` };
}
