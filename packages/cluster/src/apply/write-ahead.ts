import type { ReconcileContext } from "@threeport/engine";
import type { SetIdentity } from "../marks.ts";
import type { Desired } from "./desired.ts";
import { writeEntry, type Entry, type EntryDetail } from "./entry.ts";
import type { Planned } from "./plan.ts";

/** §5.5: entries stand in the inventory before the objects stand in the cluster; a lost answer is found again by its mark. */
export async function writeAhead(
  plan: readonly Planned[],
  input: { entries: Map<string, Entry>; context: ReconcileContext; identity: SetIdentity },
): Promise<void> {
  const fresh: Entry[] = plan.flatMap(({ desired, reason }) => {
    const known = input.entries.get(desired.id);
    if (reason === "refused") return []; // no call will be made
    if (known !== undefined && known.state !== "pruning" && reason !== "replaced" && reason !== "missing") return [];
    return [{ id: desired.id, uid: "", state: "pending" as const, detail: detailOf(desired, { digest: "", ...carried(known) }) }];
  });
  if (fresh.length === 0) return;
  await input.context.inventory.record(input.identity.uid, { put: fresh.map(writeEntry) });
  for (const entry of fresh) input.entries.set(entry.id, entry);
}

export function detailOf(desired: Desired, more: Pick<EntryDetail, "digest"> & Partial<EntryDetail>): EntryDetail {
  const { apiVersion, kind, metadata } = desired.object;
  return {
    apiVersion,
    kind,
    name: metadata.name,
    ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
    ...(desired.orphan ? { orphan: true } : {}),
    ...more,
  };
}

/** What stays true of an object over its applies. */
export function carried(known: Entry | undefined): Pick<EntryDetail, "adopted" | "verdict"> {
  return { ...(known?.detail.adopted === true ? { adopted: true } : {}), ...(known?.detail.verdict === undefined ? {} : { verdict: known.detail.verdict }) };
}
