import type { KubeClient } from "@threeport/client";
import { isErrorCode, PlatformError } from "@threeport/resource";
import { dependency, type Dependency } from "../kinds.ts";

/** Dependencies named in a message. */
const namedMax = 10;

/** @throws PlatformError TP_NOT_FOUND naming what there is */
export async function findDependency(
  client: KubeClient,
  asked: { readonly namespace: string; readonly name: string },
  signal: AbortSignal,
): Promise<Dependency> {
  try {
    return await client.get<Dependency>({ ...dependency, ...asked }, { signal });
  } catch (error) {
    if (!isErrorCode(error, "TP_NOT_FOUND")) throw error;
    const { items } = await client.list<Dependency>({ ...dependency, namespace: asked.namespace }, { signal });
    const names = items.map(({ metadata }) => metadata.name).slice(0, namedMax);
    throw new PlatformError("TP_NOT_FOUND", {
      message: `there is no dependency ${asked.name} in project ${asked.namespace}`,
      detail: { hint: names.length > 0 ? `there are ${names.join(", ")}` : "tptctl dependency list -A shows those of all projects" },
    });
  }
}
