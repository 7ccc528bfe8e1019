import { conditionsOf, settled, waiting, withoutFinalizer, type Outcome } from "@threeport/engine";
import { objectIdOf, readEntry } from "./apply/entry.ts";
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
        const message = `${going} objects are being removed from ${set.spec.runtime}: ${[...entries.values()]
          .slice(0, 3)
          .map((entry) => idWords(objectIdOf(entry.detail)))
          .join(", ")}`;
        await context.objects.patchStatus<ResourceSet>({
          ...set,
          status: { ...set.status, conditions: conditionsOf(set, { state: "reconciling", reason: "Deleting", message }, context.clock) },
        });
        return waiting(message, removalRecheckMs);
      }
      cluster.follow(run.key.text, { kinds: [], namespaces: [] });
    }
  }
  await context.inventory.record(identity.uid, { remove: [...entries.keys(), ...rows.map((entry) => entry.id)] });
  await withoutFinalizer(context.objects, set, resourceSetFinalizer);
  return settled;
}
