// A Score document in its environment: what it reads from there and from the other workloads of its project.
import type { Environment } from "@threeport/module-environment";
import type { ReconcileContext, Verdict } from "@threeport/engine";
import { mergePatch, type ErrorCause, type KubeObject, fields, items } from "@threeport/resource";
import {
  checkScore,
  renderScore,
  serviceNameOf,
  workloadsUsed,
  type Provision,
  type RenderedScore,
  type ScoreDocument,
  type ScoreServicePort,
} from "@threeport/score";
import { identityOfInstance, outputSecrets, withProvisions, type Claimed } from "./claims.ts";
import { workloadDefinitionKind, workloadInstanceKind, type WorkloadDefinition, type WorkloadInstance } from "./kinds/index.ts";
import { sourceOf } from "./source.ts";

export interface ScorePlace {
  readonly instance: WorkloadInstance;
  readonly environment: Environment;
  readonly targetNamespace: string;
  /** See `RenderContext` of the score package. */
  readonly digest: (content: string) => string;
  /** Workloads that are taken for deployed there, by name. */
  readonly beside?: ReadonlyMap<string, Readonly<Record<string, ScoreServicePort>>>;
}

export interface InPlace {
  /** The objects, or why there are none. */
  readonly result: { readonly objects: readonly KubeObject[] } | { readonly verdict: Verdict };
  /** Definitions that it reads names and ports of. */
  readonly uses: readonly string[];
  /** What to tell although the objects are known, until all that is made together with them is ready. */
  readonly lacking?: Verdict;
  /** What it claims; undefined when that is not known. */
  readonly claimed?: Claimed;
}

/** Causes that a message names; all of them stand in what `tptctl validate` prints. */
const causesShown = 3;

export async function renderScoreIn(
  document: Readonly<Record<string, unknown>>,
  place: ScorePlace,
  context: Pick<ReconcileContext, "objects">,
): Promise<InPlace> {
  const { values } = place.instance.spec;
  const checked = checkScore(values === undefined ? document : mergePatch(document, values));
  if ("causes" in checked) return { result: { verdict: stalled(values === undefined ? "ScoreInvalid" : "ValuesInvalid", checked.causes) }, uses: [] };
  const own = document["metadata"];
  if (checked.document.metadata.name !== fields(own)["name"])
    return { result: { verdict: stalled("ValuesInvalid", [{ field: "metadata.name", message: "values cannot change the name of a workload" }]) }, uses: [] };
  return inProject(checked.document, place, context);
}

async function inProject(document: ScoreDocument, place: ScorePlace, context: Pick<ReconcileContext, "objects">): Promise<InPlace> {
  const names = workloadsUsed(document);
  const found = await Promise.all(names.map(async (name) => ({ name, ...(await neighbour(name, place, context)) })));
  const workloads = new Map(
    found.flatMap(({ name, ports }) => {
      const there = place.beside?.get(name) ?? ports;
      return there === undefined ? [] : [[name, there] as const];
    }),
  );
  workloads.set(document.metadata.name, document.service?.ports ?? {});
  const serviceNames = new Map(found.flatMap(({ name, serviceName }) => (serviceName === undefined ? [] : [[name, serviceName] as const])));
  serviceNames.set(document.metadata.name, serviceNameOf(document));
  const provisions = new Map<string, Provision>();
  const render = (): RenderedScore =>
    renderScore(document, {
      variables: place.environment.spec.variables ?? {},
      workloads,
      serviceNames,
      digest: place.digest,
      workload: identityOfInstance(place.instance),
      provisions,
    });
  const { rendered, lacking } = await withProvisions(render, provisions, { instance: place.instance, workload: document.metadata.name }, context);
  // A definition that is going cannot be referred to (K6); the periodic look finds out when it is gone.
  const uses = found.filter(({ leaving }) => !leaving).map(({ name }) => name);
  switch (rendered.kind) {
    case "objects":
      return {
        result: { objects: [...outputSecrets(rendered.objects, provisions.values()), ...rendered.objects] },
        uses,
        claimed: { needs: rendered.needs, blocked: [] },
        ...(lacking === undefined ? {} : { lacking }),
      };
    case "invalid":
      return { result: { verdict: stalled("ScoreInvalid", rendered.causes) }, uses };
    case "waiting": {
      const claimed = { needs: rendered.needs, blocked: rendered.resources };
      if (rendered.workloads.length === 0 && lacking !== undefined) return { result: { verdict: lacking }, uses, claimed };
      const missing = rendered.workloads.join(", ");
      const environment = place.environment.metadata.name;
      const message = `waits for ${rendered.workloads.length === 1 ? "workload" : "workloads"} ${missing}, which ${rendered.workloads.length === 1 ? "is" : "are"} not deployed in environment ${environment}: deploy ${rendered.workloads.length === 1 ? "it" : "them"}, or correct the name under resources`;
      return { result: { verdict: { state: "reconciling", reason: "WaitingForWorkload", message } }, uses, claimed };
    }
  }
}

interface Neighbour {
  /** Of its service; undefined while it has no deployment beside this one. */
  readonly ports?: Readonly<Record<string, ScoreServicePort>>;
  readonly serviceName?: string;
  readonly leaving: boolean;
}

/** What another workload of the project serves here, with what is different about it in this environment. */
async function neighbour(name: string, { instance, targetNamespace }: ScorePlace, context: Pick<ReconcileContext, "objects">): Promise<Neighbour> {
  const target = { apiVersion: workloadDefinitionKind.apiVersion, kind: workloadDefinitionKind.kind, namespace: instance.metadata.namespace ?? "", name };
  const definition = await context.objects.get<WorkloadDefinition>(target);
  if (definition === undefined) return { leaving: false };
  const instances = await context.objects.list<WorkloadInstance>(workloadInstanceKind, { refersTo: target });
  const beside = instances.find(
    ({ metadata, spec, status }) =>
      spec.definition === name &&
      spec.environment === instance.spec.environment &&
      metadata.deletionTimestamp === undefined &&
      (status?.targetNamespace ?? targetNamespace) === targetNamespace,
  );
  return { ...(beside === undefined ? {} : servedBy(definition, beside)), leaving: definition.metadata.deletionTimestamp !== undefined };
}

function servedBy(definition: WorkloadDefinition, { spec: { values } }: WorkloadInstance): Pick<Neighbour, "ports" | "serviceName"> {
  const source = sourceOf(definition.spec.source);
  if (source.kind === "score") {
    const checked = checkScore(values === undefined ? source.document : mergePatch(source.document, values));
    return "causes" in checked ? { ports: {} } : { ports: checked.document.service?.ports ?? {}, serviceName: serviceNameOf(checked.document) };
  }
  if (source.kind === "helm") return { ports: {} }; // known where the chart is rendered only
  const services = source.objects.filter(({ apiVersion, kind }) => apiVersion === "v1" && kind === "Service");
  const service = services.find(({ metadata }) => metadata.name === definition.metadata.name);
  const ports = items(fields(service?.["spec"])["ports"]).map(fields);
  return {
    ports: Object.fromEntries(
      ports.flatMap(({ name, port }) => (typeof port === "number" ? [[typeof name === "string" ? name : String(port), { port }]] : [])),
    ),
  };
}

function stalled(reason: string, causes: readonly ErrorCause[]): Verdict {
  const told = causes.slice(0, causesShown).map(({ field, message }) => (field === undefined || field === "" ? message : `${field}: ${message}`));
  const more = causes.length > causesShown ? `; and ${causes.length - causesShown} more` : "";
  return { state: "stalled", reason, message: `${told.join("; ")}${more}` };
}
