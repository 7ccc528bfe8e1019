import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { copyFile, mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Exec } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import { importImages } from "./container-images.ts";
import type { ImageArchive } from "./image.ts";
import { livingInit } from "./node-processes.ts";

export interface LoadImageRequest {
  readonly name: string;
  /** The cluster's state folder. */
  readonly stateDir: string;
  /** Where archives are kept for the next start, which begins with an empty node. */
  readonly keptFolder: string;
  readonly tarPath: string;
  readonly binariesFolder: string;
  readonly exec: Exec;
}

/** Characters of the digest in a kept archive's name. */
const digestShown = 16;

/**
 * Puts the images of an archive into a local cluster that runs, and keeps the archive: the cluster has them again when it is started anew. Returns their names.
 * @throws PlatformError TP_NOT_FOUND when there is no file, TP_UNAVAILABLE when the cluster does not run, TP_LOCAL_KUBERNETES_FAILED when it is no archive of images
 */
export async function loadLocalImage(request: LoadImageRequest): Promise<readonly string[]> {
  const { tarPath, keptFolder } = request;
  const found = await stat(tarPath).catch(() => undefined);
  if (found?.isFile() !== true) throw new PlatformError("TP_NOT_FOUND", { message: `there is no file ${tarPath}` });
  const init = await livingInit(request.stateDir);
  if (init === undefined)
    throw new PlatformError("TP_UNAVAILABLE", {
      message: `no local cluster ${request.name} runs here; tptctl runtime list shows what there is, and tptctl up starts those that should run`,
    });
  const names = await importImages({ exec: request.exec, ctrPath: join(request.binariesFolder, "ctr"), initPid: init.pid }, tarPath);
  await mkdir(keptFolder, { recursive: true, mode: 0o700 });
  const kept = join(keptFolder, `${(await digestOf(tarPath)).slice(0, digestShown)}.tar`);
  await copyFile(tarPath, `${kept}.partial`);
  await rename(`${kept}.partial`, kept);
  return names;
}

/** Archives that were loaded into a cluster, for its next start. */
export async function keptImages(keptFolder: string): Promise<readonly ImageArchive[]> {
  const names = await readdir(keptFolder).catch((): string[] => []);
  return names
    .filter((name) => name.endsWith(".tar"))
    .sort()
    .map((name) => ({ name, path: join(keptFolder, name) }));
}

export async function forgetImages(keptFolder: string): Promise<void> {
  await rm(keptFolder, { recursive: true, force: true });
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
