import { rfc3339Micro, type Clock } from "@threeport/platform";
import type { KubeClient } from "@threeport/client";
import { isErrorCode, type StoredObject } from "@threeport/resource";

/** Which control plane owns a cluster stands in the cluster itself (design.md C1). */
const lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", namespace: "kube-system", name: "threeport-control-plane" } as const;

/** Asking for it by this annotation on the runtime takes a cluster over; its value is any text that was not used before. */
export const claimAnnotation = "threeport.io/claim";

export interface Ownership {
  readonly ours: boolean;
  /** Id of the control plane that owns the cluster. */
  readonly holder: string;
}

/** Takes the cluster when nobody has it, or when `claim` asks for it: a request that was not followed before. */
export async function ensureOwnership(
  client: KubeClient,
  input: { readonly controlPlaneId: string; readonly claim: string | undefined; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Ownership> {
  const { signal, controlPlaneId } = input;
  const now = rfc3339Micro(input.clock.now());
  const body = (claim: string | undefined): object => ({
    apiVersion: lease.apiVersion,
    kind: lease.kind,
    metadata: { name: lease.name, namespace: lease.namespace, ...(claim === undefined ? {} : { annotations: { [claimAnnotation]: claim } }) },
    spec: { holderIdentity: controlPlaneId, acquireTime: now, leaseDurationSeconds: 3_600 },
  });
  try {
    const found = await client.get<StoredObject>(lease, { signal });
    const holder = (found["spec"] as { holderIdentity?: string } | undefined)?.holderIdentity ?? "";
    if (holder === controlPlaneId) return { ours: true, holder };
    if (holder !== "" && input.claim === undefined) return { ours: false, holder };
    const next = {
      ...found,
      ...body(input.claim),
      metadata: { ...found.metadata, annotations: { ...found.metadata.annotations, ...(input.claim === undefined ? {} : { [claimAnnotation]: input.claim }) } },
    };
    await client.update(lease, next, { signal });
    return { ours: true, holder: controlPlaneId };
  } catch (error) {
    if (!isErrorCode(error, "TP_NOT_FOUND")) throw error;
    await client.create(lease, body(input.claim), { signal });
    return { ours: true, holder: controlPlaneId };
  }
}

/** Gives the cluster back, so that the next control plane needs no claim. */
export async function releaseOwnership(client: KubeClient, controlPlaneId: string, signal: AbortSignal): Promise<void> {
  try {
    const found = await client.get<StoredObject>(lease, { signal });
    if ((found["spec"] as { holderIdentity?: string } | undefined)?.holderIdentity !== controlPlaneId) return;
    await client.delete(lease, { preconditions: { uid: found.metadata.uid }, signal });
  } catch (error) {
    if (!isErrorCode(error, "TP_NOT_FOUND")) throw error;
  }
}
