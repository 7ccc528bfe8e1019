import type { Clock, Logger, Random } from "@threeport/platform";
import type { Kind, Objects } from "@threeport/resource";
import type { Store } from "@threeport/store";

export interface HousekeepingOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Deletes what expired, as any other caller. */
  readonly objects: Objects;
  readonly expiringKinds: () => readonly Kind[];
}

const everyMs = 60_000;
/** Versions younger than this stay readable for watches and paged lists, as upstream: 5 minutes. */
const versionAgeMs = 5 * 60_000;
/** At most this many old versions stay, whatever their age: bounds the log under heavy writing. */
const versionCount = 200_000;
const blobUnusedMs = 3_600_000;
const expireBatch = 500;
/** Batches in one round: what finalizers hold is met again in each batch, so the number must have an end. */
const expireBatches = 100;

/** Periodic work of any one replica: several at once do no harm. */
export function startHousekeeping(options: HousekeepingOptions): AsyncDisposable {
  const stopping = new AbortController();
  const loop = (async () => {
    while (!stopping.signal.aborted) {
      await options.clock.sleep(everyMs * (0.75 + options.random.float() / 2), stopping.signal).catch(() => {});
      if (stopping.signal.aborted) return;
      try {
        await options.store.maintenance.compact({ ageMs: versionAgeMs, count: versionCount });
        await options.store.blobs.sweep(blobUnusedMs);
        for (const kind of options.expiringKinds()) await expire(options, kind, stopping.signal);
      } catch (error) {
        options.log.debug("housekeeping failed and is tried again", { error: String(error) });
      }
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await loop;
    },
  };
}

async function expire(options: HousekeepingOptions, kind: Kind, stopping: AbortSignal): Promise<void> {
  if (kind.ttlMs === undefined) return;
  for (let batch = 0; batch < expireBatches; batch++) {
    const keys = await options.store.maintenance.expired(kind.resource, kind.ttlMs, expireBatch);
    for (const key of keys) {
      if (stopping.aborted) return;
      await options.objects.delete({
        apiVersion: kind.apiVersion,
        kind: kind.kind,
        name: key.name,
        ...(key.namespace === "" ? {} : { namespace: key.namespace }),
      });
    }
    if (keys.length < expireBatch) return;
  }
}
