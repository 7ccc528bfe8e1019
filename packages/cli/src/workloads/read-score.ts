import { checkScore, givenImage, withImages, type ScoreDocument } from "@threeport/score";
import { createMergePatch, PlatformError, type ErrorCause, type JsonObject } from "@threeport/resource";
import { locate } from "@threeport/resource/yaml";
import type { Manifest } from "../manifests/load-manifests.ts";
import { placeOf, type OriginOf } from "../manifests/locate-causes.ts";
import { inlineFiles } from "./inline-files.ts";
import { overridesOf, type Overrides } from "./read-overrides.ts";
import { counted, type LoadOptions, type Workload } from "./workload.ts";

export type ReadScore = { readonly notices: readonly string[] } & ({ readonly workload: Workload } | { readonly causes: readonly ErrorCause[] });

/** Reads a Score document: checked, with the files beside it put into it, its images, and what is overridden. */
export async function readScore(manifest: Manifest, flags: LoadOptions): Promise<ReadScore> {
  const first = checkScore(manifest.value);
  const origin = originInScore(manifest, first.asWritten);
  const placeWritten = (field: string): string => placeOf(manifest, first.asWritten(field));
  const overrides = await overridesOf(flags);
  const notices = first.notices.map(({ field = "", message }) => `${placeOf(manifest, field)}: ${message}`);
  const located = (causes: readonly ErrorCause[], placeIn = placeWritten): ReadScore => ({
    notices,
    // From top to bottom, as the file is corrected.
    causes: causes
      .map((cause) => ({ cause, at: locate(manifest.document, first.asWritten(cause.field ?? "")) }))
      .toSorted((a, b) => a.at.line - b.at.line || a.at.column - b.at.column)
      .map(({ cause }) => ({ ...cause, field: placeIn(cause.field ?? "") })),
  });
  const prepared = async (document: ScoreDocument): Promise<Checked> => {
    const inlined = await inlineFiles(document, manifest.file);
    if ("causes" in inlined) return inlined;
    // The text of files may hold placeholders too.
    const checked = checkScore(inlined.document);
    return "causes" in checked ? checked : { document: withImages(checked.document, imagesOf(flags.image ?? [])) };
  };
  // With overrides, before files are put in: an override may name another one.
  const wanted = overrides === undefined ? undefined : overridden("causes" in first ? manifest.value : first.document, overrides);
  const effective = wanted === undefined || "causes" in wanted ? wanted : await prepared(wanted.document);
  if (effective !== undefined && "causes" in effective) return located(effective.causes, (field) => overrides?.place(field) ?? placeWritten(field));
  // A file that is valid only with its overrides has them in the workload itself: nothing can stand there that is no workload.
  const alone = "causes" in first ? undefined : await prepared(first.document);
  const own = alone === undefined || "causes" in alone ? undefined : alone.document;
  if (own === undefined && effective === undefined)
    return located("causes" in first ? first.causes : alone !== undefined && "causes" in alone ? alone.causes : []);
  if (own === undefined) notices.push(`${manifest.file} is valid only with its overrides, so these become part of the workload, wherever it is deployed`);
  const document = own ?? effective?.document;
  const deployed = effective?.document ?? own;
  if (document === undefined || deployed === undefined) return { notices, causes: [] }; // one of both is there
  const without = Object.entries(deployed.containers).filter(([, { image }]) => image === givenImage);
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
      values: own === undefined || effective === undefined ? undefined : createMergePatch(own as unknown as JsonObject, deployed as unknown as JsonObject),
      origin,
      summary: counted(Object.keys(document.containers).length, "container"),
      ports: Object.fromEntries(Object.entries(deployed.service?.ports ?? {}).map(([name, { port }]) => [name, port])),
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

function overridden(document: unknown, overrides: Overrides): Checked {
  const checked = checkScore(overrides.apply(document));
  if ("causes" in checked) return checked;
  const name = ((document as { metadata?: { name?: unknown } } | null)?.metadata ?? {}).name;
  if (checked.document.metadata.name !== name && name !== undefined)
    throw new PlatformError("TP_USAGE", {
      message: "overrides cannot change metadata.name",
      detail: { hint: "a workload of another name is another workload: write a file for it" },
    });
  return checked;
}

const inDocument = /^spec\.source\.score\.document\.?/;

/** `spec.source.score.document.containers.web.image` is `containers.web.image` in the file. */
function originInScore(manifest: Manifest, asWritten: (field: string) => string): OriginOf {
  return (field) => (inDocument.test(field) ? { manifest, field: asWritten(field.replace(inDocument, "")) } : undefined);
}
