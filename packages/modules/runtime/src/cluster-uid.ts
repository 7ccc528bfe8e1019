import type { KubeClient } from "@threeport/client";
import { PlatformError, type StoredObject } from "@threeport/resource";

/** Which cluster answers, whatever its address (F6): the uid of a namespace that every cluster has from its first second. Undefined where we may not read it. */
export async function clusterUidOf(client: Pick<KubeClient, "get">, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await client.get<StoredObject>({ apiVersion: "v1", kind: "Namespace", name: "kube-system" }, { signal })).metadata.uid;
  } catch (error) {
    if (error instanceof PlatformError && (error.code === "TP_FORBIDDEN" || error.code === "TP_NOT_FOUND")) return undefined;
    throw error;
  }
}
