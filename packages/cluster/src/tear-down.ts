import { conditionsOf, settled, waiting, withoutFinalizer, type Outcome, type Verdict } from "@threeport/engine";
import { objectIdOf, readEntry, type Entry } from "./apply/entry.ts";
import { removeEntries } from "./apply/prune-set.ts";
import type { Run } from "./apply/run.ts";
import { idWords } from "./identity.ts";
import type { ResourceSet } from "./kinds/resource-set.ts";
import { deletionPolicyAnnotation } from "./marks.ts";
import type { ResourceSetOptions } from "./reconcile-set.ts";

/** Holds a set until its objects are gone from the cluster. */
export const resourceSetFinalizer = "threeport.io/resource-set";
/** How soon removal is looked at again. */
export const removalRecheckMs = 1_000;
const objectsShown = 3;

/** §5.7: works from the inventory alone; never needs the runtime's objects to render. */
export async function tearDown(clusterFor: ResourceSetOptions["clusterFor"], run: Run): Promise<Outcome> {
  const { set, identity, context } = run;
  if (!(set.metadata.finalizers ?? []).includes(resourceSetFinalizer)) return settled;
  const rows = (await context.inventory.list(identity.uid)).map(readEntry);
  const entries = new Map(rows.map((entry) => [entry.id, entry]));
  const orphan = set.metadata.annotations?.[deletionPolicyAnnotation] === "orphan";
  if (entries.size > 0 && !orphan) {
    const cluster = await clusterFor(set.spec.runtime, context);
    if (cluster !== "gone") {
      const going = await removeEntries(run, { cluster, surplus: rows, entries, wanted: new Set() });
      const gone = rows.filter((entry) => !entries.has(entry.id)).map((entry) => entry.id);
      await context.inventory.record(identity.uid, { remove: gone });
      if (going > 0) {
        const verdict = removalVerdict(set, { going, left: [...entries.values()], nowMs: context.clock.now() });
        const { message } = verdict;
        await context.objects.patchStatus<ResourceSet>({ ...set, status: { ...set.status, conditions: conditionsOf(set, verdict, context.clock) } });
        return waiting(message, removalRecheckMs);
      }
      cluster.follow(run.key.text, { kinds: [], namespaces: [] });
    }
  }
  await context.inventory.record(identity.uid, { remove: [...entries.keys(), ...rows.map((entry) => entry.id)] });
  await withoutFinalizer(context.objects, set, resourceSetFinalizer);
  return settled;
}

/** Q7: counted from the request to delete. It is tried on all the same: whoever holds the objects may let go of them at any time. */
function removalVerdict(set: ResourceSet, input: { readonly going: number; readonly left: readonly Entry[]; readonly nowMs: number }): Verdict {
  const { going } = input;
  const names = input.left
    .slice(0, objectsShown)
    .map((entry) => idWords(objectIdOf(entry.detail)))
    .join(", ");
  const objects = going === 1 ? "1 object" : `${going} objects`;
  const deadlineSeconds = set.spec.progressDeadlineSeconds;
  const overdue = input.nowMs - Date.parse(set.metadata.deletionTimestamp ?? "") > deadlineSeconds * 1000;
  return overdue
    ? {
        state: "stalled",
        reason: "Deleting",
        message: `${objects} did not go from ${set.spec.runtime} within ${deadlineSeconds} s: ${names}; look at their finalizers, and at what should remove these`,
      }
    : { state: "reconciling", reason: "Deleting", message: `${objects} ${going === 1 ? "is" : "are"} being removed from ${set.spec.runtime}: ${names}` };
}
