import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ReconcileContext } from "@threeport/engine";
import type { Clock, Exec, Logger, Random } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import type { BinariesPlace } from "./local/binaries-place.ts";
import type { Entrance, Entrances } from "./local/entrances.ts";
import type { BinariesRequest, ImageArchive } from "./local/index.ts";
import type { RuntimeProvider } from "./provider.ts";
import type { KubernetesRuntimeInstance } from "./runtime-kind.ts";

export interface LocalProviderOptions {
  readonly exec: Exec;
  /** Folder that holds one folder for each local cluster. */
  readonly folder: string;
  /** Where images for local clusters are made. */
  readonly imagesFolder: string;
  /** Where volumes of local clusters are kept: they outlive a cluster that is stopped and started anew. */
  readonly volumesFolder: string;
  readonly binaries: BinariesPlace;
  /** Ways to the gateways of local clusters; without them nothing leads there. */
  readonly entrances?: Entrances;
  readonly clock: Clock;
  readonly random: Random;
}

/** A one-node Kubernetes on this machine, in namespaces of its own. Loaded on first use: most control planes never need it. */
export function localProvider(options: LocalProviderOptions): RuntimeProvider {
  const stateDir = (name: string): string => join(options.folder, name);
  const provider: RuntimeProvider = {
    async ensure(runtime, context, progress) {
      const local = await import("./local/index.ts");
      const { exec } = options;
      local.requireRoot(); // before minutes are spent on building what could not be started
      const binaries = await local.ensureKubernetesBinaries({ ...binariesRequest(options), signal: context.signal, onProgress: progress });
      const images = [await helloImage(local, options, context), ...(await local.keptImages(keptFolder(options, runtime.metadata.name)))];
      const start = local.startLocalKubernetes({
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
      const { kubeconfig } = await start.catch((error: unknown) => {
        throw withAdvice(error);
      });
      return { kubeconfig };
    },
    async mend(runtime, cluster, { context, progress }) {
      const local = await import("./local/index.ts");
      const node = { name: runtime.metadata.name, stateDir: stateDir(runtime.metadata.name) };
      const startAgain = async (message: string): Promise<undefined> => {
        progress(message);
        await context.event(runtime, { type: "Warning", reason: "NodeMended", message });
        await provider.ensure(runtime, context, progress);
      };
      const ended = await local.componentsEnded(node.stateDir);
      if (ended.length > 0) return startAgain(`${ended.join(", ")} ended and ${ended.length === 1 ? "is" : "are"} started again`);
      const trouble = await local.nodeTrouble(node, { cluster, clock: context.clock, signal: context.signal });
      if (trouble?.hangs !== true) return trouble;
      const { folder } = await local.ensureKubernetesBinaries({ ...binariesRequest(options), signal: context.signal });
      await local.endHanging(node.stateDir, { binariesFolder: folder, clock: context.clock });
      return startAgain(`${trouble.message}; kubelet and containerd are started again`);
    },
    ...(options.entrances === undefined ? {} : { entrance: (runtime) => openEntrance(options, runtime) }),
    async remove(runtime, context) {
      await options.entrances?.close(runtime.metadata.name);
      const local = await import("./local/index.ts");
      const report = await local.stopLocalKubernetes({ stateDir: stateDir(runtime.metadata.name), exec: options.exec, clock: context.clock, log: context.log });
      if (report.remained.length > 0)
        throw new PlatformError("TP_LOCAL_KUBERNETES_FAILED", { message: `the local Kubernetes was stopped, but these remain: ${report.remained.join(", ")}` });
      await local.forgetImages(keptFolder(options, runtime.metadata.name));
      await rm(join(options.volumesFolder, runtime.metadata.name), { recursive: true, force: true });
    },
  };
  return provider;
}

async function openEntrance({ entrances }: LocalProviderOptions, { metadata, status }: KubernetesRuntimeInstance): Promise<Entrance> {
  if (entrances === undefined) throw new PlatformError("TP_INTERNAL");
  return entrances.open(metadata.name, status?.outputs?.entrance);
}

/** What somebody can do when trying again does not help. */
function withAdvice(error: unknown): unknown {
  if (!(error instanceof PlatformError) || (error.code !== "TP_LOCAL_KUBERNETES_FAILED" && error.code !== "TP_DEADLINE")) return error;
  const message = `${error.message.trimEnd()}\nIt is tried again. If it stays so, tptctl down and tptctl up make the cluster anew; workloads and volumes come back.`;
  return new PlatformError("TP_LOCAL_KUBERNETES_FAILED", { message, detail: error.detail, cause: error });
}

function binariesRequest({ exec, clock, random, binaries }: LocalProviderOptions): BinariesRequest {
  return { ...binaries, exec, clock, random };
}

/** Archives that users loaded into one cluster. */
function keptFolder({ imagesFolder }: Pick<LocalProviderOptions, "imagesFolder">, runtime: string): string {
  return join(imagesFolder, runtime);
}

/** Puts the images of an archive into a local cluster of this home, beside the control plane. Returns their names. */
export async function loadRuntimeImage(options: LocalProviderOptions, name: string, tarPath: string): Promise<readonly string[]> {
  const local = await import("./local/index.ts");
  local.requireRoot();
  const binaries = await local.ensureKubernetesBinaries(binariesRequest(options));
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
