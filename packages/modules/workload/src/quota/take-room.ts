import { environmentKind, type Environment } from "@threeport/module-environment";
import type { ReconcileContext, Verdict } from "@threeport/engine";
import { formatQuantity, PlatformError } from "@threeport/resource";
import { workloadInstanceKind, type WorkloadInstance } from "../kinds/index.ts";
import { lackOf, shareOf, type Share } from "./quota.ts";
import type { PodRequests, Requests } from "./requests.ts";

/** As a status has it. */
export function requestsText({ cpu, memory }: Requests): { cpu: string; memory: string } {
  return { cpu: formatQuantity(cpu), memory: formatQuantity(memory) };
}

/** All other instances of an environment. */
export async function othersIn(environment: Environment, instance: WorkloadInstance, context: Pick<ReconcileContext, "objects">): Promise<WorkloadInstance[]> {
  const { apiVersion, kind } = environmentKind;
  const users = await context.objects.list<WorkloadInstance>(workloadInstanceKind, { refersTo: { apiVersion, kind, name: environment.metadata.name } });
  return users.filter(({ metadata }) => metadata.namespace !== instance.metadata.namespace || metadata.name !== instance.metadata.name);
}

/**
 * Takes what an instance wants from the quota of its environment, or says why it cannot have it. Each writes down what it asks for before it looks at what
 * the others have or ask for: of two that come at the same time at least one sees the other, so there is never given out more than there is.
 * @throws PlatformError TP_VERSION_CONFLICT when another one asks at the same time, and it would have fitted without
 */
export async function takeRoom(
  instance: WorkloadInstance,
  input: { environment: Environment; pods: PodRequests },
  context: ReconcileContext,
): Promise<{ readonly instance: WorkloadInstance; readonly verdict?: Verdict }> {
  const { environment, pods } = input;
  const wanted = requestsText(pods.requests);
  const has = instance.status?.requests;
  if (environment.spec.quota === undefined || (has?.cpu === wanted.cpu && has.memory === wanted.memory)) return { instance };
  const asking = await context.objects.patchStatus<WorkloadInstance>({
    ...instance,
    status: { ...(instance.status ?? { conditions: [] }), requestsAsked: wanted },
  });
  const others = await othersIn(environment, instance, context);
  const lack = lackOf(environment, { instance: asking, pods, others: others.flatMap(shares) });
  if (lack === undefined) return { instance: asking };
  const { requestsAsked: _, ...status } = asking.status ?? { conditions: [] };
  const withdrawn = await context.objects.patchStatus<WorkloadInstance>({ ...asking, status });
  const settled = others.filter((other) => other.status?.requestsAsked === undefined);
  if (settled.length < others.length && lackOf(environment, { instance: withdrawn, pods, others: settled.flatMap(shares) }) === undefined)
    throw new PlatformError("TP_VERSION_CONFLICT", { message: `another workload asks for room in Environment ${environment.metadata.name} at this moment` });
  return { instance: withdrawn, verdict: { state: "stalled", reason: "QuotaExceeded", message: lack } };
}

function shares(other: WorkloadInstance): Share[] {
  const share = shareOf(other);
  return share === undefined ? [] : [share];
}
