import { join } from "node:path";
import type { Exec } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import type { RuntimeProvider } from "./provider.ts";

export interface LocalProviderOptions {
  readonly exec: Exec;
  /** Folder that holds one folder for each local cluster. */
  readonly folder: string;
  /** Threeport's cache of binaries; default under XDG_CACHE_HOME. */
  readonly cacheDir: string | undefined;
  /** An explicit folder of Kubernetes binaries. */
  readonly binariesFolder: string | undefined;
}

/** A one-node Kubernetes on this machine, in namespaces of its own. Loaded on first use: most control planes never need it. */
export function localProvider(options: LocalProviderOptions): RuntimeProvider {
  const stateDir = (name: string): string => join(options.folder, name);
  return {
    async ensure(runtime, context, progress) {
      const local = await import("./local/index.ts");
      const { exec } = options;
      const binaries = await local.ensureKubernetesBinaries({
        exec,
        signal: context.signal,
        onProgress: progress,
        ...(options.cacheDir === undefined ? {} : { cacheDir: options.cacheDir }),
        ...(options.binariesFolder === undefined ? {} : { folder: options.binariesFolder }),
      });
      const started = await local.startLocalKubernetes({
        name: runtime.metadata.name,
        stateDir: stateDir(runtime.metadata.name),
        binaries,
        exec,
        clock: context.clock,
        random: context.random,
        log: context.log,
        signal: context.signal,
        onProgress: progress,
      });
      return { kubeconfig: started.kubeconfig };
    },
    async remove(runtime, context) {
      const local = await import("./local/index.ts");
      const report = await local.stopLocalKubernetes({ stateDir: stateDir(runtime.metadata.name), exec: options.exec, clock: context.clock, log: context.log });
      if (report.remained.length > 0) throw new PlatformError("TP_LOCAL_KUBERNETES_FAILED", { message: `the local Kubernetes was stopped, but these remain: ${report.remained.join(", ")}` });
    },
  };
}

/** Stops every local cluster of a home; for `tptctl down`, also when the server was killed. */
export async function stopLocalRuntimes(folder: string, tools: { readonly exec: Exec; readonly clock: import("@threeport/platform").Clock; readonly log: import("@threeport/platform").Logger }): Promise<readonly string[]> {
  const { readdir } = await import("node:fs/promises");
  const names = await readdir(folder).catch(() => [] as string[]);
  const remained: string[] = [];
  for (const name of names) {
    const local = await import("./local/index.ts");
    const report = await local.stopLocalKubernetes({ stateDir: join(folder, name), ...tools });
    remained.push(...report.remained);
  }
  return remained;
}
