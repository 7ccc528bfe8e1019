import { createHash } from "node:crypto";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { runTool, shopCache, type PartsRequest } from "./parts-request.ts";

/** Characters of the digest in a folder's name. */
const digestShown = 12;

/** Folder of libraries in /lib and /usr/lib, which Debian names after the machine. */
export const libraryFolder = `${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`;

/** A folder with the files of Debian packages, at the paths that they have when installed; nothing is installed. Fetched once a machine. */
export async function unpackDebian(
  request: PartsRequest,
  { name, packages }: { readonly name: string; readonly packages: readonly string[] },
): Promise<string> {
  const digest = createHash("sha256").update(packages.join(" ")).digest("hex").slice(0, digestShown);
  const folder = join(shopCache(request), `${name}-${digest}`);
  if (await isFolder(folder)) return folder;
  request.say?.(`fetching Debian packages of ${name}`);
  const work = `${folder}.partial-${process.pid}`;
  try {
    const archives = join(work, "archives");
    const files = join(work, "files");
    for (const each of [archives, files]) await mkdir(each, { recursive: true });
    await download(request, packages, archives);
    for (const archive of await readdir(archives)) await runTool(request, ["dpkg", "--extract", join(archives, archive), files]);
    await rename(files, folder).catch(async (error: unknown) => {
      if (!(await isFolder(folder))) throw error; // another one was faster: as good as ours
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return folder;
}

/** What the lists of this machine know may be gone from the archive. */
async function download(request: PartsRequest, packages: readonly string[], folder: string): Promise<void> {
  const command = ["apt-get", "--quiet", "download", ...packages];
  try {
    await runTool(request, command, { cwd: folder });
  } catch {
    await runTool(request, ["apt-get", "--quiet", "update"]);
    await runTool(request, command, { cwd: folder });
  }
}

/** The package that a package without files of its own stands for: `postgresql-client` for the one of this Debian's version. */
export async function packageBehind(request: PartsRequest, name: string): Promise<string> {
  const depends = await runTool(request, ["apt-cache", "depends", "--important", name]);
  return new RegExp(`Depends: (${name}-\\d+)`).exec(depends)?.[1] ?? name;
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
