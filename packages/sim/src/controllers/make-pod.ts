import { isErrorCode, PlatformError, type KubeObject, type StoredObject } from "@threeport/resource";
import type { SimCluster } from "../cluster.ts";
import type { Again } from "../controller.ts";
import { tellEvent } from "./events.ts";

/** From one try to the next of a pod that was refused: each pause as long as all of them before. */
const againMs = { least: 1_000, most: 900_000 };

/** What the cluster says to a pod that a controller may not make: quotas, webhooks, Pod Security. Anything else is thrown. */
export async function makePod(cluster: SimCluster, pod: KubeObject): Promise<string | undefined> {
  try {
    await cluster.objects.create(pod);
    return undefined;
  } catch (error) {
    if (isErrorCode(error, "TP_ALREADY_EXISTS")) return undefined; // another name next time
    if (error instanceof PlatformError && ["TP_FORBIDDEN", "TP_INVALID", "TP_INTERNAL"].includes(error.code)) return error.message;
    throw error;
  }
}

/** Tells of it as upstream's controllers do. */
export async function tellRefused(cluster: SimCluster, owner: StoredObject, message: string): Promise<void> {
  const component = `${owner.kind.toLowerCase()}-controller`;
  await tellEvent(cluster, owner, { type: "Warning", reason: "FailedCreate", message, component });
}

/** When to try again what is refused since `since`, a time of an object. */
export function refusedAgain(cluster: SimCluster, since: unknown): Again {
  const elapsedMs = cluster.time.now() - Date.parse(String(since));
  return { afterMs: Math.min(againMs.most, Math.max(againMs.least, Number.isFinite(elapsedMs) ? elapsedMs : 0)) };
}
