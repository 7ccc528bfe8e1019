// Events of a cluster about the objects of a deployment: read when somebody asks, never stored (C4).
import { PlatformError } from "@threeport/resource";
import { entriesOf, readInstance, readSet, type InsightOptions } from "./insight.ts";

export interface ClusterEvent {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  /** `Pod/web-1`. */
  readonly object: string;
  /** RFC 3339. */
  readonly lastSeen: string;
  readonly count: number;
}

/** Events that are told: the newest. */
const eventsMax = 500;

interface RawEvent {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly involvedObject?: { readonly kind?: string; readonly name?: string; readonly uid?: string };
  readonly count?: number;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
  readonly series?: { readonly count?: number; readonly lastObservedTime?: string } | null;
  readonly metadata: { readonly creationTimestamp?: string };
}

/** Oldest first. */
export async function instanceEvents(
  options: InsightOptions,
  query: { readonly namespace: string; readonly name: string; readonly signal: AbortSignal },
): Promise<{ items: readonly ClusterEvent[] }> {
  const instance = await readInstance(options, query);
  const set = await readSet(options, query);
  const cluster = set === undefined ? undefined : await options.cluster(set.spec.runtime);
  const namespace = instance.status?.targetNamespace;
  if (set === undefined || cluster === undefined || namespace === undefined)
    throw new PlatformError("TP_UNAVAILABLE", {
      message: `${query.name} is not in a cluster that answers now; tptctl why ${query.name} -n ${query.namespace} tells more`,
    });
  const uids = new Set<string>();
  for (const { uid } of await entriesOf(options, set)) {
    if (uid === "") continue;
    uids.add(uid);
    for (const child of cluster.cache.descendants(uid)) uids.add(child.metadata.uid);
  }
  const { items } = await cluster.client.list<RawEvent>({ apiVersion: "v1", kind: "Event", namespace }, { signal: query.signal });
  return {
    items: items
      .filter(({ involvedObject }) => uids.has(involvedObject?.uid ?? ""))
      .map(eventOf)
      .toSorted((a, b) => (a.lastSeen < b.lastSeen ? -1 : 1))
      .slice(-eventsMax),
  };
}

function eventOf({ type, reason, message, involvedObject, count, lastTimestamp, eventTime, series, metadata }: RawEvent): ClusterEvent {
  return {
    type: type ?? "Normal",
    reason: reason ?? "",
    message: message ?? "",
    object: `${involvedObject?.kind ?? ""}/${involvedObject?.name ?? ""}`,
    lastSeen: series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? "",
    count: series?.count ?? count ?? 1,
  };
}
