import { createClient, type KubeClient } from "../../../packages/client/src/index.ts";
import { systemClock } from "../../../packages/platform/src/index.ts";
import type { SystemUnderTest } from "./system-under-test.ts";
import { waitUntil } from "./wait-until.ts";

export interface WatchLoad {
  readonly watchers: number;
  readonly writesPerSecond: number;
  readonly seconds: number;
}

export interface WatchResult {
  /** From sending the write to reading its event, milliseconds, over all watchers. */
  readonly deliveryMs: readonly number[];
  /** From sending the write to its answer. */
  readonly writeMs: readonly number[];
}

/** Writes at a steady rate, whatever the answers take, and notes when each watcher reads each event. `watched` may be another server over the same state. */
export async function watchLatency(
  system: Pick<SystemUnderTest, "connection">,
  path: string,
  load: WatchLoad,
  watched: Pick<SystemUnderTest, "connection"> = system,
): Promise<WatchResult> {
  await using writer = createClient(system.connection, { connectionsMax: 32 });
  await using watcher = createClient(watched.connection);
  const names = Array.from({ length: 20 }, (_, index) => `watched-${index}`);
  for (const name of names)
    await writer.request(path, { method: "POST", body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { n: "-1" } } });
  const from = ((await writer.request(path, { query: { limit: 1 } })).body as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
  const sentAt: number[] = [];
  const deliveryMs: number[] = [];
  const writeMs: number[] = [];
  const abort = new AbortController();
  const watching = Array.from({ length: load.watchers }, () =>
    collect(watcher, { path, from, signal: abort.signal }, (index) => deliveryMs.push(systemClock.monotonic() - (sentAt[index] ?? 0))),
  );
  await Promise.all(watching.map((watch) => watch.opened));

  const count = load.writesPerSecond * load.seconds;
  const started = systemClock.monotonic();
  const writes: Promise<void>[] = [];
  for (let index = 0; index < count; index++) {
    const due = started + (index * 1000) / load.writesPerSecond;
    const wait = due - systemClock.monotonic();
    if (wait > 0) await systemClock.sleep(wait);
    sentAt[index] = systemClock.monotonic();
    writes.push(
      writer
        .request(`${path}/${names[index % names.length] ?? ""}`, {
          method: "PATCH",
          headers: { "content-type": "application/merge-patch+json" },
          body: { data: { n: String(index) } },
        })
        .then(() => void writeMs.push(systemClock.monotonic() - (sentAt[index] ?? 0))),
    );
  }
  await Promise.all(writes);
  await waitUntil(async () => (deliveryMs.length >= count * load.watchers ? true : undefined), {
    what: "every watcher has read every event",
    deadlineMs: 30_000,
    everyMs: 20,
  });
  abort.abort(new Error("measured"));
  await Promise.all(watching.map((watch) => watch.ended));
  for (const name of names) await writer.request(`${path}/${name}`, { method: "DELETE" });
  return { deliveryMs, writeMs };
}

interface WatchInput {
  readonly path: string;
  readonly from: string;
  readonly signal: AbortSignal;
}

function collect(client: KubeClient, { path, from, signal }: WatchInput, onWrite: (index: number) => void): { opened: Promise<void>; ended: Promise<void> } {
  const { promise: opened, resolve, reject } = Promise.withResolvers<void>();
  const ended = (async () => {
    const events = await client.openWatch<{ data?: { n?: string } }>(path, { resourceVersion: from, signal });
    resolve();
    for await (const event of events) onWrite(Number(event.object.data?.n));
  })().catch((error: unknown) => {
    reject(error);
    if (!signal.aborted) throw error;
  });
  return { opened, ended };
}
