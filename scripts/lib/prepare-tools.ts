import { binariesPlace, ensureKubernetesBinaries, ensureSystemPackages } from "../../packages/modules/runtime/src/local/index.ts";
import { systemClock, systemExec, systemRandom } from "../../packages/platform/src/index.ts";
import { toPlatformError } from "../../packages/resource/src/index.ts";
import { ensureHelm } from "../../packages/modules/helm/src/index.ts";
import { buildGatewayPrograms } from "./gateway-parts.ts";
import { fetchShopPrograms } from "./shop-images.ts";
import { buildGoClients } from "../../packages/server/src/testing/go-clients.ts";

export interface ToolsRequest {
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Installs, downloads or builds what a local Kubernetes needs, once a machine. Returns what is missing, in sentences. */
export async function prepareTools({ signal, say }: ToolsRequest): Promise<string[]> {
  if (process.platform !== "linux") return ["A local Kubernetes needs Linux."];
  if (process.getuid?.() !== 0) return ["A local Kubernetes needs root."];
  const missing: string[] = [];
  const attempt = async (step: () => Promise<unknown>) => {
    try {
      await step();
    } catch (error) {
      signal.throwIfAborted();
      missing.push(toPlatformError(error).message);
    }
  };
  await attempt(() => ensureSystemPackages({ exec: systemExec, signal, onProgress: say }));
  await attempt(() =>
    ensureKubernetesBinaries({ ...binariesPlace(process.env), exec: systemExec, clock: systemClock, random: systemRandom, signal, onProgress: say }),
  );
  await attempt(() => ensureHelm({ place: binariesPlace(process.env), exec: systemExec, clock: systemClock, random: systemRandom, signal, onProgress: say }));
  await attempt(() => buildGatewayPrograms({ exec: systemExec, cacheDir: binariesPlace(process.env).cacheDir, signal, say }));
  await attempt(() => fetchShopPrograms({ exec: systemExec, cacheDir: binariesPlace(process.env).cacheDir, signal, say }));
  await attempt(() => buildGoClients(say)); // without Go, the binaries above were missing already, or their tests say that they are left out
  return missing;
}
