import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { createClient, parseKubeconfig, resolveKubeconfig, type ConnectionConfig, type KubeClient } from "@threeport/client";
import { systemExec } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import type { CliContext } from "./context.ts";
import { homePaths, userKubeconfigPaths } from "./environment.ts";
import { readIfThere } from "./files.ts";
import { contextName, hasContext } from "./kubeconfig/context-entry.ts";
import { productVersion } from "./version.ts";

/**
 * A client of the control plane: that of THREEPORT_HOME (or of the default home); without one here, the one that the context
 * `threeport` of the user's kubeconfig names. Connects with the first call.
 * @throws PlatformError TP_UNAVAILABLE when neither is there
 */
export async function connect(context: CliContext): Promise<KubeClient> {
  return createClient(await connectionConfig(context), { userAgent: `tptctl/${productVersion}` });
}

async function connectionConfig(context: CliContext): Promise<ConnectionConfig> {
  const home = homePaths(context.environment);
  const own = await readIfThere(home.adminKubeconfig);
  if (own !== undefined) return parseKubeconfig(own);
  for (const path of home.explicit ? [] : userKubeconfigPaths(context.environment)) {
    const text = await readIfThere(path);
    if (text === undefined || !hasContext(text)) continue;
    return parseKubeconfig(
      await resolveKubeconfig(text, { readFile: (file) => readFile(file), exec: systemExec, baseDir: dirname(path), context: contextName }),
    );
  }
  throw new PlatformError("TP_UNAVAILABLE", {
    message: `there is no control plane in ${home.folder}`,
    detail: {
      hint: `start one with tptctl up${home.explicit ? "" : `, or name its folder in THREEPORT_HOME, or have a context ${contextName} in your kubeconfig`}`,
    },
  });
}
