import { parseApiVersion } from "@threeport/resource";
import type { Cluster, KindName } from "../connection/cluster.ts";
import { isWorkload } from "../judge-set.ts";
import type { Desired } from "./desired.ts";

export function kindText(object: KindName): string {
  return `${object.apiVersion}/${object.kind}`;
}

/** Where a Service leads; they carry the labels of their Service, and so ours. */
const endpointSlices: KindName = { apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice" };

/** Watches all that a set is about; returns the kinds whose objects are completely known. A kind that is not served yet is not among them. */
export async function followKinds(cluster: Cluster, setKey: string, desired: readonly Desired[], signal: AbortSignal): Promise<ReadonlySet<string>> {
  const discovery = await cluster.client.discover({ signal });
  const wanted = new Map(desired.map(({ object }) => [kindText(object), { apiVersion: object.apiVersion, kind: object.kind }]));
  if (desired.some(({ object }) => object.kind === "Service" && parseApiVersion(object.apiVersion).group === ""))
    wanted.set(kindText(endpointSlices), endpointSlices);
  const kinds = [...wanted.values()].filter((kind) => discovery.byKind(kind.apiVersion, kind.kind) !== undefined);
  const namespaces = new Set(
    desired.flatMap(({ object }) => (isWorkload(object.apiVersion) && object.metadata.namespace !== undefined ? [object.metadata.namespace] : [])),
  );
  cluster.follow(setKey, { kinds, namespaces: [...namespaces] });
  const complete = new Set<string>();
  await Promise.all(
    kinds.map(async (kind) => {
      if (await cluster.complete(kind, signal)) complete.add(kindText(kind));
    }),
  );
  return complete;
}
