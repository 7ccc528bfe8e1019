import { accessOf, type Access } from "../confinement/access.ts";
import type { Cluster } from "../connection/cluster.ts";
import { judgeSet } from "../judge-set.ts";
import type { ResourceSet } from "../kinds/resource-set.ts";
import type { Desired } from "./desired.ts";
import { applyReason, type ApplyReason } from "./drift.ts";
import type { Entry } from "./entry.ts";
import { kindText } from "./follow-kinds.ts";
import type { Run } from "./run.ts";

/** An object that the cluster does not have as it is wanted. */
export interface Planned {
  readonly desired: Desired;
  readonly digest: string;
  readonly reason: ApplyReason | "refused";
  readonly access: Access;
}

export function planOf(
  digestOf: (content: string) => string,
  input: { set: ResourceSet; desired: readonly Desired[]; entries: ReadonlyMap<string, Entry>; complete: ReadonlySet<string>; cluster: Cluster },
): Planned[] {
  return input.desired.flatMap((desired): Planned[] => {
    const digest = digestOf(JSON.stringify(desired.object));
    const access = accessOf(input.set, desired, input.cluster.impersonates);
    // What is not allowed any more is told at once, not when somebody changes it.
    if (access.refused !== undefined) return [{ desired, digest, access, reason: "refused" }];
    const reason = applyReason(input.entries.get(desired.id), {
      digest,
      desired: desired.object,
      live: input.cluster.cache.byId(desired.id),
      complete: input.complete.has(kindText(desired.object)),
    });
    return reason === undefined ? [] : [{ desired, digest, access, reason }];
  });
}

/** The highest wave that may be applied: the first one in which something is not healthy yet, or the last (C3). */
export function openWaves(run: Run, input: { desired: readonly Desired[]; entries: ReadonlyMap<string, Entry>; cluster: Cluster }): number {
  const waves = [...new Set(input.desired.map((object) => object.wave))].toSorted((a, b) => a - b);
  for (const wave of waves.slice(0, -1)) {
    const judged = judgeSet({
      set: run.set,
      desired: input.desired.filter((object) => object.wave === wave),
      entries: input.entries,
      cluster: input.cluster,
      nowMs: run.context.clock.now(),
      pruning: 0,
      keptEmpty: false,
    });
    if (!judged.healthy) return wave;
  }
  return waves.at(-1) ?? 0;
}
