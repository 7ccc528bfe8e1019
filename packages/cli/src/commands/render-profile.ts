import { resourcePath, type KubeClient } from "@threeport/client";
import { PlatformError, type ErrorCause, type JsonObject } from "@threeport/resource";
import { loadYamlDocuments } from "@threeport/resource/yaml";
import { connect } from "../connect.ts";
import { note, say, type CliContext } from "../context.ts";
import { defaultProject } from "../kinds.ts";
import { loadManifests, type Manifest } from "../manifests/load-manifests.ts";
import { locateCauses, placeOf, type OriginOf } from "../manifests/locate-causes.ts";
import { readSources } from "../manifests/read-sources.ts";
import { requireEnvironment } from "../objects/require-environment.ts";
import { yamlText } from "../output/yaml.ts";

export interface RenderProfileFlags {
  readonly stored?: string;
  readonly params?: string;
  readonly requires?: string;
  readonly services?: string;
  readonly workload?: string;
  readonly env?: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly output: "yaml" | "json";
}

interface Rendering {
  readonly name: string;
  readonly params?: JsonObject;
  readonly problems?: readonly { readonly field: string; readonly message: string }[];
  readonly objects?: readonly JsonObject[];
  readonly services?: JsonObject;
  readonly outputs?: { readonly values: JsonObject; readonly secret: Readonly<Record<string, string>> };
}

/**
 * Prints what a profile would make. The control plane works it out with the functions of its reconciler; nothing is stored.
 * @throws PlatformError TP_INVALID with `file:line:column field` of all that is wrong
 */
export async function renderProfile(this: CliContext, flags: RenderProfileFlags, file?: string): Promise<void> {
  if ((file === undefined) === (flags.stored === undefined))
    throw new PlatformError("TP_USAGE", {
      message: "say which profile: a FILE, or --stored NAME",
      detail: { hint: "tptctl profile list shows those that are there" },
    });
  const manifest = file === undefined ? undefined : await readProfile(this, file);
  const given = (flag: ValueFlag) => readValue(this, flag, flags[flag]);
  const [params, requires, services, workload] = [await given("params"), await given("requires"), await given("services"), await given("workload")];
  await using client = await connect(this);
  if (flags.env !== undefined) await requireEnvironment(client, flags.env, this.signal);
  const spec = {
    ...(manifest === undefined ? { profile: flags.stored } : { source: manifest.value["spec"] }),
    ...(flags.env === undefined ? {} : { environment: flags.env }),
    ...(flags.name === undefined ? {} : { name: flags.name }),
    ...(params === undefined ? {} : { params: params.value }),
    ...(requires === undefined ? {} : { requires: requires.value }),
    ...(services === undefined ? {} : { services: services.value }),
    ...(workload === undefined ? {} : { sourceWorkload: workload.value }),
  };
  const rendering = await fetchRendering(client, { project: flags.namespace ?? defaultProject, spec, origin: originInSource(manifest) }, this.signal);
  if (rendering.problems !== undefined) throw invalid(rendering.problems, { manifest, params: params?.manifest, stored: flags.stored });
  print(this, rendering, flags.output);
}

/** The only profile of a file. @throws PlatformError TP_USAGE, TP_YAML_INVALID */
export async function readProfile(context: CliContext, file: string): Promise<Manifest> {
  const { manifests, warnings } = loadManifests(await readSources([file], context.stdin));
  for (const warning of warnings) note(context, `warning: ${warning}`);
  const profiles = manifests.filter(({ value }) => value["kind"] === "DependencyProfile");
  const [only] = profiles;
  if (only !== undefined && profiles.length === 1) return only;
  throw new PlatformError("TP_USAGE", {
    message: `${file} holds ${profiles.length === 0 ? "no DependencyProfile" : `${profiles.length} DependencyProfiles`}`,
    detail: { hint: "one is tried at a time: a document with kind: DependencyProfile" },
  });
}

interface Given {
  readonly value: JsonObject;
  /** Where it stands, when that is a file. */
  readonly manifest: Manifest | undefined;
}

/** Flags that take a mapping, with one that could be written. */
const valueFlags = {
  params: '{"size": 2}',
  requires: '{"instance": {"host": "db"}}',
  services: '{"gateway": {"name": "web", "namespace": "edge"}}',
  workload: '{"name": "shop", "kind": "Deployment", "service": "shop", "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]}',
} as const;
type ValueFlag = keyof typeof valueFlags;

/** JSON, or `@FILE`; a mapping. */
async function readValue(context: CliContext, flag: ValueFlag, text: string | undefined): Promise<Given | undefined> {
  if (text === undefined) return undefined;
  if (text.startsWith("@")) {
    const [manifest] = loadManifests(await readSources([text.slice(1)], context.stdin)).manifests;
    return manifest === undefined ? undefined : { value: manifest.value, manifest };
  }
  try {
    const [document] = loadYamlDocuments(text, { file: `--${flag}` }).documents;
    if (document !== undefined) return { value: document.value, manifest: undefined };
  } catch (error) {
    throw new PlatformError("TP_USAGE", {
      message: error instanceof PlatformError ? error.message : String(error),
      detail: { hint: `write a JSON object, such as --${flag} '${valueFlags[flag]}', or --${flag} @FILE` },
      cause: error,
    });
  }
  throw new PlatformError("TP_USAGE", { message: `--${flag} is empty`, detail: { hint: `write a JSON object, or --${flag} @FILE` } });
}

/** `spec.source.outputs` of the question is `spec.outputs` of the file. */
export function originInSource(manifest: Manifest | undefined): OriginOf {
  return (field) => (manifest !== undefined && /^spec\.source\b/.test(field) ? { manifest, field: field.replace(/^spec\.source\b/, "spec") } : undefined);
}

const renderings = { group: "threeport.io", version: "v1alpha1", resource: "profilerenderings", namespaced: true };

async function fetchRendering(
  client: KubeClient,
  { project, spec, origin }: { readonly project: string; readonly spec: object; readonly origin: OriginOf },
  signal: AbortSignal,
): Promise<Rendering> {
  const body = { apiVersion: "threeport.io/v1alpha1", kind: "ProfileRendering", metadata: {}, spec };
  const path = resourcePath(renderings, { namespace: project });
  const answer = await client.request(path, { method: "POST", query: { fieldValidation: "Strict" }, body, signal }).catch((error: unknown) => {
    throw inWordsOf(locateCauses(error, origin));
  });
  return (answer.body as { status: Rendering }).status;
}

/** It is the profile that is wrong, and not the question about it. */
export function inWordsOf(error: unknown): unknown {
  if (!(error instanceof PlatformError) || error.causes.length === 0) return error;
  const causes = error.causes.map((cause): ErrorCause => ({ ...cause, message: cause.message.replaceAll(/\bspec\.source\b/g, "spec") }));
  return new PlatformError("TP_INVALID", { message: "the profile cannot be tried as it is written", causes, cause: error });
}

function invalid(
  problems: NonNullable<Rendering["problems"]>,
  { manifest, params, stored }: { readonly manifest: Manifest | undefined; readonly params: Manifest | undefined; readonly stored: string | undefined },
): PlatformError {
  const place = (field: string): string => {
    if (/^params\b/.test(field)) return params === undefined ? `--params ${field}` : placeOf(params, field.replace(/^params\.?/, ""));
    return manifest === undefined ? field : placeOf(manifest, field);
  };
  const causes = problems.map(({ field, message }): ErrorCause => ({ field: place(field), reason: "FieldValueInvalid", message }));
  const what = manifest === undefined ? `DependencyProfile ${stored ?? ""}` : manifest.file;
  return new PlatformError("TP_INVALID", {
    message: `nothing can be made of ${what}: ${problems.length === 1 ? "1 problem" : `${problems.length} problems`}`,
    causes,
  });
}

function print(
  context: CliContext,
  { name, params = {}, objects = [], services = {}, outputs = { values: {}, secret: {} } }: Rendering,
  output: "yaml" | "json",
): void {
  if (output === "json") return say(context, JSON.stringify({ name, params, objects, services, outputs }, undefined, 2));
  // As comments, so that what is printed is still a file of objects.
  const told = [
    ...(Object.keys(services).length === 0 ? [] : ["support services, and what they are told:", ...linesOf(services)]),
    "outputs:",
    ...linesOf(outputs.values),
    ...(Object.keys(outputs.secret).length === 0 ? [] : ["outputs, in a Secret only:", ...linesOf(outputs.secret)]),
  ];
  for (const object of objects) context.process.stdout.write(`${yamlText(object)}---\n`);
  for (const line of told) say(context, `# ${line}`);
}

function linesOf(values: Readonly<Record<string, unknown>>): string[] {
  if (Object.keys(values).length === 0) return ["  none"];
  return yamlText(values)
    .trimEnd()
    .split("\n")
    .map((line) => `  ${line}`);
}
