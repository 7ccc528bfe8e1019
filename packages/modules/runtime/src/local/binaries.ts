import { constants } from "node:fs";
import { access, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Clock, Exec, Random } from "@threeport/platform";
import { isErrorCode, PlatformError } from "@threeport/resource";
import type { BinariesPlace } from "./binaries-place.ts";
import { buildBinaries, requireGo } from "./build-binaries.ts";
import { downloadFolder, downloadReleases, requireReleases } from "./download-releases.ts";
import { type BuildStep, buildSteps, kubernetesVersion } from "./go-modules.ts";
import { takeProcessLock } from "./process-lock.ts";
import { type ReleaseArchitecture, type ReleaseFile, releaseFiles } from "./releases.ts";

/** Programs that belong together: had and kept in one folder. */
export interface BinarySet {
  /** For people: `Kubernetes`. */
  readonly title: string;
  /** Of the folder in the cache. */
  readonly name: string;
  readonly version: string;
  readonly steps: readonly BuildStep[];
  readonly releaseFiles: (architecture: ReleaseArchitecture) => readonly ReleaseFile[];
}

const kubernetesSet: BinarySet = { title: "Kubernetes", name: "kubernetes", version: kubernetesVersion, steps: buildSteps, releaseFiles };

/** Everything a node needs, in one folder: Kubernetes, etcd, containerd, CNI plugins, CoreDNS. */
export interface KubernetesBinaries {
  readonly version: string;
  /** Absolute path of the folder that holds them. */
  readonly folder: string;
}

export interface BinariesRequest extends BinariesPlace {
  readonly exec: Exec;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal?: AbortSignal;
  readonly onProgress?: (line: string) => void;
}

// Getting binaries into a folder that several processes share.
//   B1  A binary stands under its name only when it is whole: it is made under another name and renamed.
//   B2  Two callers never fill one folder at once; a caller that dies frees the way (process-lock.ts L2).
//   B3  What is there is not had again: what was interrupted goes on where it stopped.

/**
 * Finds the binaries: `folder`, else the cache, else gets them into the cache. Official releases are taken first (about 500 MB); where they cannot be
 * had, the same versions are built from Go modules (about 10 minutes on two cores, 4 GB of Go cache). `source` allows one of the two only.
 * @throws PlatformError TP_TOOL_MISSING when `folder` is incomplete or neither way can work; TP_UNAVAILABLE when trying again later may
 */
export async function ensureKubernetesBinaries(request: BinariesRequest): Promise<KubernetesBinaries> {
  return ensureBinaries(kubernetesSet, request);
}

/** As {@link ensureKubernetesBinaries}, for any programs. */
export async function ensureBinaries(set: BinarySet, request: BinariesRequest): Promise<KubernetesBinaries> {
  const { version } = set;
  if (request.folder !== undefined) {
    const missing = await missingSteps(set, request.folder);
    if (missing.length === 0) return { version, folder: request.folder };
    throw new PlatformError("TP_TOOL_MISSING", {
      message: `${request.folder} does not hold ${missing.map((step) => step.binary).join(", ")}. Put them there, or do not name a folder and they are downloaded or built.`,
    });
  }
  const folder = binariesCacheFolder(set, request.cacheDir);
  if ((await missingSteps(set, folder)).length > 0) await fill(set, folder, request);
  return { version, folder };
}

/** Where binaries are kept that were downloaded or built. */
export function kubernetesCacheFolder(cacheDir?: string): string {
  return binariesCacheFolder(kubernetesSet, cacheDir);
}

export function binariesCacheFolder({ name, version }: BinarySet, cacheDir = join(homedir(), ".cache", "threeport")): string {
  return join(cacheDir, name, version, "bin");
}

/** True when nothing would have to be downloaded or built. */
export async function hasKubernetesBinaries(folder: string): Promise<boolean> {
  return (await missingSteps(kubernetesSet, folder)).length === 0;
}

/** Why the binaries cannot be had here, in words; undefined when they are there or can be. Asks without getting anything. */
export async function whyNoBinaries(request: BinariesRequest): Promise<string | undefined> {
  if (request.folder !== undefined) return undefined; // what somebody asked for is used, or its failure told
  if ((await missingSteps(kubernetesSet, kubernetesCacheFolder(request.cacheDir))).length === 0) return undefined;
  const ways = [
    ...(request.source === "build" ? [] : [() => requireReleases({ ...request, releaseFiles })]),
    ...(request.source === "release" ? [] : [() => requireGo({ ...request, what: "Kubernetes" })]),
  ];
  const reasons: string[] = [];
  for (const way of ways) {
    try {
      await way();
      return undefined;
    } catch (error) {
      request.signal?.throwIfAborted();
      if (!(error instanceof PlatformError)) throw error;
      reasons.push(error.message.replace(/\.$/, ""));
    }
  }
  return reasons.join("; ");
}

async function missingSteps({ steps }: BinarySet, folder: string): Promise<BuildStep[]> {
  const present = await Promise.all(steps.map((step) => isExecutable(join(folder, step.binary))));
  return steps.filter((_, index) => present[index] === false);
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false; // absent and unusable are the same to the caller: it must be had
  }
}

async function fill(set: BinarySet, folder: string, request: BinariesRequest): Promise<void> {
  const lockOptions = {
    ...(request.signal === undefined ? {} : { signal: request.signal }),
    onWait: () => request.onProgress?.(`waiting for another process that downloads or builds ${set.title}`),
  };
  await using _lock = await takeProcessLock(folder, lockOptions); // B2
  const missing = await missingSteps(set, folder); // B3: what another caller finished while we waited counts
  if (missing.length === 0) return;
  if (request.source === "build") await buildBinaries(folder, missing, { ...request, what: whatOf(set) });
  else await downloadOrBuild(set, folder, missing, request);
  await rm(downloadFolder(folder), { recursive: true, force: true });
}

function whatOf({ title, version }: BinarySet): string {
  return `${title} ${version}`;
}

async function downloadOrBuild(set: BinarySet, folder: string, missing: readonly BuildStep[], request: BinariesRequest): Promise<void> {
  try {
    await downloadReleases({ ...request, folder, binaries: missing.map(({ binary }) => binary), releaseFiles: set.releaseFiles });
  } catch (error) {
    request.signal?.throwIfAborted();
    if (request.source === "release" || !(error instanceof PlatformError)) throw error;
    await buildInstead(
      set,
      folder,
      withReason(request, `the official releases cannot be had (${error.message}), so the same versions are built from Go modules: `),
      error,
    );
  }
}

/** The first line says why: whoever looks now and then sees the newest line only, and that one stays for minutes. */
function withReason(request: BinariesRequest, reason: string): BinariesRequest {
  let prefix = reason;
  const onProgress = (line: string): void => {
    request.onProgress?.(`${prefix}${line}`);
    prefix = "";
  };
  return { ...request, onProgress };
}

/** Neither way is told without the other: whoever reads it may open the one or the other. */
async function buildInstead(set: BinarySet, folder: string, request: BinariesRequest, download: PlatformError): Promise<void> {
  try {
    await buildBinaries(folder, await missingSteps(set, folder), { ...request, what: whatOf(set) });
  } catch (error) {
    request.signal?.throwIfAborted();
    if (!isErrorCode(error, "TP_TOOL_MISSING")) throw error;
    // The network may be back later; Go will not come by itself.
    throw new PlatformError(download.code, { message: `${String((error as Error).message)}\nThe official releases: ${download.message}`, cause: error });
  }
}
