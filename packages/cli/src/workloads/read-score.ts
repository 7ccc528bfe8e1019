import { checkScore, givenImage, mergeOverrides, overrideProperty, withImages, type ScoreDocument } from "@threeport/score";
import { createMergePatch, PlatformError, type ErrorCause, type JsonObject } from "@threeport/resource";
import { loadYamlDocuments, locate } from "@threeport/resource/yaml";
import { parse } from "yaml";
import type { Manifest } from "../manifests/load-manifests.ts";
import { placeOf, type OriginOf } from "../manifests/locate-causes.ts";
import { readSources } from "../manifests/read-sources.ts";
import { inlineFiles } from "./inline-files.ts";
import { counted, type LoadOptions, type Workload, type WorkloadFlags } from "./workload.ts";

export type ReadScore = { readonly notices: readonly string[] } & ({ readonly workload: Workload } | { readonly causes: readonly ErrorCause[] });

/** Reads a Score document: checked, with the files beside it put into it, its images, and what is overridden. */
export async function readScore(manifest: Manifest, flags: LoadOptions): Promise<ReadScore> {
  const origin = originInScore(manifest);
  const first = checkScore(manifest.value);
  const notices = first.notices.map(({ field = "", message }) => `${placeOf(manifest, field)}: ${message}`);
  const located = (causes: readonly ErrorCause[]): ReadScore => ({
    notices,
    // From top to bottom, as the file is corrected.
    causes: causes
      .map((cause) => ({ cause, at: locate(manifest.document, cause.field ?? "") }))
      .toSorted((a, b) => a.at.line - b.at.line || a.at.column - b.at.column)
      .map(({ cause }) => ({ ...cause, field: placeOf(manifest, cause.field ?? "") })),
  });
  if ("causes" in first) return located(first.causes);
  const prepared = async (document: ScoreDocument): Promise<Checked> => {
    const inlined = await inlineFiles(document, manifest.file);
    if ("causes" in inlined) return inlined;
    // The text of files may hold placeholders too.
    const checked = checkScore(inlined.document);
    return "causes" in checked ? checked : { document: withImages(checked.document, imagesOf(flags.image ?? [])) };
  };
  const base = await prepared(first.document);
  if ("causes" in base) return located(base.causes);
  const { document } = base;
  // Before files are put in: an override may name another one.
  const wanted = await overriddenBy(first.document, flags);
  const overridden = wanted === undefined || "causes" in wanted ? wanted : await prepared(wanted.document);
  if (overridden !== undefined && "causes" in overridden)
    return {
      notices,
      causes: overridden.causes.map((cause) => ({ ...cause, field: `${flags.overridesFile ?? "--override-property"}: ${cause.field ?? ""}` })),
    };
  const effective = overridden?.document ?? document;
  const without = Object.entries(effective.containers).filter(([, { image }]) => image === givenImage);
  if (without.length > 0 && flags.anyImage !== true)
    return located(
      without.map(([name]) => ({
        field: `containers.${name}.image`,
        message: `the image is given when it is deployed: --image IMAGE, or --image ${name}=IMAGE`,
      })),
    );
  return {
    notices,
    workload: {
      name: document.metadata.name,
      source: { score: { document: document as unknown as JsonObject } },
      values: overridden === undefined ? undefined : createMergePatch(document as unknown as JsonObject, effective as unknown as JsonObject),
      origin,
      summary: counted(Object.keys(document.containers).length, "container"),
      ports: Object.fromEntries(Object.entries(effective.service?.ports ?? {}).map(([name, { port }]) => [name, port])),
    },
  };
}

/** `IMAGE` for all containers, or `CONTAINER=IMAGE`: no image has an equals sign. */
function imagesOf(given: readonly string[]): { readonly all: string | undefined; readonly byContainer: ReadonlyMap<string, string> } {
  const all = given.filter((text) => !text.includes("="));
  if (all.length > 1)
    throw new PlatformError("TP_USAGE", {
      message: `--image is given ${all.length} times without a container`,
      detail: { hint: "write --image CONTAINER=IMAGE" },
    });
  const named = given
    .filter((text) => text.includes("="))
    .map((text): [string, string] => [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)]);
  const empty = named.find(([container, image]) => container === "" || image === "");
  if (empty !== undefined)
    throw new PlatformError("TP_USAGE", {
      message: `--image ${empty.join("=")}: write CONTAINER=IMAGE`,
      detail: { hint: "for example --image web=ghcr.io/example/web:1" },
    });
  return { all: all[0], byContainer: new Map(named) };
}

type Checked = { readonly document: ScoreDocument } | { readonly causes: readonly ErrorCause[] };

async function overriddenBy(document: ScoreDocument, flags: WorkloadFlags): Promise<Checked | undefined> {
  if (flags.overridesFile === undefined && flags.overrideProperty === undefined) return undefined;
  const file = flags.overridesFile === undefined ? {} : await readOverrides(flags.overridesFile);
  let wanted: unknown = mergeOverrides(document, file);
  for (const text of flags.overrideProperty ?? []) wanted = overrideProperty(wanted, ...propertyOf(text));
  const checked = checkScore(wanted);
  if ("causes" in checked) return checked;
  if (checked.document.metadata.name !== document.metadata.name)
    throw new PlatformError("TP_USAGE", {
      message: "overrides cannot change metadata.name",
      detail: { hint: "a workload of another name is another workload: write a file for it" },
    });
  return checked;
}

async function readOverrides(path: string): Promise<JsonObject> {
  const [source] = await readSources([path], emptyInput());
  if (source === undefined) return {};
  const { documents } = loadYamlDocuments(source.bytes, { file: path });
  if (documents.length > 1)
    throw new PlatformError("TP_USAGE", { message: `${path} has ${documents.length} documents`, detail: { hint: "overrides are one document" } });
  return documents[0]?.value ?? {};
}

async function* emptyInput(): AsyncIterable<Uint8Array> {
  // Overrides come from a file: standard input may be the workload.
}

/** `path=value`; the value is YAML, so `5` is a number and `"5"` text. An empty value removes. */
function propertyOf(text: string): [path: string, value: unknown] {
  const at = text.indexOf("=");
  if (at < 1)
    throw new PlatformError("TP_USAGE", {
      message: `--override-property ${text}: write PATH=VALUE`,
      detail: { hint: "for example containers.web.variables.LEVEL=debug" },
    });
  const value = text.slice(at + 1);
  try {
    return [text.slice(0, at), value === "" ? undefined : parse(value, { schema: "core" })];
  } catch (error) {
    throw new PlatformError("TP_USAGE", {
      message: `--override-property ${text.slice(0, at)}: the value is no YAML: ${String((error as Error).message).split("\n")[0]}`,
      cause: error,
    });
  }
}

const inDocument = /^spec\.source\.score\.document\.?/;

/** `spec.source.score.document.containers.web.image` is `containers.web.image` in the file. */
function originInScore(manifest: Manifest): OriginOf {
  return (field) => (inDocument.test(field) ? { manifest, field: field.replace(inDocument, "") } : undefined);
}
