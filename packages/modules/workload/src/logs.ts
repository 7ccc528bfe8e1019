import type { Clock } from "@threeport/platform";
import { podsOfEntries, type Cluster } from "@threeport/cluster";
import { PlatformError, type StoredObject } from "@threeport/resource";
import { entriesOf, readInstance, readSet, type InsightOptions } from "./insight.ts";

export interface LogQuery {
  readonly namespace: string;
  readonly name: string;
  /** One of its pods; all of them unless said. */
  readonly pod: string | undefined;
  readonly container: string | undefined;
  readonly follow: boolean;
  readonly previous: boolean;
  readonly tailLines: number | undefined;
  readonly signal: AbortSignal;
}

/** Containers whose logs are followed at the same time; more would only mix what nobody can read. */
const streamsMax = 50;
/** How often new pods are looked for while following. */
const newPodsMs = 1_000;

/** Logs of all containers of an instance, line by line, each with its pod and container in front. Read on demand, never stored (C4). */
export async function instanceLogs(options: InsightOptions, query: LogQuery, clock: Clock): Promise<AsyncIterable<string>> {
  const instance = await readInstance(options, query);
  const set = await readSet(options, query);
  const cluster = set === undefined ? undefined : await options.cluster(set.spec.runtime);
  if (set === undefined || cluster === undefined) {
    throw new PlatformError("TP_UNAVAILABLE", {
      message: `${instance.metadata.name} is not in a cluster that answers now; see tptctl tree ${instance.metadata.name} -n ${query.namespace}`,
    });
  }
  const find = async (): Promise<Source[]> =>
    podsOfEntries(await entriesOf(options, set), cluster)
      .filter(({ metadata }) => query.pod === undefined || metadata.name === query.pod)
      .flatMap((pod) => containersOf(pod, query.container).map((container) => ({ pod, container })));
  const first = await find();
  if (first.length === 0 && !query.follow) {
    const what = query.container === undefined ? "no pods" : `no container ${query.container}`;
    throw new PlatformError("TP_NOT_FOUND", { message: `${instance.metadata.name} has ${what} now; with -f the logs begin when there are some` });
  }
  return mergeLogs(cluster, { first, find, query, clock });
}

interface Source {
  readonly pod: StoredObject;
  readonly container: string;
}

function containersOf(pod: StoredObject, wanted: string | undefined): string[] {
  const status = pod["status"] as
    | {
        containerStatuses?: { name: string; state?: { waiting?: unknown }; lastState?: { terminated?: unknown } }[];
        initContainerStatuses?: { name: string; state?: { waiting?: unknown } }[];
      }
    | undefined;
  const started = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].filter(
    (container) => container.state?.waiting === undefined || "lastState" in container,
  );
  return started.map((container) => container.name).filter((name) => wanted === undefined || name === wanted);
}

async function* mergeLogs(
  cluster: Cluster,
  input: { first: readonly Source[]; find: () => Promise<Source[]>; query: LogQuery; clock: Clock },
): AsyncIterable<string> {
  const { query, clock } = input;
  const lines: string[] = [];
  const known = new Set<string>();
  let live = 0;
  let wake: (() => void) | undefined;
  const push = (text: string): void => {
    lines.push(text);
    wake?.();
  };
  const start = (source: Source): void => {
    const key = `${source.pod.metadata.uid}/${source.container}`;
    if (known.has(key) || live >= streamsMax) return;
    known.add(key);
    live++;
    void readOne(cluster, source, query, push).finally(() => {
      live--;
      wake?.();
    });
  };
  for (const source of input.first) start(source);
  let lookedAt = clock.monotonic();
  while (!query.signal.aborted) {
    while (lines.length > 0) yield lines.splice(0).join("");
    if (live === 0 && !query.follow) return;
    const changed = new Promise<void>((resolve) => (wake = resolve));
    if (lines.length === 0) await Promise.race([changed, clock.sleep(newPodsMs, query.signal).catch(() => {})]);
    if (query.follow && clock.monotonic() - lookedAt >= newPodsMs) {
      lookedAt = clock.monotonic();
      for (const source of await input.find()) start(source);
    }
  }
}

async function readOne(cluster: Cluster, source: Source, query: LogQuery, push: (text: string) => void): Promise<void> {
  const { name, namespace } = source.pod.metadata;
  const prefix = `${name} ${source.container} | `;
  let rest = "";
  try {
    const pieces = cluster.client.logs(
      { namespace: namespace ?? "", name },
      {
        container: source.container,
        follow: query.follow,
        previous: query.previous,
        signal: query.signal,
        ...(query.tailLines === undefined ? {} : { tailLines: query.tailLines }),
      },
    );
    for await (const piece of pieces) {
      const parts = (rest + piece).split("\n");
      rest = parts.pop() ?? "";
      if (parts.length > 0) push(parts.map((line) => `${prefix}${line}\n`).join(""));
    }
  } catch (error) {
    if (!query.signal.aborted) push(`${prefix}(no log: ${error instanceof Error ? error.message : String(error)})\n`);
  }
  if (rest !== "") push(`${prefix}${rest}\n`);
}
