import { isErrorCode, PlatformError, type KubeObject, type StoredObject } from "@threeport/resource";
import { systemClock } from "@threeport/platform";
import type { KubeClient } from "@threeport/client";
import { configMap } from "@threeport/cluster/testing";
import { anywhere, definition } from "./documents.ts";

export const configMapsPath = "/api/v1/namespaces/default/configmaps";
const pauseMs = 5;
const retryMs = 100;

type Counter = KubeObject & { readonly data: { readonly n: string } };

/** One writer: counts in an object of its own, and deploys something now and then. What was answered must be true for ever (S1). */
export interface ReplicaWriter {
  /** Answers that said yes. */
  readonly accepted: number;
  /** Names of the definitions that were accepted. */
  readonly definitions: readonly string[];
  /** Ends the loop; then compares the counter with what the server says. */
  stop(): Promise<void>;
  check(client: KubeClient): Promise<void>;
}

export function startWriter(name: string, clientOf: () => Promise<KubeClient>): ReplicaWriter {
  let stopping = false;
  let accepted = 0;
  let acknowledged = 0;
  let attempted = 0;
  const definitions: string[] = [];
  const target = { apiVersion: "v1", kind: "ConfigMap", namespace: "default", name };
  const collection = { apiVersion: "v1", kind: "ConfigMap", namespace: "default" };

  async function step(client: KubeClient, n: number): Promise<void> {
    attempted = n;
    if (acknowledged === 0) await client.create(collection, configMap("default", name, { n: String(n) })).catch(exceptThere);
    else await client.patch(target, { data: { n: String(n) } });
    acknowledged = n;
    accepted++;
    if (n % 20 !== 1) return;
    const work = `work-${name}-${n}`;
    await client
      .create({ apiVersion: "threeport.io/v1alpha1", kind: "WorkloadDefinition", namespace: "default" }, definition(work, [anywhere(configMap("", work))]))
      .catch(exceptThere);
    definitions.push(work);
    accepted++;
  }

  const loop = (async () => {
    for (let n = 1; !stopping;) {
      try {
        await using client = await clientOf();
        for (; !stopping; n = acknowledged + 1) {
          await step(client, n);
          await systemClock.sleep(pauseMs);
        }
      } catch (error) {
        if (!(error instanceof PlatformError) || error.entry.http < 500) throw error;
        await systemClock.sleep(retryMs);
      }
    }
  })();
  loop.catch(() => {}); // told by stop()
  return {
    get accepted() {
      return accepted;
    },
    definitions,
    async stop() {
      stopping = true;
      await loop;
    },
    async check(client) {
      const { data } = await client.get<Counter & StoredObject>(target);
      if (![acknowledged, attempted].includes(Number(data.n)))
        throw new Error(`${name}: the server says ${data.n}, but ${acknowledged} was acknowledged and ${attempted} the last that was tried`);
    },
  };
}

/** A create whose first answer was lost. */
function exceptThere(error: unknown): void {
  if (!isErrorCode(error, "TP_ALREADY_EXISTS")) throw error;
}

/** One watcher that never lists again: it goes on from the last version that it saw, at whatever server it is given. */
export interface ReplicaWatcher {
  /** Versions in the order in which they came. */
  readonly seen: readonly number[];
  stop(): Promise<void>;
}

export function startWatcher(from: string, clientOf: () => Promise<KubeClient>): ReplicaWatcher {
  const seen: number[] = [];
  const stopping = new AbortController();
  const loop = (async () => {
    while (!stopping.signal.aborted) {
      try {
        await using client = await clientOf();
        const resourceVersion = String(seen.at(-1) ?? from);
        for await (const event of client.watch<StoredObject>(configMapsPath, { resourceVersion, signal: stopping.signal }))
          seen.push(Number(event.object.metadata.resourceVersion));
      } catch (error) {
        if (stopping.signal.aborted) return;
        if (!(error instanceof PlatformError) || error.entry.http < 500) throw error; // 410 would be a gap: nothing is compacted here
      }
      await systemClock.sleep(retryMs, stopping.signal).catch(() => {});
    }
  })();
  loop.catch(() => {}); // told by stop()
  return {
    seen,
    async stop() {
      stopping.abort(new Error("seen enough"));
      await loop;
    },
  };
}
