import { PlatformError, type ErrorCause, type JsonObject } from "@threeport/resource";
import { note, type CliContext } from "../context.ts";
import { loadManifests, type Manifest } from "../manifests/load-manifests.ts";
import { originInWorkload } from "../manifests/locate-causes.ts";
import { readSources } from "../manifests/read-sources.ts";
import { workloadName } from "../manifests/workload-name.ts";
import { isChart, readChart } from "./read-chart.ts";
import { readDependencies } from "./read-dependencies.ts";
import { readScore } from "./read-score.ts";
import { counted, type LoadOptions, type Workload, type WorkloadFlags } from "./workload.ts";

/**
 * Workloads of files: each Score document is one, and plain manifests are one together. Notices and warnings are printed.
 * @throws PlatformError TP_INVALID with `file:line:column field` of everything that is wrong in Score documents; TP_YAML_INVALID, TP_USAGE
 */
export async function loadWorkloads(context: CliContext, flags: LoadOptions, paths: readonly string[]): Promise<readonly Workload[]> {
  if (await isChart(paths, flags)) return [await readChart(paths, flags)];
  const strange = (["values", "repo", "version"] as const).find((flag) => flags[flag] !== undefined);
  if (strange !== undefined)
    throw new PlatformError("TP_USAGE", {
      message: `--${strange} is for charts, and ${paths.join(", ")} is none`,
      detail: { hint: "a chart is a folder with a Chart.yaml, a .tgz, oci://…/NAME, or NAME with --repo" },
    });
  const { manifests, warnings } = loadManifests(await readSources(paths, context.stdin));
  for (const warning of warnings) note(context, `warning: ${warning}`);
  const scores = manifests.filter(({ value }) => isScore(value));
  if (scores.length === 0) return [await ofManifests(manifests, flags, paths)];
  const plain = manifests.find((manifest) => !scores.includes(manifest));
  if (plain !== undefined)
    throw new PlatformError("TP_USAGE", {
      message: `${plain.file} holds Kubernetes manifests, and ${scores[0]?.file ?? ""} a Score workload`,
      detail: { hint: "deploy them by two calls: manifests are one workload together, a Score document is one by itself" },
    });
  refuseFlags(flags, scores);
  const read = await Promise.all(scores.map((manifest) => readScore(manifest, scores.length === 1 ? flags : { ...flags, ...imagesFor(manifest, flags) })));
  for (const { notices } of read) for (const notice of notices) note(context, `notice: ${notice}`);
  const causes = read.flatMap((each) => ("causes" in each ? each.causes : []));
  if (causes.length > 0) throw invalidFiles(scores, causes);
  const workloads = read.flatMap((each) => ("workload" in each ? [each.workload] : []));
  const twice = workloads.find(({ name }, index) => workloads.findIndex((each) => each.name === name) < index);
  if (twice !== undefined)
    throw new PlatformError("TP_USAGE", { message: `two documents are named ${twice.name}`, detail: { hint: "give one of them another metadata.name" } });
  return workloads;
}

async function ofManifests(manifests: readonly Manifest[], flags: WorkloadFlags, paths: readonly string[]): Promise<Workload> {
  const given = (["image", "overridesFile", "overrideProperty"] as const).find((flag) => flags[flag] !== undefined);
  if (given !== undefined)
    throw new PlatformError("TP_USAGE", {
      message: `${flagNames[given]} is for Score workloads, and these are Kubernetes manifests`,
      detail: { hint: "change the manifests themselves" },
    });
  const dependencies = flags.dependencies === undefined ? undefined : await readDependencies(flags.dependencies);
  const inManifests = originInWorkload(manifests);
  return {
    name: flags.name ?? workloadName(paths[0] ?? ""),
    source: { manifests: { objects: manifests.map(({ value }) => value), ...(dependencies === undefined ? {} : { dependencies: dependencies.list }) } },
    values: undefined,
    origin: (field) => (inDependencies.test(field) ? dependencies?.origin(field.replace(inDependencies, "")) : inManifests(field)),
    summary: counted(manifests.length, "object"),
    ports: {},
  };
}

const inDependencies = /^spec\.source\.manifests\.dependencies/;

const flagNames = { image: "--image", overridesFile: "--overrides-file", overrideProperty: "--override-property" } as const;

function refuseFlags(flags: WorkloadFlags, scores: readonly Manifest[]): void {
  if (flags.name !== undefined)
    throw new PlatformError("TP_USAGE", {
      message: "a Score workload is named by its metadata.name",
      detail: { hint: "leave --name away, or change the file" },
    });
  if (flags.dependencies !== undefined)
    throw new PlatformError("TP_USAGE", {
      message: "--dependencies is for manifests and charts",
      detail: { hint: "a Score file says under resources what it depends on" },
    });
  const overrides = flags.overridesFile !== undefined || flags.overrideProperty !== undefined;
  if (overrides && scores.length > 1)
    throw new PlatformError("TP_USAGE", {
      message: `overrides are for one Score file, and there are ${scores.length}`,
      detail: { hint: "deploy them one by one" },
    });
  const nowhere = (flags.image ?? []).find((text) => text.includes("=") && !scores.some((manifest) => containersOf(manifest).includes(containerIn(text))));
  if (scores.length > 1 && nowhere !== undefined)
    throw new PlatformError("TP_USAGE", {
      message: `--image ${nowhere}: none of the ${scores.length} workloads has a container ${containerIn(nowhere)}`,
      detail: { hint: `there are ${[...new Set(scores.flatMap(containersOf))].join(", ")}` },
    });
}

/** An image that names its container is for the documents that have it. */
function imagesFor(manifest: Manifest, { image = [] }: WorkloadFlags): Pick<WorkloadFlags, "image"> {
  return { image: image.filter((text) => !text.includes("=") || containersOf(manifest).includes(containerIn(text))) };
}

function containersOf({ value: { containers } }: Manifest): readonly string[] {
  return Object.keys((containers ?? {}) as object);
}

/** Of `CONTAINER=IMAGE`. */
function containerIn(text: string): string {
  return text.slice(0, text.indexOf("="));
}

/** By its version, or by what only such a document has. */
function isScore(value: JsonObject): boolean {
  const { apiVersion, kind, containers } = value;
  return (typeof apiVersion === "string" && /^(?:score\.dev|humanitec\.org)\//.test(apiVersion)) || (kind === undefined && containers !== undefined);
}

function invalidFiles(scores: readonly Manifest[], causes: readonly ErrorCause[]): PlatformError {
  const files = [...new Set(scores.map(({ file }) => file))];
  return new PlatformError("TP_INVALID", {
    message: `${files.length === 1 ? files[0] : `${files.length} files`}: ${counted(causes.length, "field")} of Score documents must be corrected`,
    causes,
  });
}
