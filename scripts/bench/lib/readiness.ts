import type { KubeClient } from "../../../packages/client/src/index.ts";
import { systemClock } from "../../../packages/platform/src/index.ts";

interface Watched {
  readonly metadata: { readonly name: string; readonly generation?: number };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string; readonly observedGeneration?: number }[] };
}

/** When objects were first seen, and first seen ready; by the monotonic clock. */
export interface Readiness extends AsyncDisposable {
  readonly seenAt: ReadonlyMap<string, number>;
  readonly readyAt: ReadonlyMap<string, number>;
}

/** Follows the objects of a path by a watch, from now on. */
export async function followReadiness(client: KubeClient, path: string): Promise<Readiness> {
  const stop = new AbortController();
  const seenAt = new Map<string, number>();
  const readyAt = new Map<string, number>();
  const { resourceVersion } = await client.listPath(path, {});
  const events = await client.openWatch<Watched>(path, { resourceVersion, signal: stop.signal });
  const following = (async () => {
    for await (const { object } of events) {
      const { metadata, status } = object;
      if (metadata?.name === undefined) continue; // a bookmark
      if (!seenAt.has(metadata.name)) seenAt.set(metadata.name, systemClock.monotonic());
      if (!readyAt.has(metadata.name) && isReady({ metadata, ...(status === undefined ? {} : { status }) }))
        readyAt.set(metadata.name, systemClock.monotonic());
    }
  })().catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  return {
    seenAt,
    readyAt,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await following;
    },
  };
}

function isReady({ metadata, status }: Watched): boolean {
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  return ready?.status === "True" && (ready.observedGeneration === undefined || ready.observedGeneration === metadata.generation);
}
