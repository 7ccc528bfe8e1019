import type { KubeClient } from "@threeport/client";
import { isErrorCode } from "@threeport/resource";

/** The object, or undefined when there is none of that name. */
export async function getIfThere<T>(
  client: KubeClient,
  target: { readonly apiVersion: string; readonly kind: string; readonly namespace?: string; readonly name: string },
  signal: AbortSignal,
): Promise<T | undefined> {
  return client.get<T>(target, { signal }).catch((error: unknown) => {
    if (isErrorCode(error, "TP_NOT_FOUND")) return undefined;
    throw error;
  });
}
