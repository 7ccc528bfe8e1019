import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { PlatformError } from "@threeport/resource";

export interface Source {
  /** As the user wrote it, for messages. */
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** In place of standard input, for what comes from files only. */
export async function* noInput(): AsyncIterable<Uint8Array> {
  // Standard input may be the workload.
}

/** A path that stands for standard input. */
export const standardInput = "-";
/** Files of one folder, and of one call. */
const filesMax = 1000;
/** Of all files together; the control plane takes 1 MiB in one workload, and everything is kept in memory here. */
const bytesMax = 16 * 1024 * 1024;

/**
 * Reads files, the YAML and JSON files of folders (not of folders in them, as kubectl), and `-`.
 * @throws PlatformError TP_NOT_FOUND, TP_TOO_LARGE, TP_USAGE
 */
export async function readSources(paths: readonly string[], stdin: AsyncIterable<Uint8Array>): Promise<Source[]> {
  const files = (await Promise.all(paths.map(filesOf))).flat();
  if (files.length > filesMax) throw new PlatformError("TP_TOO_LARGE", { message: `${files.length} files are too many; at most ${filesMax} go into one call` });
  if (files.filter((file) => file === standardInput).length > 1)
    throw new PlatformError("TP_USAGE", { message: "standard input can be read once", detail: { hint: "name - only once" } });
  const sources: Source[] = [];
  let left = bytesMax;
  for (const file of files) {
    const bytes = await readAll(file === standardInput ? stdin : createReadStream(file), { file, bytesMax: left });
    left -= bytes.length;
    sources.push({ file: file === standardInput ? "<stdin>" : file, bytes });
  }
  return sources;
}

async function filesOf(path: string): Promise<string[]> {
  if (path === standardInput) return [path];
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === "ENOENT" ? "there is no" : error.code === "EACCES" ? "you may not read" : "it is not possible to read";
    throw new PlatformError("TP_NOT_FOUND", {
      message: `${why} ${path}`,
      detail: { hint: "check the path; it starts in the folder you are in" },
      cause: error,
    });
  });
  if (!found.isDirectory()) return [path];
  const names = (await readdir(path, { withFileTypes: true }))
    .filter((entry) => !entry.isDirectory() && /\.(ya?ml|json)$/i.test(entry.name))
    .map((entry) => entry.name);
  if (names.length === 0)
    throw new PlatformError("TP_NOT_FOUND", {
      message: `the folder ${path} has no YAML or JSON files`,
      detail: { hint: "manifests end in .yaml, .yml or .json" },
    });
  return names.sort().map((name) => join(path, name));
}

async function readAll(stream: AsyncIterable<Uint8Array>, { file, bytesMax }: { readonly file: string; readonly bytesMax: number }): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > bytesMax)
      throw new PlatformError("TP_TOO_LARGE", {
        message: `${file === standardInput ? "standard input" : file} is too large; the files of one call may have 16 MiB together`,
      });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
