import type { Cluster } from "../connection/cluster.ts";
import { isWorkload } from "../judge-set.ts";
import type { Desired } from "./desired.ts";

export function kindText(object: { apiVersion: string; kind: string }): string {
  return `${object.apiVersion}/${object.kind}`;
}

/** Watches all kinds of the set; returns those whose objects are completely known. A kind that is not served yet is not among them. */
export async function followKinds(cluster: Cluster, desired: readonly Desired[], signal: AbortSignal): Promise<ReadonlySet<string>> {
  const kinds = new Map(desired.map(({ object }) => [kindText(object), { apiVersion: object.apiVersion, kind: object.kind }]));
  const complete = new Set<string>();
  if (desired.length === 0) return complete;
  const discovery = await cluster.client.discover({ signal });
  await Promise.all(
    [...kinds].map(async ([text, kind]) => {
      if (discovery.byKind(kind.apiVersion, kind.kind) === undefined) return;
      if (await cluster.follow(kind, signal)) complete.add(text);
    }),
  );
  for (const { object } of desired)
    if (isWorkload(object.apiVersion) && object.metadata.namespace !== undefined) cluster.followChildren(object.metadata.namespace);
  return complete;
}
