import type { KubeClient } from "@threeport/client";
import { isErrorCode, PlatformError } from "@threeport/resource";
import { environment, type Observed } from "../kinds.ts";

/** Environments named in a message. */
const namedMax = 10;

/** @throws PlatformError TP_NOT_FOUND naming those that are there */
export async function requireEnvironment(client: KubeClient, name: string, signal: AbortSignal): Promise<void> {
  try {
    await client.get({ ...environment, name }, { signal });
  } catch (error) {
    if (!isErrorCode(error, "TP_NOT_FOUND")) throw error;
    const others = (await client.list<Observed>(environment, { signal })).items.map(({ metadata }) => metadata.name).slice(0, namedMax);
    throw new PlatformError("TP_NOT_FOUND", {
      message: `there is no environment ${name}`,
      detail: {
        hint:
          others.length > 0
            ? `there are ${others.join(", ")}; tptctl env create ${name} --runtime RUNTIME makes it`
            : `make it: tptctl env create ${name} --runtime RUNTIME; tptctl runtime list shows the runtimes`,
      },
    });
  }
}
