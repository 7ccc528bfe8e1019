// Where repositories keep their charts: an index over https, or a registry (OCI distribution).
import type { Fetcher, Answer, AskOptions } from "@threeport/client";
import { fields, items, PlatformError } from "@threeport/resource";
import { parse } from "yaml";
import { archiveBytesMax, type Chart } from "./chart.ts";

/** Indexes grow with every version ever published; the largest known (Bitnami's, 2024) had 20 MB. */
const indexBytesMax = 32 * 1024 * 1024;
/** A manifest of a registry, or the answer with a token. */
const smallBytesMax = 1024 * 1024;
const timeoutMs = 60_000;

export interface FoundChart {
  readonly content: Buffer;
  /** As the repository has it, in hexadecimal; undefined in indexes without digests. */
  readonly announced: string | undefined;
}

interface Way {
  readonly fetcher: Fetcher;
  readonly signal: AbortSignal;
}

/** @throws PlatformError of the fetcher; TP_NOT_FOUND when the repository has no such chart or version */
export async function fromRepository(chart: Chart, way: Way): Promise<FoundChart> {
  const repository = (chart.repository ?? "").replace(/\/+$/, "");
  return repository.startsWith("oci://") ? fromRegistry(repository, chart, way) : fromIndex(repository, chart, way);
}

const asked = ({ signal }: Way, bytesMax: number, headers: Readonly<Record<string, string>> = {}): AskOptions => ({ bytesMax, timeoutMs, signal, headers });

async function fromIndex(repository: string, { name = "", version = "" }: Chart, way: Way): Promise<FoundChart> {
  const address = `${repository}/index.yaml`;
  const index = accepted(await way.fetcher.ask(address, asked(way, indexBytesMax)), address);
  const entry = entryOf(index.content.toString("utf8"), { name, version, address });
  const [first] = entry.urls;
  if (first === undefined) throw new PlatformError("TP_NOT_FOUND", { message: `${address} has no address of chart ${name} ${version}` });
  if (!URL.canParse(first, `${repository}/`)) throw unreadable(address, `${JSON.stringify(first.slice(0, 200))} is no address`);
  const url = new URL(first, `${repository}/`).href;
  const { content } = accepted(await way.fetcher.ask(url, asked(way, archiveBytesMax)), url);
  return { content, announced: entry.digest };
}

interface Entry {
  readonly urls: readonly string[];
  readonly digest: string | undefined;
}

/**
 * The version of a chart in an index. Only the lines of this version are parsed, since an index has megabytes: `entries:` holds a list for each chart,
 * in the form that `helm repo index` writes.
 */
export function entryOf(index: string, wanted: { readonly name: string; readonly version: string; readonly address: string }): Entry {
  const versions = linesOfChart(index, wanted.name);
  if (versions === undefined)
    throw new PlatformError("TP_NOT_FOUND", { message: `${wanted.address} has no chart ${wanted.name}; look for its name in that file` });
  const bare = wanted.version.replace(/^v/, "");
  for (const lines of versions) {
    if (!lines.includes(bare)) continue;
    const entry = fields(items(readYaml(lines, wanted.address))[0]);
    if (String(entry["version"]).replace(/^v/, "") !== bare) continue;
    const urls = items(entry["urls"]).filter((url): url is string => typeof url === "string");
    const digest = typeof entry["digest"] === "string" ? entry["digest"].replace(/^sha256:/, "").toLowerCase() : undefined;
    return { urls, digest };
  }
  const known = versions.flatMap((lines) => /^\s*(?:- )?version:\s*["']?([^\s"']+)/m.exec(lines)?.[1] ?? []).slice(0, 5);
  throw new PlatformError("TP_NOT_FOUND", {
    message: `${wanted.address} has no version ${wanted.version} of chart ${wanted.name}${known.length === 0 ? "" : `; there are ${known.join(", ")}${versions.length > known.length ? ", …" : ""}`}`,
  });
}

/** One text for each version of a chart; undefined when there is no such chart. */
function linesOfChart(index: string, name: string): string[] | undefined {
  const lines = index.split("\n");
  const start = lines.findIndex((line) => /^entries:\s*$/.test(line));
  if (start < 0) return undefined;
  const indent = indentOf(lines.slice(start + 1).find((line) => line.trim() !== "" && !line.trimStart().startsWith("#")) ?? "");
  const key = (line: string): string | undefined => {
    const [, found] = /^\s*["']?([^\s"':]+)["']?:\s*$/.exec(line) ?? [];
    return indentOf(line) === indent && !line.trimStart().startsWith("-") ? found : undefined;
  };
  const from = lines.findIndex((line, at) => at > start && key(line) === name);
  if (from < 0) return undefined;
  const after = lines.findIndex(
    (line, at) => at > from && line.trim() !== "" && (indentOf(line) < indent || (indentOf(line) === indent && !line.trimStart().startsWith("-"))),
  );
  const own = lines.slice(from + 1, after < 0 ? undefined : after);
  const dash = indentOf(own[0] ?? "");
  const versions: string[][] = [];
  for (const line of own) {
    if (indentOf(line) === dash && line.trimStart().startsWith("- ")) versions.push([]);
    versions.at(-1)?.push(line);
  }
  return versions.map((each) => each.join("\n"));
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

const manifestType = "application/vnd.oci.image.manifest.v1+json";
/** https://helm.sh/docs/topics/registries/ */
const chartLayer = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

async function fromRegistry(repository: string, { name = "", version = "" }: Chart, way: Way): Promise<FoundChart> {
  const { host, pathname } = new URL(repository.replace(/^oci:/, "https:"));
  const base = `https://${host}/v2${pathname.replace(/\/$/, "")}/${name}`;
  // A tag has no "+"; helm push writes "_" for it.
  const address = `${base}/manifests/${version.replaceAll("+", "_")}`;
  const { answer, headers } = await withToken(address, { accept: manifestType }, way);
  if (answer.status === 404)
    throw new PlatformError("TP_NOT_FOUND", { message: `${repository} has no chart ${name} of version ${version}: ${answer.from} answers with status 404` });
  const layers = items(readJson(accepted(answer, address))["layers"]).map(fields);
  const [, sum] = /^sha256:([0-9a-f]{64})$/.exec(String(layers.find((layer) => layer["mediaType"] === chartLayer)?.["digest"])) ?? [];
  if (sum === undefined)
    throw new PlatformError("TP_NOT_FOUND", { message: `${repository}/${name}:${version} is no chart: none of its layers is of type ${chartLayer}` });
  const blob = `${base}/blobs/sha256:${sum}`;
  const { authorization } = headers;
  const { content } = accepted(await way.fetcher.ask(blob, asked(way, archiveBytesMax, authorization === undefined ? {} : { authorization })), blob);
  return { content, announced: sum };
}

/** Public registries give a token to everybody who asks for one (https://distribution.github.io/distribution/spec/auth/token/). */
async function withToken(
  address: string,
  plain: Readonly<Record<string, string>>,
  way: Way,
): Promise<{ readonly answer: Answer; readonly headers: Readonly<Record<string, string>> }> {
  const answer = await way.fetcher.ask(address, asked(way, smallBytesMax, plain));
  const challenge = answer.headers["www-authenticate"];
  if (answer.status !== 401 || typeof challenge !== "string") return { answer, headers: plain };
  const parameters = Object.fromEntries([...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = "", value = ""]) => [key, value]));
  const { realm = "", service, scope } = parameters;
  if (!/^bearer /i.test(challenge) || !URL.canParse(realm)) return { answer, headers: plain };
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set("service", service);
  if (scope !== undefined) url.searchParams.set("scope", scope);
  const { token, access_token: other } = readJson(accepted(await way.fetcher.ask(url.href, asked(way, smallBytesMax)), url.href));
  const headers = { ...plain, authorization: `Bearer ${String(token ?? other ?? "")}` };
  return { answer: await way.fetcher.ask(address, asked(way, smallBytesMax, headers)), headers };
}

/** Of a server that may say anything, or half of it. */
function readJson({ content, from }: Answer): ReturnType<typeof fields> {
  try {
    return fields(JSON.parse(content.toString("utf8")));
  } catch {
    throw unreadable(from, "it is no JSON");
  }
}

function readYaml(text: string, from: string): unknown {
  try {
    return parse(text, { maxAliasCount: 0, schema: "failsafe" }) as unknown;
  } catch {
    throw unreadable(from, "it is no YAML");
  }
}

function unreadable(from: string, why: string): PlatformError {
  return new PlatformError("TP_UNAVAILABLE", { message: `what ${from} answers cannot be read: ${why}` });
}

function accepted(answer: Answer, address: string): Answer {
  if (answer.status === 200) return answer;
  const why = answer.status === 401 || answer.status === 403 ? ": it is not public, and charts are taken from public places only" : "";
  throw new PlatformError(answer.status === 404 ? "TP_NOT_FOUND" : "TP_UNAVAILABLE", {
    message: `${address} answers with status ${answer.status}${why}`,
  });
}
