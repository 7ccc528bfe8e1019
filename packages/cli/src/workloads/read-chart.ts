// A chart as a workload: a folder, a packaged file, or one of a repository, with its values and dependencies in files beside it.
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { mergePatch, PlatformError, type JsonObject } from "@threeport/resource";
import { holdsField, loadYamlDocuments } from "@threeport/resource/yaml";
import { loadManifests, type Manifest } from "../manifests/load-manifests.ts";
import type { OriginOf } from "../manifests/locate-causes.ts";
import { noInput, readSources, standardInput } from "../manifests/read-sources.ts";
import { workloadName } from "../manifests/workload-name.ts";
import { readDependencies, type DeclaredDependencies } from "./read-dependencies.ts";
import { packChart } from "./pack-chart.ts";
import { overridesOf } from "./read-overrides.ts";
import type { Workload, WorkloadFlags } from "./workload.ts";

/** What a definition has room for, beside everything else in it. */
const packedBytesMax = 768 * 1024;

/** Whether the arguments name a chart, and no files of Score or Kubernetes. */
export async function isChart(paths: readonly string[], flags: WorkloadFlags): Promise<boolean> {
  const [path = ""] = paths;
  if (flags.repo !== undefined || /^(?:oci|https):\/\//.test(path) || path.endsWith(".tgz")) return true;
  return path !== standardInput && (await stat(join(path, "Chart.yaml")).then(() => true, () => false)); // prettier-ignore
}

/** @throws PlatformError TP_USAGE, TP_NOT_FOUND, TP_TOO_LARGE, TP_YAML_INVALID */
export async function readChart(paths: readonly string[], flags: WorkloadFlags): Promise<Workload> {
  const [path = "", ...more] = paths;
  if (more.length > 0)
    throw new PlatformError("TP_USAGE", { message: `${path} is a chart, and ${more.join(", ")} comes beside it`, detail: { hint: "deploy them one by one" } });
  if (flags.image !== undefined)
    throw new PlatformError("TP_USAGE", {
      message: "--image is for Score workloads, and this is a chart",
      detail: { hint: "its images are among its values: --values FILE" },
    });
  const { chart, name, summary } = await chartOf(path, flags);
  const files = loadFiles(await readSources(flags.values ?? [], noInput()));
  const values = files.reduce<JsonObject>((all, { value }) => mergePatch(all, value) as JsonObject, {});
  const dependencies = flags.dependencies === undefined ? undefined : await readDependencies(flags.dependencies);
  const overrides = await overridesOf(flags);
  return {
    name: flags.name ?? name,
    source: {
      helm: {
        chart,
        ...(Object.keys(values).length === 0 ? {} : { values }),
        ...(dependencies === undefined ? {} : { dependencies: dependencies.list }),
      },
    },
    values: overrides?.apply({}) as JsonObject | undefined,
    origin: originIn(files, dependencies),
    summary,
    ports: {},
  };
}

interface Named {
  readonly chart: JsonObject;
  /** What the workload is called unless somebody says. */
  readonly name: string;
  readonly summary: string;
}

async function chartOf(path: string, flags: WorkloadFlags): Promise<Named> {
  if (flags.repo !== undefined) return ofRepository(flags.repo, path, flags);
  if (path.startsWith("oci://")) {
    const cut = path.lastIndexOf("/");
    return ofRepository(path.slice(0, cut), path.slice(cut + 1), flags);
  }
  if (path.startsWith("https://"))
    throw new PlatformError("TP_USAGE", {
      message: `${path}: a chart is named by its repository and its name`,
      detail: { hint: "write NAME --repo https://… --version X, or oci://…/NAME --version X; a chart of your own is deployed from its folder or .tgz" },
    });
  if (flags.version !== undefined)
    throw new PlatformError("TP_USAGE", {
      message: "--version is for charts of a repository",
      detail: { hint: "a folder or a file has its version in Chart.yaml" },
    });
  const packed = (await stat(path).catch(() => undefined))?.isFile() === true;
  const content = packed ? await readPacked(path) : await packChart(path);
  if (content.length > packedBytesMax)
    throw new PlatformError("TP_TOO_LARGE", {
      message: `${path} has ${Math.ceil(content.length / 1024)} KiB packed, and a chart in a definition has at most ${packedBytesMax / 1024}`,
      detail: { hint: "name in .helmignore what does not belong to it, or push it to a registry and deploy oci://…/NAME" },
    });
  const name = packed ? workloadName(path.replace(/-v?\d+\.\d+\.\d+[^/]*$/, "").replace(/\.tgz$/, "")) : await nameIn(path);
  return { chart: { archive: content.toString("base64") }, name, summary: `chart ${path}` };
}

function ofRepository(repository: string, name: string, { version }: WorkloadFlags): Named {
  if (version === undefined)
    throw new PlatformError("TP_USAGE", {
      message: `chart ${name} of ${repository} needs --version`,
      detail: { hint: "such as --version 1.2.3: what runs must not depend on when it was deployed" },
    });
  return { chart: { repository, name, version }, name: workloadName(name), summary: `chart ${name} ${version}` };
}

async function readPacked(path: string): Promise<Buffer> {
  const [source] = await readSources([path], noInput());
  return Buffer.from(source?.bytes ?? []);
}

async function nameIn(folder: string): Promise<string> {
  const file = join(folder, "Chart.yaml");
  const { documents } = loadYamlDocuments(await readFile(file), { file });
  const name = documents[0]?.value["name"];
  if (typeof name === "string" && name !== "") return workloadName(name);
  throw new PlatformError("TP_INVALID", { message: `${file} has no name`, detail: { hint: "a chart's Chart.yaml has apiVersion: v2, name and version" } });
}

/** Values may be empty, which other files may not. */
function loadFiles(sources: Awaited<ReturnType<typeof readSources>>): readonly Manifest[] {
  return sources.flatMap((source) => (loadYamlDocuments(source.bytes, { file: source.file }).documents.length === 0 ? [] : loadManifests([source]).manifests));
}

const inValues = /^spec\.source\.helm\.values\.?/;
const inDependencies = /^spec\.source\.helm\.dependencies/;

/** The last file that has a value is the one that counts. */
function originIn(files: readonly Manifest[], dependencies: DeclaredDependencies | undefined): OriginOf {
  return (field) => {
    if (inDependencies.test(field)) return dependencies?.origin(field.replace(inDependencies, ""));
    if (!inValues.test(field)) return undefined;
    const below = field.replace(inValues, "");
    const manifest = files.findLast(({ document }) => holdsField(document, below));
    return manifest === undefined ? undefined : { manifest, field: below };
  };
}
