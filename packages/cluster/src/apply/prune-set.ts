import type { Cluster } from "../connection/cluster.ts";
import type { Desired } from "./desired.ts";
import { outlivesSet, writeEntry, type Entry } from "./entry.ts";
import { byRank } from "./order.ts";
import { confirmPruneAnnotation } from "../marks.ts";
import { heldBack, type Held } from "./prune-guard.ts";
import { eachParallel } from "./parallel.ts";
import { removeFromCluster } from "./prune.ts";
import { applyParallel, type Run } from "./run.ts";

export interface Pruned {
  /** Objects that are being removed. */
  readonly going: number;
  /** When what may still come into being is not waited for any more; undefined when there is nothing of the sort. */
  readonly lookAgainMs?: number;
  /** The set is empty, which removes nothing. */
  readonly keptEmpty: boolean;
  readonly held?: Held;
}

/**
 * How long a call of a lost run may still come to the cluster (F4): of a process that stood still, or on a slow network. Such calls have deadlines of seconds;
 * what it makes in this time is removed when the watch tells of it.
 */
const lateMs = 10 * 60_000;

/** Removes what left the set. An empty set removes nothing: emptiness is more often a mistake than a wish (F12). */
export async function prune(run: Run, input: { cluster: Cluster; desired: readonly Desired[]; entries: Map<string, Entry> }): Promise<Pruned> {
  const { set, context, identity } = run;
  const wanted = new Set(input.desired.map((desired) => desired.id));
  const surplus = [...input.entries.values()].filter((entry) => !wanted.has(entry.id));
  if (surplus.length === 0) return { going: 0, keptEmpty: false };
  if (!set.spec.prune) {
    for (const entry of surplus) input.entries.delete(entry.id);
    return { going: 0, keptEmpty: false };
  }
  const there = surplus.filter((entry) => entry.detail.absentSince === undefined);
  if (wanted.size === 0 && there.length > 0) return { going: 0, keptEmpty: true };
  const held = heldBack(there, wanted.size, set.metadata.annotations?.[confirmPruneAnnotation]);
  const leaving = held === undefined ? surplus : surplus.filter((entry) => entry.state === "pruning" || entry.detail.absentSince !== undefined);
  const wantedUids = new Set([...input.entries.values()].filter((entry) => wanted.has(entry.id) && entry.uid !== "").map((entry) => entry.uid));
  const going = await removeEntries(run, { cluster: input.cluster, surplus: leaving, entries: input.entries, wanted: wantedUids });
  const nowMs = context.clock.now();
  const lookAgain: number[] = [];
  for (const entry of leaving) {
    const absentSince = entry.detail.absentSince ?? nowMs;
    if (input.entries.has(entry.id) || !mayComeLate(entry, nowMs) || nowMs - absentSince >= lateMs) continue;
    // Whatever comes under this name now is of that call: our mark tells.
    input.entries.set(entry.id, { ...entry, uid: "", state: "pending", detail: { ...entry.detail, absentSince } });
    lookAgain.push(absentSince + lateMs);
  }
  if (going > 0)
    await context.inventory.record(identity.uid, {
      put: leaving.filter((entry) => input.entries.get(entry.id)?.state === "pruning").map((entry) => writeEntry({ ...entry, state: "pruning" })),
    });
  return { going, keptEmpty: false, ...(lookAgain.length === 0 ? {} : { lookAgainMs: Math.min(...lookAgain) }), ...(held === undefined ? {} : { held }) };
}

/**
 * Remembers which objects a lost run had begun to make, also when this run has made them in the meantime: they may leave the set before the call of the lost
 * run comes.
 */
export function rememberLostCalls(before: ReadonlyMap<string, Entry>, entries: Map<string, Entry>, nowMs: number): void {
  for (const [id, old] of before) {
    const entry = entries.get(id);
    const since = old.detail.lostCallSince ?? (isUnanswered(old) ? nowMs : undefined);
    if (entry === undefined || since === undefined) continue;
    const plain = withoutLostCall(entry);
    entries.set(id, nowMs - since < lateMs ? { ...plain, detail: { ...plain.detail, lostCallSince: since } } : plain);
  }
}

function withoutLostCall({ detail: { lostCallSince: _, ...detail }, ...entry }: Entry): Entry {
  return { ...entry, detail };
}

function mayComeLate(entry: Entry, nowMs: number): boolean {
  return isUnanswered(entry) || nowMs - (entry.detail.lostCallSince ?? Number.NEGATIVE_INFINITY) < lateMs;
}

/** Written ahead of a call whose answer nobody has heard. */
function isUnanswered({ state, uid, detail }: Entry): boolean {
  return state === "pending" && uid === "" && detail.refusal === undefined;
}

/** Removes entries of the highest rank that is left; lower ranks wait for it. Returns how many are still there. */
export async function removeEntries(
  run: Run,
  input: { cluster: Cluster; surplus: readonly Entry[]; entries: Map<string, Entry>; wanted: ReadonlySet<string> },
): Promise<number> {
  let going = 0;
  for (const group of byRank(input.surplus, (entry) => entry.detail).toReversed()) {
    if (going > 0) {
      going += group.length;
      continue;
    }
    await eachParallel(group, applyParallel, async (entry) => {
      const removal = outlivesSet(entry.detail)
        ? "gone"
        : await removeFromCluster({ cluster: input.cluster, entry, identity: run.identity, wanted: input.wanted, signal: run.context.signal });
      if (removal === "gone") input.entries.delete(entry.id);
      else {
        going++;
        // Without a uid it is what the lost call made: that one has come.
        input.entries.set(entry.id, { ...(entry.uid === "" ? withoutLostCall(entry) : entry), state: "pruning" });
      }
    });
  }
  return going;
}
