// From a definition to the objects in a cluster. Reads files by address, and writes nothing.
import type { Template } from "@threeport/cel";
import type { Fetcher } from "@threeport/client";
import type { Helm } from "@threeport/module-helm";
import { jsonPatch, mergePatch, type JsonObject, type KubeObject } from "@threeport/resource";
import { loadYamlDocuments } from "@threeport/resource/yaml";
import { templatesOf } from "./check-definition.ts";
import type { SupportServiceDefinition } from "./kinds/definition.ts";

/** What uses a service, and what it tells it: hosts of a gateway. */
export interface ServiceUser {
  readonly project: string;
  readonly name: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** A certificate in the service's namespace. */
export interface MadeCertificate {
  readonly host: string;
  /** Made of the host, for what needs a name for it. */
  readonly name: string;
  /** The Secret of type kubernetes.io/tls. */
  readonly secret: string;
}

export interface ServiceScope {
  readonly runtime: string;
  /** Of the runtime: `local`, `kubeconfig`, … */
  readonly provider: string;
  readonly users: readonly ServiceUser[];
  readonly certificates: readonly MadeCertificate[];
}

export interface RenderTools {
  readonly fetcher: Fetcher;
  readonly helm: Pick<Helm, "render">;
  /** Of the runtime; undefined while it is not known. */
  readonly kubeVersion: string | undefined;
  readonly signal: AbortSignal;
}

export type Problems = { readonly problems: readonly string[] };

/** Files of the largest projects are below 2 MiB; a set holds 1 MiB without comments and blanks. */
const bytesMax = 8 * 1024 * 1024;
const timeoutMs = 60_000;
/** Parsed files that are kept in memory, since they never change under their digest. */
const parsedMax = 4;
const parsed = new Map<string, readonly KubeObject[]>();

/** @throws PlatformError of the fetcher, with what a person can do */
export async function renderDefinition(
  { spec, metadata }: SupportServiceDefinition,
  scope: ServiceScope,
  tools: RenderTools,
): Promise<{ readonly objects: readonly KubeObject[] } | Problems> {
  const { objects, patches } = templatesOf(spec);
  const own = evaluate(objects, { ...scope }, `SupportServiceDefinition ${metadata.name}: spec.objects`);
  if ("problems" in own) return own;
  const charts = await chartObjects({ spec, metadata }, scope, tools);
  if ("problems" in charts) return charts;
  const files = await Promise.all((spec.manifests ?? []).map((file) => readFile(file, tools)));
  let documents: readonly KubeObject[] = [...files.flat(), ...charts.objects];
  for (const [index, patch] of (spec.patches ?? []).entries()) {
    const template = patches[index];
    const merge =
      template === undefined ? { value: {} } : evaluate(template, { ...scope }, `SupportServiceDefinition ${metadata.name}: spec.patches[${index}].merge.`);
    if ("problems" in merge) return merge;
    const applied = applyChange(documents, patch, merge.value);
    if (applied === undefined) {
      const what = `${patch.kind}${patch.name === undefined ? "" : ` ${patch.name}`}`;
      return { problems: [`SupportServiceDefinition ${metadata.name}: spec.patches[${index}]: there is no ${what} in its manifests and charts`] };
    }
    documents = applied;
  }
  return { objects: [...documents, ...(own.value as KubeObject[])] };
}

async function chartObjects(
  { spec, metadata }: Pick<SupportServiceDefinition, "spec" | "metadata">,
  scope: ServiceScope,
  { helm, kubeVersion, signal }: RenderTools,
): Promise<{ readonly objects: readonly KubeObject[] } | Problems> {
  const { values } = templatesOf(spec);
  const all: KubeObject[] = [];
  for (const [index, { chart, release, namespace, apiVersions = [] }] of (spec.charts ?? []).entries()) {
    const at = `SupportServiceDefinition ${metadata.name}: spec.charts[${index}]`;
    if (kubeVersion === undefined) return { problems: [`${at}: the version of runtime ${scope.runtime} is not known yet`] };
    const template = values[index];
    const given = template === undefined ? { value: {} } : evaluate(template, { ...scope }, `${at}.values.`);
    if ("problems" in given) return given;
    const rendered = await helm.render({ chart, release, namespace, values: given.value as Record<string, unknown>, kubeVersion, apiVersions }, signal);
    if ("problem" in rendered) return { problems: [`${at}: ${rendered.problem}`] };
    all.push(...rendered.objects.map((object) => placedIn(object, namespace)));
  }
  return { objects: all };
}

/** Charts leave out the namespace of what belongs into that of the release; several charts of a service may have several. */
function placedIn(object: KubeObject, namespace: string): KubeObject {
  return object.metadata.namespace === undefined ? { ...object, metadata: { ...object.metadata, namespace } } : object;
}

async function readFile(
  { url, sha256 }: { readonly url: string; readonly sha256: string },
  { fetcher, signal }: { readonly fetcher: Fetcher; readonly signal: AbortSignal },
): Promise<readonly KubeObject[]> {
  const known = parsed.get(sha256);
  if (known !== undefined) return known;
  const content = await fetcher.fetch(url, { sha256, bytesMax, timeoutMs, signal });
  const { documents } = loadYamlDocuments(content, { file: url });
  const objects = documents.map(({ value }) => value as unknown as KubeObject);
  const [oldest] = parsed.keys();
  if (parsed.size >= parsedMax && oldest !== undefined) parsed.delete(oldest);
  parsed.set(sha256, objects);
  return objects;
}

type Change = NonNullable<SupportServiceDefinition["spec"]["patches"]>[number];

/** Undefined when it fits no object: then the file is another than its author had in mind. */
function applyChange(documents: readonly KubeObject[], change: Change, merge: unknown): readonly KubeObject[] | undefined {
  const fits = ({ kind, metadata }: KubeObject): boolean => kind === change.kind && (change.name === undefined || metadata.name === change.name);
  if (!documents.some(fits)) return undefined;
  return documents.flatMap((document) => {
    if (!fits(document)) return [document];
    if (change.omit === true) return [];
    const merged = mergePatch(document as unknown as JsonObject, merge);
    const operations = (change.remove ?? []).map((path) => ({ op: "remove", path }));
    return [(operations.length === 0 ? merged : jsonPatch(merged, operations)) as unknown as KubeObject];
  });
}

/** @param at before the path of a problem */
export function evaluate(template: Template, variables: Readonly<Record<string, unknown>>, at: string): { readonly value: unknown } | Problems {
  const result = template.render(variables);
  if ("value" in result) return result;
  return { problems: result.problems.map(({ path, message }) => `${at}${path}: ${message}`) };
}
