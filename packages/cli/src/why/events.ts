import { resourcePath, type KubeClient } from "@threeport/client";
import { instances } from "../tree/fetch-tree.ts";

/** What a cluster tells of an object of a deployment. */
export interface ClusterEvent {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly object: string;
  readonly lastSeen: string;
  readonly count: number;
}

/** Oldest first. */
export async function readEvents(
  client: KubeClient,
  instance: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
): Promise<readonly ClusterEvent[]> {
  const answer = await client.request(resourcePath(instances, { ...instance, subresource: "events" }), { signal });
  return (answer.body as { items: ClusterEvent[] }).items;
}
