import { expect, test } from "vitest";
import { campaign, strikes } from "../campaign.ts";
import { chances, pointFates } from "../plans.ts";
import type { Scenario } from "../scenarios/index.ts";

/** Of the runs of this process; a failure names it. */
export const seed = process.env["THREEPORT_TEST_SEED"] ?? String(Math.floor(Math.random() * 2 ** 31));

/** The signature test (design.md §11) in a bounded form: every fault at some points, others with each seed. `npm run simulate` plays all of them. */
export function testBounded(title: string, scenarios: readonly (() => Scenario)[]): void {
  test.each(scenarios.map((scenario) => ({ name: scenario().name, scenario })))(title, { timeout: 300_000 }, async ({ scenario }) => {
    const [tally] = await campaign({ scenarios: [scenario], seed, kinds: [...pointFates, ...chances], points: 2, seeds: 1 });
    const failed = tally?.failed.map(
      (run) => `npm run simulate -- --seed ${seed} --scenario ${run.scenario}: ${JSON.stringify(run.fault)}: ${run.wrong[0] ?? ""}`,
    );
    expect(failed).toEqual([]);
    const wanted = [...pointFates, ...chances].filter((kind) => strikes(kind, scenario()));
    expect(Object.keys(tally?.runs ?? {}).toSorted()).toEqual(wanted.toSorted());
  });
}
