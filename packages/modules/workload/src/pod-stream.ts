// Programs and ports of a deployment's pods, through the control plane: who may use them needs no way into the cluster.
import { resourcePath, type Upgraded } from "@threeport/client";
import { podsOfEntries } from "@threeport/cluster";
import { PlatformError, type StoredObject } from "@threeport/resource";
import { entriesOf, readInstance, readSet, type InsightOptions } from "./insight.ts";

export interface StreamQuery {
  readonly namespace: string;
  readonly name: string;
  /** Which of its pods; one that is ready unless said. */
  readonly pod: string | undefined;
  readonly subresource: "exec" | "portforward";
  /** For the pod, as upstream names them. */
  readonly query: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly protocols: readonly string[];
  readonly signal: AbortSignal;
}

/** Pods named in a message. */
const namedMax = 10;
const pods = { group: "", version: "v1", resource: "pods", namespaced: true };

/** A connection to a pod whose frames are passed on. @throws PlatformError TP_NOT_FOUND, TP_UNAVAILABLE, and what the cluster says */
export async function instanceStream(options: InsightOptions, query: StreamQuery): Promise<Upgraded> {
  const instance = await readInstance(options, query);
  const set = await readSet(options, query);
  const cluster = set === undefined ? undefined : await options.cluster(set.spec.runtime);
  if (set === undefined || cluster === undefined)
    throw new PlatformError("TP_UNAVAILABLE", {
      message: `${query.name} is not in a cluster that answers now; tptctl why ${query.name} -n ${query.namespace} tells more`,
    });
  const pod = choose(podsOfEntries(await entriesOf(options, set), cluster), { wanted: query.pod, instance: instance.metadata.name });
  requireContainer(pod, query.query["container"]);
  const path = resourcePath(pods, { namespace: pod.metadata.namespace ?? "", name: pod.metadata.name, subresource: query.subresource });
  return cluster.client.openStream(path, { query: query.query, protocols: query.protocols, signal: query.signal });
}

/** The pod that is asked for; else a ready one, the newest, so that it is of the newest release; else one that runs. */
function choose(found: readonly StoredObject[], { wanted, instance }: { readonly wanted: string | undefined; readonly instance: string }): StoredObject {
  const running = found
    .filter((pod) => phaseOf(pod) === "Running" && pod.metadata.deletionTimestamp === undefined)
    .toSorted((a, b) => Number(isReady(b)) - Number(isReady(a)) || ((a.metadata.creationTimestamp ?? "") < (b.metadata.creationTimestamp ?? "") ? 1 : -1));
  const chosen = wanted === undefined ? running[0] : running.find(({ metadata }) => metadata.name === wanted);
  if (chosen !== undefined) return chosen;
  const names = running.map(({ metadata }) => metadata.name).slice(0, namedMax);
  if (wanted !== undefined)
    throw new PlatformError("TP_NOT_FOUND", {
      message: `${instance} has no running pod ${wanted}; ${names.length === 0 ? "none runs now" : `there are ${names.join(", ")}`}`,
    });
  throw new PlatformError("TP_UNAVAILABLE", { message: `no pod of ${instance} runs now; tptctl why ${instance} tells the cause` });
}

/** The cluster would only say that it is not valid. */
function requireContainer(pod: StoredObject, wanted: string | readonly string[] | undefined): void {
  const [name] = [wanted ?? []].flat();
  const spec = pod["spec"] as Partial<Record<string, readonly { readonly name: string }[]>>;
  const names = ["containers", "initContainers", "ephemeralContainers"].flatMap((field) => (spec[field] ?? []).map((container) => container.name));
  if (name === undefined || names.includes(name)) return;
  throw new PlatformError("TP_NOT_FOUND", { message: `pod ${pod.metadata.name} has no container ${name}; there are ${names.join(", ")}` });
}

function phaseOf(pod: StoredObject): unknown {
  return (pod["status"] as { phase?: unknown } | undefined)?.phase;
}

function isReady(pod: StoredObject): boolean {
  const conditions = (pod["status"] as { conditions?: { type?: unknown; status?: unknown }[] } | undefined)?.conditions;
  return Array.isArray(conditions) && conditions.some(({ type, status }) => type === "Ready" && status === "True");
}
