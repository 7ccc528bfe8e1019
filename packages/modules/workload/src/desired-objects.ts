// From what a definition says to the objects of one deployment: design.md §7 "render". Reads, and writes nothing.
import type { ReconcileContext, Verdict } from "@threeport/engine";
import type { KubeObject } from "@threeport/resource";
import type { Claimed } from "./claims.ts";
import { manifestsIn } from "./manifest-dependencies.ts";
import { withDefaultResources } from "./defaults.ts";
import { renderManifests, replicasOf, scalableIn } from "./render.ts";
import { chartIn, type HelmPlace } from "./helm-source.ts";
import { renderScoreIn, type InPlace, type ScorePlace } from "./score-source.ts";
import type { Source } from "./source.ts";

export interface DesiredPlace extends HelmPlace {
  /** The environment has registries: pods pull with their credentials. */
  readonly pullSecret: boolean;
}

export interface Desired {
  readonly result: { readonly objects: readonly KubeObject[]; readonly replicas: number | undefined } | { readonly verdict: Verdict };
  /** Definitions that were read beside its own. */
  readonly uses: readonly string[];
  /** What to tell when the objects are healthy, until all that is made together with them is ready. */
  readonly lacking?: Verdict;
  /** What it claims of others; undefined when that is not known now. */
  readonly claimed?: Claimed;
}

export async function desiredObjects(source: Source, place: DesiredPlace, context: Pick<ReconcileContext, "objects">): Promise<Desired> {
  const { instance } = place;
  const { result, ...read } = await documentsIn(source, place, context);
  if ("verdict" in result) return { result, ...read };
  const objects = renderManifests({
    objects: result.objects,
    definition: instance.spec.definition,
    instance: instance.metadata.name,
    replicas: instance.spec.replicas ?? (source.kind === "score" ? place.environment.spec.defaults?.replicas : undefined),
    pullSecret: place.pullSecret,
    restartedAt: instance.spec.restartedAt,
  });
  const scalable = scalableIn(objects);
  if (instance.spec.replicas !== undefined && scalable === undefined) return { result: { verdict: notScalable(instance.spec.definition) }, ...read };
  return { result: { objects, replicas: scalable === undefined ? undefined : replicasOf(scalable) }, ...read };
}

async function documentsIn(source: Source, place: HelmPlace, context: Pick<ReconcileContext, "objects">): Promise<InPlace> {
  if (source.kind === "score") return withDefaults(await renderScoreIn(source.document, place, context), place);
  if (source.kind === "helm") return chartIn(source.helm, place, context);
  if (place.instance.spec.values === undefined) return manifestsIn(source, place, context);
  const message = `spec.values has no meaning for plain manifests: remove it, or write WorkloadDefinition ${place.instance.spec.definition} as a Score document`;
  return { result: { verdict: { state: "stalled", reason: "ValuesNotSupported", message } }, uses: [] };
}

function withDefaults(read: InPlace, { environment }: ScorePlace): InPlace {
  if ("verdict" in read.result) return read;
  const defaults = environment.spec.defaults?.resources;
  return { ...read, result: { objects: read.result.objects.map((object) => withDefaultResources(object, defaults)) } };
}

/** Running the old number while the spec asks for another would be a lie: nothing is applied until one of both is changed. */
function notScalable(definition: string): Verdict {
  return {
    state: "stalled",
    reason: "NotScalable",
    message: `spec.replicas needs a workload with exactly one Deployment, StatefulSet, ReplicaSet or ReplicationController; remove spec.replicas, or set the numbers in WorkloadDefinition ${definition}`,
  };
}
