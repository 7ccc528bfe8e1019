// What a definition says runs, in the form that releases keep.
import type { ReconcileContext } from "@threeport/engine";
import type { Chart, Helm } from "@threeport/module-helm";
import { PlatformError, type KubeObject } from "@threeport/resource";
import type { Release, WorkloadDefinition } from "./kinds/index.ts";
import { imagesOf } from "./render.ts";

/** What plain manifests need, as a resource of a Score file. */
export interface ManifestDependency {
  readonly name: string;
  readonly type: string;
  readonly class?: string | undefined;
  readonly id?: string | undefined;
  readonly params?: Readonly<Record<string, unknown>> | undefined;
}

export interface HelmSource {
  /** In a release with its digest. */
  readonly chart: Chart;
  readonly values: Readonly<Record<string, unknown>>;
  readonly apiVersions: readonly string[];
  readonly dependencies: readonly ManifestDependency[];
}

export type Source =
  | { readonly kind: "manifests"; readonly objects: readonly KubeObject[]; readonly dependencies: readonly ManifestDependency[] }
  | { readonly kind: "helm"; readonly helm: HelmSource }
  /** As it was written, old forms and all: reading it again is cheap, and its reader may have learned since. */
  | { readonly kind: "score"; readonly document: Readonly<Record<string, unknown>> };

export function sourceOf({ manifests, score, helm }: WorkloadDefinition["spec"]["source"]): Source {
  if (score !== undefined) return { kind: "score", document: score.document };
  if (helm !== undefined) {
    const { chart, values = {}, apiVersions = [], dependencies = [] } = helm;
    return { kind: "helm", helm: { chart, values, apiVersions, dependencies } };
  }
  return { kind: "manifests", objects: (manifests?.objects ?? []) as unknown as KubeObject[], dependencies: manifests?.dependencies ?? [] };
}

/** The text of a release's blob: a list of manifests, these with what they depend on, or a mapping that names its sort. */
export function contentText(source: Source): string {
  if (source.kind === "score") return JSON.stringify({ score: source.document });
  if (source.kind === "helm") return JSON.stringify({ helm: source.helm });
  const { objects, dependencies } = source;
  return JSON.stringify(dependencies.length === 0 ? objects : { objects, dependencies });
}

export async function releaseSource(release: Release, context: Pick<ReconcileContext, "blobs">): Promise<Source> {
  const text = await context.blobs.get(release.spec.content);
  if (text === undefined)
    throw new PlatformError("TP_INTERNAL", {
      message: `the content of release ${release.metadata.name} is not in the store; restore it from a backup, or change the definition to make a new release`,
    });
  const content = JSON.parse(text) as
    | readonly KubeObject[]
    | { readonly objects: readonly KubeObject[]; readonly dependencies: readonly ManifestDependency[] }
    | { readonly score: Readonly<Record<string, unknown>> }
    | { readonly helm: HelmSource };
  if ("score" in content) return { kind: "score", document: content.score };
  if ("helm" in content) return { kind: "helm", helm: content.helm };
  return "objects" in content ? { kind: "manifests", ...content } : { kind: "manifests", objects: content, dependencies: [] };
}

/** The source with everything in it that it only names: a chart gets its digest. @throws PlatformError when it cannot be had */
export async function pinnedSource(source: Source, helm: Pick<Helm, "pin">, signal: AbortSignal): Promise<Source> {
  if (source.kind !== "helm") return source;
  return { kind: "helm", helm: { ...source.helm, chart: await helm.pin(source.helm.chart, signal) } };
}

/** The image of each container. Those of a chart are known where it is rendered only. */
export function imagesIn(source: Source): { container: string; image: string }[] {
  if (source.kind === "helm") return [];
  if (source.kind === "manifests") return imagesOf(source.objects);
  const containers = Object.entries((source.document["containers"] ?? {}) as Record<string, { readonly image?: unknown }>);
  return containers.flatMap(([container, { image }]) => (typeof image === "string" ? [{ container, image }] : []));
}
