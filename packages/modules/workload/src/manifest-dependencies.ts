// What plain manifests depend on: declared beside them, provided as the resources of a Score file are, and read by their pods from a Secret of the dependency's name.
import type { ReconcileContext, Verdict } from "@threeport/engine";
import { withSecretsDigest } from "@threeport/module-environment";
import { fields, items, type ErrorCause, type KubeObject } from "@threeport/resource";
import { provideResources, resourceCausesOf, textOf, type Need, type Provision, type ScoreDocument, type SourceWorkload } from "@threeport/score";
import { identityOfInstance, withProvisions } from "./claims.ts";
import { scalableIn } from "./render.ts";
import type { InPlace, ScorePlace } from "./score-source.ts";
import type { ManifestDependency, Source } from "./source.ts";

type Manifests = Extract<Source, { kind: "manifests" }>;

/** Causes that a message names. */
const causesShown = 3;

/** What is wrong with the dependencies of a definition, below `field`. */
export function dependencyCauses(
  { objects, dependencies }: Pick<Manifests, "objects" | "dependencies">,
  { name, field }: { readonly name: string; readonly field: string },
): ErrorCause[] {
  const secrets = new Set(objects.filter(({ apiVersion, kind }) => apiVersion === "v1" && kind === "Secret").map(({ metadata }) => metadata.name));
  return [
    ...repeatedNames(dependencies, field),
    ...dependencies.flatMap(({ name: own }, index) =>
      secrets.has(own)
        ? [
            {
              field: `${field}[${index}].name`,
              reason: "FieldValueInvalid",
              message: `Invalid value: ${JSON.stringify(own)}: its outputs are in a Secret of this name, and the manifests have one; give one of both another name`,
            } as const,
          ]
        : [],
    ),
    ...causesBelow(asDocument(name, { objects, dependencies }), dependencies, field),
  ];
}

/** What is wrong with dependencies as resources of a document, at their places in the list. */
export function causesBelow(document: ScoreDocument, dependencies: readonly ManifestDependency[], field: string): ErrorCause[] {
  const place = new Map(dependencies.map((dependency, index) => [dependency.name, `${field}[${index}]`] as const));
  return resourceCausesOf(document).map((cause) => ({ ...cause, field: below(place, field, cause.field ?? "") }));
}

/** A name stands for one dependency. */
export function repeatedNames(dependencies: readonly ManifestDependency[], field: string): ErrorCause[] {
  return dependencies.flatMap(({ name }, index) =>
    dependencies.findIndex((each) => each.name === name) === index
      ? []
      : [{ field: `${field}[${index}].name`, reason: "FieldValueDuplicate", message: `Duplicate value: ${JSON.stringify(name)}` } as const],
  );
}

/** `resources.db.params.x` of the document is `[0].params.x` of the list. */
function below(place: ReadonlyMap<string, string>, field: string, inDocument: string): string {
  const [, name = "", rest = ""] = /^resources\.([^.[]+)(.*)$/.exec(inDocument) ?? [];
  return `${place.get(name) ?? field}${rest}`;
}

/** As Score has names of ports. */
const portName = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])$/;

/** The dependencies as resources of a Score document without containers. */
function asDocument(name: string, { objects, dependencies }: Pick<Manifests, "objects" | "dependencies">): ScoreDocument {
  const { ports } = sourceWorkloadOf(name, objects);
  return documentWith(name, dependencies, Object.fromEntries(ports.map(({ name: own, port }) => [portName.test(own) ? own : `port-${port}`, { port }])));
}

/** Dependencies as resources of a Score document of this name, with these service ports. */
export function documentWith(
  name: string,
  dependencies: readonly ManifestDependency[],
  ports: Readonly<Record<string, { readonly port: number }>>,
): ScoreDocument {
  const resources = dependencies.map(({ name: own, type, class: sort, id, params }) => [
    own,
    { type, ...(sort === undefined ? {} : { class: sort }), ...(id === undefined ? {} : { id }), ...(params === undefined ? {} : { params }) },
  ]);
  return {
    apiVersion: "score.dev/v1b1",
    metadata: { name },
    service: { ports },
    containers: {},
    resources: Object.fromEntries(resources) as ScoreDocument["resources"],
  };
}

/** Secrets that the definition's author must be allowed to read are found in it. */
export function documentOfDependencies(name: string, source: Manifests): ScoreDocument {
  return asDocument(name, source);
}

/** The manifests, with a Secret for each dependency once all are provided; params of one may read outputs of another. */
export async function manifestsIn(source: Manifests, place: ScorePlace, context: Pick<ReconcileContext, "objects">): Promise<InPlace> {
  const { instance } = place;
  const name = instance.spec.definition;
  const document = asDocument(name, source);
  const workload = sourceWorkloadOf(name, source.objects);
  const provisions = new Map<string, Provision>();
  const render = () => {
    const provided = provideResources(document, { variables: {}, workloads: new Map(), workload: identityOfInstance(instance), provisions });
    return { ...provided, needs: provided.needs.map((need): Need => ({ ...need, workload })) };
  };
  const { rendered, lacking } = await withProvisions(render, provisions, { instance, workload: name }, context);
  const { causes, needs, waiting } = rendered;
  if (causes.length > 0) return { result: { verdict: dependenciesInvalid(causes) }, uses: [] };
  const claimed = { needs, blocked: waiting.filter((each) => !needs.some((need) => need.name === each)) };
  if (waiting.length > 0 && lacking !== undefined) return { result: { verdict: lacking }, uses: [], claimed };
  const objects = withOutputs(source.objects, { needs, provisions, digest: place.digest });
  return { result: { objects }, uses: [], claimed, ...(lacking === undefined ? {} : { lacking }) };
}

/** What stands in the way of claiming. */
export function dependenciesInvalid(causes: readonly ErrorCause[]): Verdict {
  const told = causes.slice(0, causesShown).map(({ field = "", message }) => `${field.replace(/^resources\./, "dependency ")}: ${message}`);
  return { state: "stalled", reason: "DependenciesInvalid", message: told.join("; ") };
}

/** The objects with a Secret for each dependency that has outputs; pods that read one are replaced when it changes. */
export function withOutputs(
  objects: readonly KubeObject[],
  {
    needs,
    provisions,
    digest,
  }: { readonly needs: readonly Need[]; readonly provisions: ReadonlyMap<string, Provision>; readonly digest: ScorePlace["digest"] },
): KubeObject[] {
  const secrets = needs.flatMap(({ name }): KubeObject[] => {
    const { values = {}, secret } = provisions.get(name) ?? {};
    const outputs = { ...values, ...secret?.values };
    if (Object.keys(outputs).length === 0) return [];
    const stringData = Object.fromEntries(Object.entries(outputs).map(([key, value]) => [key, textOf(value)]));
    return [{ apiVersion: "v1", kind: "Secret", metadata: { name }, stringData } as KubeObject];
  });
  const byName = new Map(secrets.map((secret) => [secret.metadata.name, secret] as const));
  return [...secrets, ...objects.map((object) => withSecretsDigest(object, byName, digest))];
}

/** A route leads to the Service of the definition's name, or to the only one; an autoscaler scales what can be scaled. */
export function sourceWorkloadOf(definition: string, objects: readonly KubeObject[]): SourceWorkload {
  const services = objects.filter(({ apiVersion, kind }) => apiVersion === "v1" && kind === "Service");
  const service = services.find(({ metadata }) => metadata.name === definition) ?? (services.length === 1 ? services[0] : undefined);
  const ports = items(fields(service?.["spec"])["ports"]).map(fields);
  const scalable = scalableIn(objects);
  return {
    name: scalable?.metadata.name ?? definition,
    kind: scalable?.kind ?? "Deployment",
    service: service?.metadata.name ?? definition,
    ports: ports.flatMap(({ name, port, protocol }) =>
      typeof port === "number"
        ? [{ name: typeof name === "string" ? name : String(port), port, protocol: typeof protocol === "string" ? protocol : "TCP" }]
        : [],
    ),
  };
}
