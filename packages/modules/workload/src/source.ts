// What a definition says runs, in the form that releases keep.
import type { ReconcileContext } from "@threeport/engine";
import { PlatformError, type KubeObject } from "@threeport/resource";
import type { Release, WorkloadDefinition } from "./kinds/index.ts";
import { imagesOf } from "./render.ts";

export type Source =
  | { readonly kind: "manifests"; readonly objects: readonly KubeObject[] }
  /** As it was written, old forms and all: reading it again is cheap, and its reader may have learned since. */
  | { readonly kind: "score"; readonly document: Readonly<Record<string, unknown>> };

export function sourceOf({ manifests, score }: WorkloadDefinition["spec"]["source"]): Source {
  if (score !== undefined) return { kind: "score", document: score.document };
  return { kind: "manifests", objects: (manifests?.objects ?? []) as unknown as KubeObject[] };
}

/** The text of a release's blob: a list of manifests, or a mapping that names its sort. */
export function contentText(source: Source): string {
  return JSON.stringify(source.kind === "manifests" ? source.objects : { score: source.document });
}

export async function releaseSource(release: Release, context: Pick<ReconcileContext, "blobs">): Promise<Source> {
  const text = await context.blobs.get(release.spec.content);
  if (text === undefined)
    throw new PlatformError("TP_INTERNAL", {
      message: `the content of release ${release.metadata.name} is not in the store; restore it from a backup, or change the definition to make a new release`,
    });
  const content = JSON.parse(text) as readonly KubeObject[] | { readonly score: Readonly<Record<string, unknown>> };
  return "score" in content ? { kind: "score", document: content.score } : { kind: "manifests", objects: content };
}

/** The image of each container. */
export function imagesIn(source: Source): { container: string; image: string }[] {
  if (source.kind === "manifests") return imagesOf(source.objects);
  const containers = Object.entries((source.document["containers"] ?? {}) as Record<string, { readonly image?: unknown }>);
  return containers.flatMap(([container, { image }]) => (typeof image === "string" ? [{ container, image }] : []));
}
