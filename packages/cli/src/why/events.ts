import { resourcePath, type KubeClient } from "@threeport/client";
import { isErrorCode, type ErrorCode } from "@threeport/resource";
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

/** A cluster that does not answer, or that its reader may not ask, hides only what it knows itself. */
const hidden: readonly ErrorCode[] = ["TP_FORBIDDEN", "TP_NOT_FOUND", "TP_UNAVAILABLE", "TP_RUNTIME_UNREACHABLE"];

export function isHidden(error: unknown): boolean {
  return hidden.some((code) => isErrorCode(error, code));
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
