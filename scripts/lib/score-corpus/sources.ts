import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { repository } from "../repository.ts";

/** A file of another project: where it is, and what is to be said of it. Its text is never kept here. */
export interface Source {
  /** `owner/name` on GitHub. */
  readonly repo: string;
  readonly path: string;
  readonly commit: string;
  /** Of the content, in hex. */
  readonly sha256: string;
  /** `valid`, or each field that is refused with why that is right. */
  readonly expect: "valid" | Readonly<Record<string, string>>;
  /** Fields that a notice is given for. */
  readonly notices?: readonly string[];
}

/** The form of the list is tested beside {@link judge}. */
export async function readSources(): Promise<readonly Source[]> {
  return JSON.parse(await readFile(join(repository, "packages/score/corpus/sources.json"), "utf8")) as readonly Source[];
}

/** Where the text of a file is, or what became of it. */
export type Found = { readonly bytes: Uint8Array } | { readonly missing: string };

/** The text below `folder`, at the file's repository and path; with `download` it is fetched and put there when it is not. */
export async function findText(source: Source, { folder, download }: { readonly folder: string; readonly download: boolean }): Promise<Found> {
  const file = join(folder, source.repo, source.path);
  const there = await readFile(file).catch(() => undefined);
  const bytes = there ?? (download ? await fetchText(source) : undefined);
  if (bytes === undefined) return { missing: "not in the folder; --download fetches it" };
  if (!(bytes instanceof Uint8Array)) return bytes;
  if (createHash("sha256").update(bytes).digest("hex") !== source.sha256) return { missing: "another text than the one that was judged" };
  if (there === undefined) {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
  return { bytes };
}

const fetchMsMax = 20_000;

async function fetchText({ repo, commit, path }: Source): Promise<Uint8Array | { readonly missing: string }> {
  const url = `https://raw.githubusercontent.com/${repo}/${commit}/${path.split("/").map(encodeURIComponent).join("/")}`;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(fetchMsMax) });
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : { missing: `${url} answers ${response.status}` };
  } catch (error) {
    return { missing: `${url} cannot be reached (${String(error instanceof Error ? (error.cause ?? error.message) : error)})` };
  }
}
