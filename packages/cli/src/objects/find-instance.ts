import type { KubeClient } from "@threeport/client";
import { isErrorCode, PlatformError } from "@threeport/resource";
import { workloadInstance, type WorkloadInstance } from "../kinds.ts";

/** Deployments named in a message. */
const namedMax = 10;

/** The deployment of that name, or the only one of the workload of that name. @throws PlatformError TP_NOT_FOUND naming what there is */
export async function findInstance(
  client: KubeClient,
  asked: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
): Promise<WorkloadInstance> {
  try {
    return await client.get<WorkloadInstance>({ ...workloadInstance, ...asked }, { signal });
  } catch (error) {
    if (!isErrorCode(error, "TP_NOT_FOUND")) throw error;
  }
  const all = (await client.list<WorkloadInstance>({ ...workloadInstance, namespace: asked.namespace }, { signal })).items;
  const ofWorkload = all.filter((instance) => instance.spec.definition === asked.name);
  const [only] = ofWorkload;
  if (only !== undefined && ofWorkload.length === 1) return only;
  const names = (ofWorkload.length > 0 ? ofWorkload : all).map(({ metadata }) => metadata.name).slice(0, namedMax);
  throw new PlatformError("TP_NOT_FOUND", {
    message:
      ofWorkload.length > 0
        ? `${asked.name} is deployed more than once in project ${asked.namespace}`
        : `there is no deployment ${asked.name} in project ${asked.namespace}`,
    detail: { hint: names.length > 0 ? `there are ${names.join(", ")}` : "tptctl get workloadinstances -A shows those of all projects" },
  });
}
