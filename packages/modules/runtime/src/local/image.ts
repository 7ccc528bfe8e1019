import { createHash } from "node:crypto";
import { createReadStream, type Stats } from "node:fs";
import { open, readdir, readlink, rename, rm, stat, lstat } from "node:fs/promises";
import { join, posix } from "node:path";
import { tarBytes, type TarEntry, writeTar } from "./tar.ts";

/** One thing in an image. `path` is where it stands in the image. Missing parent folders are added. */
export type ImageFile =
  | { readonly path: string; readonly content: string | Uint8Array; readonly mode?: number }
  /** A file of this machine (links are followed), or a folder with all that is in it (links inside are kept). */
  | { readonly path: string; readonly from: string; readonly mode?: number }
  | { readonly path: string; readonly link: string }
  | { readonly path: string; readonly folderMode: number };

export interface ImageRequest {
  /** The tar file to write; it appears under this name only when it is whole. */
  readonly out: string;
  /** Full name with tag, as pods say it: `docker.io/library/busybox:local`. A tag other than `latest`, or the kubelet pulls. */
  readonly name: string;
  readonly files: readonly ImageFile[];
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** `uid[:gid]`; without it, root. */
  readonly user?: string;
  readonly workingDir?: string;
}

/** An image in a docker-archive tar file. */
export interface ImageArchive {
  readonly name: string;
  readonly path: string;
}

const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** Image architectures are named as Go names them. */
const architectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** Two may write the same image at once, also in one process: each to a file of its own, and the last one renamed stays. */
let partials = 0;

/**
 * Writes a one-layer container image as a docker-archive, without a registry or a daemon. Files are streamed, so memory
 * stays small whatever the size; the same files make the same image.
 */
export async function makeImage(request: ImageRequest): Promise<ImageArchive> {
  const layer = await layerEntries(request.files);
  const layerBytes = tarBytes(layer);
  const hash = createHash("sha256");
  const partial = `${request.out}.partial-${process.pid}-${++partials}`;
  try {
    await using out = await open(partial, "w", 0o644);
    // The layer goes first: its digest, which the configuration needs, is known once it has been written.
    let config = Buffer.alloc(0);
    let configName = "";
    const entries = function* (): Generator<TarEntry> {
      yield { kind: "file", path: "layer.tar", mode: 0o644, bytes: layerBytes, content: hashed(writeTar(layer), hash) };
      config = Buffer.from(JSON.stringify(imageConfig(request, hash.digest("hex"))));
      configName = `${createHash("sha256").update(config).digest("hex")}.json`;
      yield bytesEntry(configName, config);
      yield bytesEntry("manifest.json", Buffer.from(JSON.stringify([{ Config: configName, RepoTags: [request.name], Layers: ["layer.tar"] }])));
    };
    for await (const chunk of writeTar(entries())) await out.writeFile(chunk); // continues where the last one ended
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  await rename(partial, request.out);
  return { name: request.name, path: request.out };
}

function imageConfig(request: ImageRequest, layerSha256: string): object {
  const env = { PATH: searchPath, ...request.env };
  return {
    architecture: architectures[process.arch] ?? process.arch,
    os: "linux",
    created: "1970-01-01T00:00:00Z",
    config: {
      Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      Entrypoint: request.entrypoint ?? [],
      Cmd: request.cmd ?? [],
      WorkingDir: request.workingDir ?? "/",
      ...(request.user === undefined ? {} : { User: request.user }),
    },
    rootfs: { type: "layers", diff_ids: [`sha256:${layerSha256}`] },
    history: [{ created_by: "threeport" }],
  };
}

/** Every file as a tar entry, each folder before what is in it; a later file replaces an earlier one of its path. */
async function layerEntries(files: readonly ImageFile[]): Promise<TarEntry[]> {
  const entries = new Map<string, TarEntry>();
  for (const file of files) {
    for (const entry of await entriesOf(file)) {
      addParents(entries, entry.path);
      entries.set(entry.path, entry);
    }
  }
  return [...entries.values()];
}

function addParents(entries: Map<string, TarEntry>, path: string): void {
  const parts = path.split("/").slice(0, -1);
  for (let count = 1; count <= parts.length; count++) {
    const folder = parts.slice(0, count).join("/");
    if (!entries.has(folder)) entries.set(folder, { kind: "directory", path: folder, mode: 0o755 });
  }
}

async function entriesOf(file: ImageFile): Promise<TarEntry[]> {
  const path = posix.normalize(file.path).replace(/^\/+|\/+$/g, "");
  if (path === "" || path === "." || path.startsWith("..")) throw new Error(`an image file needs a path inside the image, not ${JSON.stringify(file.path)}`);
  if ("content" in file) return [bytesEntry(path, Buffer.from(file.content as string), file.mode)];
  if ("link" in file) return [{ kind: "link", path, target: file.link }];
  if ("folderMode" in file) return [{ kind: "directory", path, mode: file.folderMode }];
  const found = await stat(file.from);
  if (!found.isDirectory()) return [fileEntry(path, file.from, found, file.mode)];
  return folderEntries(path, file.from);
}

async function folderEntries(path: string, from: string): Promise<TarEntry[]> {
  const entries: TarEntry[] = [{ kind: "directory", path, mode: 0o755 }];
  for (const name of (await readdir(from)).sort()) {
    const source = join(from, name);
    const target = `${path}/${name}`;
    const found = await lstat(source);
    if (found.isSymbolicLink()) entries.push({ kind: "link", path: target, target: await readlink(source) });
    else if (found.isDirectory()) entries.push(...(await folderEntries(target, source)));
    else if (found.isFile()) entries.push(fileEntry(target, source, found));
  }
  return entries;
}

function fileEntry(path: string, from: string, found: Stats, mode = found.mode & 0o777): TarEntry {
  const content = { [Symbol.asyncIterator]: () => createReadStream(from)[Symbol.asyncIterator]() as AsyncIterator<Uint8Array> };
  return { kind: "file", path, mode, bytes: found.size, content };
}

function bytesEntry(path: string, bytes: Uint8Array, mode = 0o644): TarEntry {
  return { kind: "file", path, mode, bytes: bytes.length, content: once(bytes) };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function* hashed(chunks: AsyncIterable<Uint8Array>, hash: ReturnType<typeof createHash>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}
