import { chmod, mkdir, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import type { Clock, Exec, Random } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import type { BinariesPlace } from "./binaries-place.ts";
import { downloadFile, downloadText, type DownloadTools } from "./download-file.ts";
import { httpsGet } from "./https-get.ts";
import { type ReleaseArchitecture, type ReleaseFile, sumOf } from "./releases.ts";

export interface ReleasesRequest extends BinariesPlace {
  /** Where the binaries go; the caller holds its lock. */
  readonly folder: string;
  /** Those that are missing there. */
  readonly binaries: readonly string[];
  /** All files of the release, for Linux. */
  readonly releaseFiles: (architecture: ReleaseArchitecture) => readonly ReleaseFile[];
  readonly exec: Exec;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal?: AbortSignal;
  readonly onProgress?: (line: string) => void;
}

const architectures: Readonly<Record<string, ReleaseArchitecture>> = { x64: "amd64", arm64: "arm64" };
/** Progress that people can follow, and a log that stays short. */
const progressEveryMs = 2_000;
const megabyte = 1_000_000;

/**
 * Downloads the release files that hold `binaries`. Each is checked by the SHA-256 that its publisher has beside it, over HTTPS.
 * @throws PlatformError TP_TOOL_MISSING when a file is missing, refused, or not what is published; TP_UNAVAILABLE when the network fails
 */
export async function downloadReleases(request: ReleasesRequest): Promise<void> {
  const files = filesForThisMachine(request).filter(({ binaries }) => Object.keys(binaries).some((binary) => request.binaries.includes(binary)));
  const partialFolder = downloadFolder(request.folder);
  await mkdir(request.folder, { recursive: true });
  await mkdir(partialFolder, { recursive: true });
  using https = httpsGet(request);
  const tools: DownloadTools = { ...request, https };
  for (const [index, file] of files.entries()) {
    const path = join(partialFolder, basename(file.address));
    const sum = await publishedSum(file, request, tools);
    const onBytes = progress(`downloading ${basename(file.address)} (${index + 1} of ${files.length})`, request);
    await downloadFile({ url: addressOf(file.address, request), path, sha256: sum, onBytes }, tools);
    await place(file, path, request);
    await rm(path, { force: true });
  }
}

/** Asks for one sum, which is small. @throws as {@link downloadReleases} where that cannot be had */
export async function requireReleases(
  request: Pick<ReleasesRequest, "mirror" | "proxies" | "authorities" | "clock" | "random" | "signal" | "releaseFiles">,
): Promise<void> {
  using https = httpsGet(request);
  const [file] = filesForThisMachine(request);
  if (file !== undefined) await publishedSum(file, request, { ...request, https });
}

function filesForThisMachine({ releaseFiles }: Pick<ReleasesRequest, "releaseFiles">): readonly ReleaseFile[] {
  const architecture = architectures[process.arch];
  if (architecture !== undefined && process.platform === "linux") return releaseFiles(architecture);
  throw new PlatformError("TP_TOOL_MISSING", { message: `there are no releases for ${process.platform} on ${process.arch}, only for Linux on x64 and arm64` });
}

/** Where files are until they are whole. */
export function downloadFolder(binariesFolder: string): string {
  return join(binariesFolder, "..", "download");
}

async function publishedSum(file: ReleaseFile, request: Pick<ReleasesRequest, "mirror">, tools: DownloadTools): Promise<string> {
  const url = addressOf(file.sums, request);
  const sum = sumOf(await downloadText(url, tools), basename(file.address));
  if (sum === undefined) throw new PlatformError("TP_TOOL_MISSING", { message: `${url.href} has no SHA-256 of ${basename(file.address)}` });
  return sum;
}

function addressOf(address: string, { mirror }: Pick<ReleasesRequest, "mirror">): URL {
  if (mirror === undefined) return new URL(`https://${address}`);
  return new URL(`${mirror.href.replace(/\/$/, "")}/${address}`);
}

function progress(what: string, { clock, onProgress }: ReleasesRequest): (bytes: number, total: number | undefined) => void {
  let toldMs = Number.NEGATIVE_INFINITY;
  return (bytes, total) => {
    const now = clock.monotonic();
    if (now - toldMs < progressEveryMs && bytes !== total) return;
    toldMs = now;
    onProgress?.(`${what}: ${mb(bytes)}${total === undefined ? "" : ` of ${mb(total)}`} MB`);
  };
}

function mb(bytes: number): string {
  return (bytes / megabyte).toFixed(bytes < 10 * megabyte ? 1 : 0);
}

/** Each binary comes to its name whole, by a rename within one file system (binaries.ts B1). */
async function place(file: ReleaseFile, path: string, { folder, exec, signal }: ReleasesRequest): Promise<void> {
  const members = Object.entries(file.binaries);
  const unpacked = `${path}.unpacked`;
  if (file.isArchive) {
    await rm(unpacked, { recursive: true, force: true });
    await mkdir(unpacked);
    const args = ["-xzf", path, "-C", unpacked, "--no-same-owner", ...members.map(([, member]) => member)];
    const { code, stderr } = await exec.run("tar", args, signal === undefined ? {} : { signal });
    if (code !== 0) throw new PlatformError("TP_TOOL_MISSING", { message: `${basename(path)} could not be unpacked: ${stderr.trim()}` });
  }
  for (const [binary, member] of members) {
    const from = file.isArchive ? join(unpacked, member) : path;
    await chmod(from, 0o755);
    await rename(from, join(folder, binary));
  }
  await rm(unpacked, { recursive: true, force: true });
}
