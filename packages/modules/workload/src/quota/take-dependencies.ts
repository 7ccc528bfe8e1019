import type { ReconcileContext, Verdict } from "@threeport/engine";
import { dependencyClaimKind, type DependencyClaim } from "@threeport/module-dependency";
import { environmentKind, refusedType, type Environment } from "@threeport/module-environment";
import { PlatformError } from "@threeport/resource";
import type { Need } from "@threeport/score";
import type { WorkloadInstance } from "../kinds/index.ts";
import { claimedKeys, lackOfDependencies, needKey, type NeedKey } from "./dependencies.ts";
import { othersIn } from "./take-room.ts";

interface Asked {
  readonly environment: Environment;
  readonly needs: readonly Need[];
}

/** What an instance has claimed, and what all others of its environment have. */
async function claimsIn(environment: Environment, instance: WorkloadInstance, context: Pick<ReconcileContext, "objects">) {
  const { apiVersion, kind } = environmentKind;
  const all = await context.objects.list<DependencyClaim>(dependencyClaimKind, { refersTo: { apiVersion, kind, name: environment.metadata.name } });
  const isOwn = ({ spec, metadata }: DependencyClaim): boolean =>
    spec.workload === instance.metadata.name && metadata.namespace === instance.metadata.namespace;
  return { own: claimedKeys(all.filter(isOwn)), others: claimedKeys(all.filter((claim) => !isOwn(claim))) };
}

/** What is claimed already stays, whatever the environment says since. */
function newNeeds({ needs }: Asked, own: readonly NeedKey[], project: string): Need[] {
  return needs.filter((need) => !own.includes(needKey(project, need)));
}

export interface Objection {
  readonly reason: "DependencyNotAllowed" | "QuotaExceeded";
  readonly message: string;
}

/** Why an instance may not claim what it needs, as far as is known at this moment. Reads only. */
export async function objectionToNeeds(instance: WorkloadInstance, asked: Asked, context: Pick<ReconcileContext, "objects">): Promise<Objection | undefined> {
  const { environment } = asked;
  if (!isLimited(environment) || asked.needs.length === 0) return undefined;
  const { namespace: project = "" } = instance.metadata;
  const { own, others } = await claimsIn(environment, instance, context);
  const fresh = newNeeds(asked, own, project);
  const refused = notAllowed(environment, fresh);
  if (refused !== undefined) return refused;
  if (fresh.length === 0 || !isCounted(environment)) return undefined;
  const wanted = asked.needs.map((need) => needKey(project, need));
  const message = lackOfDependencies(environment, { project, wanted, others });
  return message === undefined ? undefined : { reason: "QuotaExceeded", message };
}

function notAllowed(environment: Environment, needs: readonly Need[]): Objection | undefined {
  for (const { name, type } of needs) {
    const why = refusedType(environment, type);
    if (why !== undefined) return { reason: "DependencyNotAllowed", message: `resources.${name}: ${why}` };
  }
  return undefined;
}

/**
 * Lets an instance claim what it needs, or says why it may not. As for cpu and memory, each writes down what it is about to claim before it looks at what
 * others have or are about to claim; its claims take over from that.
 * @throws PlatformError TP_VERSION_CONFLICT when another one asks at the same time, and it would have fitted without
 */
export async function takeDependencies(
  instance: WorkloadInstance,
  asked: Asked,
  context: ReconcileContext,
): Promise<{ readonly instance: WorkloadInstance; readonly verdict?: Verdict }> {
  const { environment, needs } = asked;
  if (!isLimited(environment) || needs.length === 0) return { instance };
  const { namespace: project = "" } = instance.metadata;
  const { own } = await claimsIn(environment, instance, context);
  const fresh = newNeeds(asked, own, project);
  const refused = notAllowed(environment, fresh);
  if (refused !== undefined) return { instance, verdict: { state: "stalled", ...refused } };
  if (fresh.length === 0 || !isCounted(environment)) return { instance };
  const wanted = [...new Set(needs.map((need) => needKey(project, need)))].toSorted();
  const asking = await context.objects.patchStatus<WorkloadInstance>({
    ...instance,
    status: { ...(instance.status ?? { conditions: [] }), needsAsked: wanted },
  });
  // Read again: whoever wrote down his wish before has his claims, or his wish, in here.
  const pending = (await othersIn(environment, instance, context)).flatMap(({ status }) => status?.needsAsked ?? []);
  const { others } = await claimsIn(environment, instance, context);
  const lack = lackOfDependencies(environment, { project, wanted, others: [...others, ...pending] });
  if (lack === undefined) return { instance: asking };
  const { needsAsked: _, ...status } = asking.status ?? { conditions: [] };
  const withdrawn = await context.objects.patchStatus<WorkloadInstance>({ ...asking, status });
  if (pending.length > 0 && lackOfDependencies(environment, { project, wanted, others }) === undefined)
    throw new PlatformError("TP_VERSION_CONFLICT", {
      message: `another workload asks for dependencies in Environment ${environment.metadata.name} at this moment`,
    });
  return { instance: withdrawn, verdict: { state: "stalled", reason: "QuotaExceeded", message: lack } };
}

function isCounted({ spec: { quota } }: Environment): boolean {
  return quota?.dependencies !== undefined || quota?.perProject?.dependencies !== undefined;
}

function isLimited(environment: Environment): boolean {
  return environment.spec.dependencies !== undefined || isCounted(environment);
}
