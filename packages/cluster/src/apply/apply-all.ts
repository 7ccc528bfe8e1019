import type { Cluster } from "../connection/cluster.ts";
import { applyOne } from "./apply-one.ts";
import { definitionsEstablished } from "./definitions-established.ts";
import type { Entry } from "./entry.ts";
import { byRank, customResourceDefinitionRank, rankOf } from "./order.ts";
import { eachParallel } from "./parallel.ts";
import type { Planned } from "./plan.ts";
import { applyParallel, type Run } from "./run.ts";

/** Applies what is planned, in order (C3). What the cluster says about one object is noted at its entry, and the others go on. */
export async function applyAll(run: Run, input: { cluster: Cluster; plan: readonly Planned[]; entries: Map<string, Entry>; adopt: boolean }): Promise<void> {
  const { context } = run;
  for (const group of byRank(input.plan, (planned) => planned.desired.object)) {
    await eachParallel(group, applyParallel, (planned) => applyOne(run, { ...input, planned }));
    const first = group[0];
    if (first !== undefined && rankOf(first.desired.object) === customResourceDefinitionRank) await definitionsEstablished(input.cluster, group, context);
  }
}
