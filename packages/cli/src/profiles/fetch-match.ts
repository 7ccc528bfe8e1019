import { resourcePath, type KubeClient } from "@threeport/client";

export interface Match {
  readonly runtime: string;
  /** Undefined when none fits. */
  readonly chosen?: string;
  /** The best first. */
  readonly candidates: readonly { readonly profile: string; readonly chosen: boolean; readonly reason: string }[];
}

export interface MatchNeed {
  readonly project: string;
  readonly environment: string;
  readonly type: string;
  readonly class: string;
  /** Unset: that of the environment. */
  readonly runtime?: string | undefined;
}

const matches = { group: "threeport.io", version: "v1alpha1", resource: "profilematches", namespaced: true };

/** Which profile the control plane would take now. */
export async function fetchMatch(client: KubeClient, { project, ...need }: MatchNeed, signal: AbortSignal): Promise<Match> {
  const { runtime, ...spec } = need;
  const body = { apiVersion: "threeport.io/v1alpha1", kind: "ProfileMatch", metadata: {}, spec: { ...spec, ...(runtime === undefined ? {} : { runtime }) } };
  const answer = await client.request(resourcePath(matches, { namespace: project }), { method: "POST", body, signal });
  return (answer.body as { status: Match }).status;
}
