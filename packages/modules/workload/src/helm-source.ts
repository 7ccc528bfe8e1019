// A chart in its environment: its dependencies are provided, its values read their outputs, and what it renders to is applied as any other objects are.
import type { ReconcileContext, Verdict } from "@threeport/engine";
import { runtimeVersion, shortened } from "@threeport/module-environment";
import type { Helm } from "@threeport/module-helm";
import { mergePatch, type JsonObject, type KubeObject } from "@threeport/resource";
import { provideResources, type Need, type Output, type Provision } from "@threeport/score";
import { chartDependencyCauses, documentOfChart, readsOf, withOutputsIn } from "./chart-dependencies.ts";
import { identityOfInstance, withProvisions } from "./claims.ts";
import { dependenciesInvalid, sourceWorkloadOf, withOutputs } from "./manifest-dependencies.ts";
import type { InPlace, ScorePlace } from "./score-source.ts";
import type { HelmSource } from "./source.ts";

export interface HelmPlace extends ScorePlace {
  readonly helm: Pick<Helm, "render">;
  readonly signal: AbortSignal;
}

/** What Helm has room for. */
const releaseNameMax = 53;
/** Shorter values could stand anywhere by chance. */
const secretLengthMin = 8;

/** The objects of a chart once all that its values read is provided. */
export async function chartIn(source: HelmSource, place: HelmPlace, context: Pick<ReconcileContext, "objects">): Promise<InPlace> {
  const { instance } = place;
  const name = instance.spec.definition;
  const values = instance.spec.values === undefined ? source.values : (mergePatch(source.values as JsonObject, instance.spec.values) as JsonObject);
  const wrong = chartDependencyCauses({ ...source, values }, { name, field: "helm" });
  if (wrong.length > 0) return { result: { verdict: dependenciesInvalid(wrong) }, uses: [] };
  const document = documentOfChart(name, source.dependencies);
  const provisions = new Map<string, Provision>();
  const render = () => provideResources(document, { variables: {}, workloads: new Map(), workload: identityOfInstance(instance), provisions });
  const { rendered, lacking } = await withProvisions(render, provisions, { instance, workload: name }, context);
  const { causes, needs, waiting, outputs, whyNot } = rendered;
  if (causes.length > 0) return { result: { verdict: dependenciesInvalid(causes) }, uses: [] };
  const blocked = waiting.filter((each) => !needs.some((need) => need.name === each));
  const workload = sourceWorkloadOf(name, await sketch(source, { values, place }, context));
  const claimed = { needs: needs.map((need): Need => ({ ...need, workload })), blocked };
  const told = (verdict: Verdict): InPlace => ({ result: { verdict }, uses: [], claimed });
  if (waiting.length > 0 && lacking !== undefined) return told(lacking);
  const missing = readsOf(values, "values").filter(({ dependency, output }) => outputs(dependency, output) === undefined);
  if (missing.length > 0)
    return told({
      state: "stalled",
      reason: "OutputMissing",
      message: missing.map(({ at, dependency, output, text }) => `${at}: ${text}: ${whyNot(dependency, output)}`).join("; "),
    });
  const objects = await renderedObjects(source, { values: valuesWith(values, outputs), place }, context);
  if ("verdict" in objects) return told(objects.verdict);
  const secrets = secretsRead(values, outputs);
  const problem = nameTaken(objects.objects, source) ?? leak(objects.objects, secrets);
  if (problem !== undefined) return told(problem);
  return {
    result: { objects: withOutputs(objects.objects, { needs, provisions, digest: place.digest }) },
    uses: [],
    claimed,
    ...(lacking === undefined ? {} : { lacking }),
  };
}

type OutputOf = (dependency: string, key: string) => Output | undefined;

function valuesWith(values: Readonly<Record<string, unknown>>, outputs: OutputOf): Readonly<Record<string, unknown>> {
  return withOutputsIn(values, (dependency, key) => outputs(dependency, key)?.value) as Record<string, unknown>;
}

async function renderedObjects(
  { chart, apiVersions }: HelmSource,
  { values, place }: { readonly values: Readonly<Record<string, unknown>>; readonly place: HelmPlace },
  context: Pick<ReconcileContext, "objects">,
): Promise<{ readonly objects: readonly KubeObject[] } | { readonly verdict: Verdict }> {
  const { instance, environment, targetNamespace, helm, signal } = place;
  const runtime = instance.spec.runtime ?? environment.spec.runtime;
  const kubeVersion = await runtimeVersion(runtime, context.objects);
  if (kubeVersion === undefined)
    return {
      verdict: { state: "reconciling", reason: "RuntimePending", message: `the version of runtime ${runtime} is not known yet, and the chart may ask for it` },
    };
  const release = shortened(instance.spec.definition, releaseNameMax);
  const rendered = await helm.render({ chart, release, namespace: targetNamespace, values, kubeVersion, apiVersions }, signal);
  return "objects" in rendered ? rendered : { verdict: { state: "stalled", reason: "ChartFailed", message: rendered.problem } };
}

/**
 * The objects of a chart as far as its Services are concerned, before outputs are known: claims say from the beginning what a route leads to, since a claim
 * that changes later is provided anew. None when it does not render without outputs.
 */
async function sketch(
  source: HelmSource,
  { values, place }: { readonly values: Readonly<Record<string, unknown>>; readonly place: HelmPlace },
  context: Pick<ReconcileContext, "objects">,
): Promise<readonly KubeObject[]> {
  if (source.dependencies.length === 0) return [];
  const open = withOutputsIn(values, () => "pending") as Record<string, unknown>;
  const sketched = await renderedObjects(source, { values: open, place }, context);
  return "objects" in sketched ? sketched.objects : [];
}

/** The outputs of a dependency stand in a Secret of its name. */
function nameTaken(objects: readonly KubeObject[], { dependencies }: HelmSource): Verdict | undefined {
  const taken = objects.find(
    ({ apiVersion, kind, metadata }) => apiVersion === "v1" && kind === "Secret" && dependencies.some(({ name }) => name === metadata.name),
  );
  if (taken === undefined) return undefined;
  const message = `the chart has a Secret ${taken.metadata.name}, and a dependency is called so: give the dependency another name`;
  return { state: "stalled", reason: "DependenciesInvalid", message };
}

/** Secret texts that values read, with where they come from. */
function secretsRead(values: Readonly<Record<string, unknown>>, outputs: OutputOf): ReadonlyMap<string, string> {
  return new Map(
    readsOf(values, "").flatMap(({ dependency, output }) => {
      const found = outputs(dependency, output);
      return found?.secret === undefined || typeof found.value !== "string" || found.value.length < secretLengthMin
        ? []
        : [[found.value, `${dependency}.${output}`]];
    }),
  );
}

/** A secret value in a Deployment or a ConfigMap is one that everybody sees. */
function leak(objects: readonly KubeObject[], secrets: ReadonlyMap<string, string>): Verdict | undefined {
  if (secrets.size === 0) return undefined;
  for (const object of objects) {
    if (object.apiVersion === "v1" && object.kind === "Secret") continue;
    const text = JSON.stringify(object);
    const found = [...secrets].find(([value]) => text.includes(JSON.stringify(value).slice(1, -1)));
    if (found === undefined) continue;
    const [, where] = found;
    const [dependency = "", output = ""] = where.split(".");
    return {
      state: "stalled",
      reason: "SecretInPlainText",
      message: `the chart puts ${where}, which is secret, into ${object.kind} ${object.metadata.name}, where everybody sees it: let the chart read key ${output} of Secret ${dependency}, which is made beside it (values such as existingSecret)`,
    };
  }
  return undefined;
}
