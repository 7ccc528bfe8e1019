import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ReconcileContext } from "@threeport/engine";
import type { Clock, Exec, Logger } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import type { ImageArchive } from "./local/index.ts";
import type { RuntimeProvider } from "./provider.ts";

export interface LocalProviderOptions {
  readonly exec: Exec;
  /** Folder that holds one folder for each local cluster. */
  readonly folder: string;
  /** Where images for local clusters are made. */
  readonly imagesFolder: string;
  /** Where volumes of local clusters are kept: they outlive a cluster that is stopped and started anew. */
  readonly volumesFolder: string;
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
      local.requireRoot(); // before minutes are spent on building what could not be started
      const binaries = await local.ensureKubernetesBinaries({
        exec,
        signal: context.signal,
        onProgress: progress,
        ...(options.cacheDir === undefined ? {} : { cacheDir: options.cacheDir }),
        ...(options.binariesFolder === undefined ? {} : { folder: options.binariesFolder }),
      });
      const images = [await helloImage(local, options, context), ...(await local.keptImages(keptFolder(options, runtime.metadata.name)))];
      const started = await local.startLocalKubernetes({
        images,
        name: runtime.metadata.name,
        stateDir: stateDir(runtime.metadata.name),
        volumesFolder: join(options.volumesFolder, runtime.metadata.name),
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
      if (report.remained.length > 0)
        throw new PlatformError("TP_LOCAL_KUBERNETES_FAILED", { message: `the local Kubernetes was stopped, but these remain: ${report.remained.join(", ")}` });
      await local.forgetImages(keptFolder(options, runtime.metadata.name));
      await rm(join(options.volumesFolder, runtime.metadata.name), { recursive: true, force: true });
    },
  };
}

/** Archives that users loaded into one cluster. */
function keptFolder({ imagesFolder }: Pick<LocalProviderOptions, "imagesFolder">, runtime: string): string {
  return join(imagesFolder, runtime);
}

/** Puts the images of an archive into a local cluster of this home, beside the control plane. Returns their names. */
export async function loadRuntimeImage(options: LocalProviderOptions, name: string, tarPath: string): Promise<readonly string[]> {
  const local = await import("./local/index.ts");
  local.requireRoot();
  const binaries = await local.ensureKubernetesBinaries({
    exec: options.exec,
    ...(options.cacheDir === undefined ? {} : { cacheDir: options.cacheDir }),
    ...(options.binariesFolder === undefined ? {} : { folder: options.binariesFolder }),
  });
  return local.loadLocalImage({
    name,
    stateDir: join(options.folder, name),
    keptFolder: keptFolder(options, name),
    tarPath,
    binariesFolder: binaries.folder,
    exec: options.exec,
  });
}

/** A small image that every local cluster has, since it may reach no registry: enough for a first try (`docker.io/library/busybox:local`). */
async function helloImage(local: typeof import("./local/index.ts"), options: LocalProviderOptions, context: ReconcileContext): Promise<ImageArchive> {
  const out = join(options.imagesFolder, "busybox.tar");
  const { busybox } = await local.ensureSystemPackages({ exec: options.exec, signal: context.signal });
  await mkdir(options.imagesFolder, { recursive: true, mode: 0o700 });
  return local.busyboxImage({ out, busybox, exec: options.exec });
}

/** Stops every local cluster of a home; for `tptctl down`, also when the server was killed. */
export async function stopLocalRuntimes(
  folder: string,
  tools: { readonly exec: Exec; readonly clock: Clock; readonly log: Logger },
): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => [] as string[]);
  const remained: string[] = [];
  for (const name of names) {
    const local = await import("./local/index.ts");
    const report = await local.stopLocalKubernetes({ stateDir: join(folder, name), ...tools });
    remained.push(...report.remained);
  }
  return remained;
}
