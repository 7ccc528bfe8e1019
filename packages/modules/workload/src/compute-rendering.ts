import { environmentKind, refusedType, type Environment, targetNamespaceOf } from "@threeport/module-environment";
import type { ReconcileContext, Verdict } from "@threeport/engine";
import { dependencyProfileKind, matchPlaceOf, matchProfile, type DependencyProfile } from "@threeport/module-dependency";
import type { Helm } from "@threeport/module-helm";
import { PlatformError, type KubeObject } from "@threeport/resource";
import type { Need } from "@threeport/score";
import { claimFor, type Claimed } from "./claims.ts";
import { desiredObjects } from "./desired-objects.ts";
import { workloadDefinitionKind, workloadInstanceKind, type WorkloadDefinition, type WorkloadInstance, type WorkloadRendering } from "./kinds/index.ts";
import { pinnedSource, sourceOf } from "./source.ts";

export interface RenderingOptions {
  readonly helm: Helm;
  readonly signal: AbortSignal;
  readonly digest: (content: string) => string;
}

/** What a deployment would apply: the same functions over the same objects as its reconciler, without the writes. */
export async function computeRendering(
  rendering: WorkloadRendering,
  namespace: string,
  context: Pick<ReconcileContext, "objects">,
  { digest, helm, signal }: RenderingOptions,
): Promise<WorkloadRendering> {
  const { spec } = rendering;
  const [environment, definition] = await Promise.all([
    context.objects.get<Environment>({ apiVersion: environmentKind.apiVersion, kind: environmentKind.kind, name: spec.environment }),
    spec.source === undefined
      ? context.objects.get<WorkloadDefinition>({
          apiVersion: workloadDefinitionKind.apiVersion,
          kind: workloadDefinitionKind.kind,
          namespace,
          name: spec.definition,
        })
      : undefined,
  ]);
  if (environment === undefined) throw new PlatformError("TP_NOT_FOUND", { message: `environments.threeport.io "${spec.environment}" not found` });
  const source = spec.source ?? definition?.spec.source;
  if (source === undefined)
    throw new PlatformError("TP_NOT_FOUND", {
      message: `there is no WorkloadDefinition ${spec.definition} in namespace ${namespace}, and spec.source says none`,
    });
  const instance = await instanceOf(rendering, namespace, context);
  const targetNamespace = instance.spec.targetNamespace ?? targetNamespaceOf(namespace, spec.environment);
  const explained = async (verdict: Verdict, claimed: Claimed | undefined): Promise<Verdict> =>
    (verdict.reason === "WaitingForDependency" ? await notClaimed(claimed, instance, environment, context) : undefined) ?? verdict;
  const pullSecret = (environment.spec.registries ?? []).length > 0;
  const beside = new Map(
    (spec.beside ?? []).map(({ name, ports = {} }) => [name, Object.fromEntries(Object.entries(ports).map(([key, port]) => [key, { port }]))] as const),
  );
  const { result, claimed } = await desiredObjects(
    await pinnedSource(sourceOf(source), helm, signal),
    { instance, environment, targetNamespace, digest, pullSecret, beside, helm, signal },
    context,
  );
  const answer = "objects" in result ? { objects: result.objects as KubeObject[] } : told(await explained(result.verdict, claimed));
  return { ...rendering, status: { instance: instance.metadata.name, targetNamespace, ...answer } };
}

/** The deployment as it would be: the one that is there, with what the question says in place of its own. */
async function instanceOf({ spec }: WorkloadRendering, namespace: string, context: Pick<ReconcileContext, "objects">): Promise<WorkloadInstance> {
  const { apiVersion, kind } = workloadInstanceKind;
  const name = `${spec.definition}-${spec.environment}`; // what tptctl deploy would write
  const found = await context.objects.get<WorkloadInstance>({ apiVersion, kind, namespace, name });
  return {
    ...(found ?? { apiVersion, kind, metadata: { name, namespace } }),
    spec: {
      release: "latest",
      progressDeadlineSeconds: 600,
      ...found?.spec,
      definition: spec.definition,
      environment: spec.environment,
      ...(spec.values === undefined ? {} : { values: spec.values }),
      ...(spec.replicas === undefined ? {} : { replicas: spec.replicas }),
    },
  };
}

/** What is needed and would be claimed by the deployment only, which is not made here: what nothing provides of it, or all. */
async function notClaimed(
  claimed: Claimed | undefined,
  instance: WorkloadInstance,
  environment: Environment,
  context: Pick<ReconcileContext, "objects">,
): Promise<Verdict | undefined> {
  const all = await Promise.all((claimed?.needs ?? []).map(async (need) => ({ need, claim: await claimFor(need, instance, context) })));
  const needs = all.filter(({ claim }) => claim === undefined).map(({ need }) => need);
  if (needs.length === 0) return undefined;
  const refused = needs.map(({ type }) => refusedType(environment, type)).find((why) => why !== undefined);
  if (refused !== undefined) return { state: "stalled", reason: "DependencyNotAllowed", message: refused };
  const profiles = await context.objects.list<DependencyProfile>(dependencyProfileKind);
  const place = await matchPlaceOf({ environment, runtime: environment.spec.runtime }, context.objects);
  const unmet = needs.filter((need) => matchProfile(profiles, need, place).chosen === undefined);
  if (unmet.length === 0)
    return { state: "reconciling", reason: "WaitingForDependency", message: `needs ${named(needs)}, whose outputs are known once it is deployed` };
  return {
    state: "stalled",
    reason: "NoProfile",
    message: `no DependencyProfile provides ${named(unmet)} in environment ${environment.metadata.name}; tptctl get profiles lists what there is, and operations can write one`,
  };
}

function named(needs: readonly Need[]): string {
  return needs.map((need) => `${need.name} (${need.type}${need.class === "default" ? "" : ` of class ${need.class}`})`).join(", ");
}

function told({ reason, message }: Verdict): { reason: string; message: string } {
  return { reason, message };
}
