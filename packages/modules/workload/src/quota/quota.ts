// Quotas of environments: how many workloads there may be, and how much their pods may ask for (design.md §6).
import { type Environment, countedResources, type Limits } from "@threeport/module-environment";
import { addQuantities, compareQuantities, formatQuantity, parseQuantity, type Quantity } from "@threeport/resource";
import type { WorkloadInstance } from "../kinds/index.ts";
import { larger, nothing, type PodRequests } from "./requests.ts";

/** What one workload takes of a quota. */
export interface Share {
  readonly namespace: string;
  readonly cpu: Quantity;
  readonly memory: Quantity;
}

/** What an instance has been given; undefined for one that has been given nothing yet. */
function givenTo({ metadata, status }: WorkloadInstance): Share | undefined {
  return status?.requests === undefined ? undefined : share(metadata.namespace, status.requests);
}

/** What an instance has been given, or asks for at this moment, whichever is more of each. */
export function shareOf(instance: WorkloadInstance): Share | undefined {
  const given = givenTo(instance);
  const { requestsAsked } = instance.status ?? {};
  const asked = requestsAsked === undefined ? undefined : share(instance.metadata.namespace, requestsAsked);
  if (given === undefined || asked === undefined) return given ?? asked;
  return { namespace: given.namespace, cpu: larger(given.cpu, asked.cpu), memory: larger(given.memory, asked.memory) };
}

function share(namespace: string | undefined, { cpu, memory }: { readonly cpu: string; readonly memory: string }): Share {
  return { namespace: namespace ?? "", cpu: parseQuantity(cpu), memory: parseQuantity(memory) };
}

export interface Wish {
  readonly instance: WorkloadInstance;
  /** What its pods ask for. */
  readonly pods: PodRequests;
  /** What all others have. */
  readonly others: readonly Share[];
}

/** Why there is no room for what is wished, and what to do; undefined where there is. What does not ask for more than it has is always right. */
export function lackOf(environment: Environment, wish: Wish): string | undefined {
  const { quota } = environment.spec;
  const has = givenTo(wish.instance);
  if (quota === undefined || (has !== undefined && countedResources.every((each) => compareQuantities(wish.pods.requests[each], has[each]) <= 0)))
    return undefined;
  const unsaid = unsaidIn(environment, wish);
  if (unsaid !== undefined) return unsaid;
  const { namespace: project = "" } = wish.instance.metadata;
  const { name } = environment.metadata;
  const ownOthers = wish.others.filter((other) => other.namespace === project);
  const problems = [
    ...beyond(quota, `Environment ${name}`, wish, wish.others),
    ...beyond(quota.perProject ?? {}, `project ${project} in Environment ${name}`, wish, ownOthers),
  ];
  if (problems.length === 0) return undefined;
  return `${problems.join("; ")}. Ask for less, remove something, or have spec.quota of the environment raised (tptctl env describe ${name} shows who has what)`;
}

/** Who does not say what it wants cannot be counted. */
function unsaidIn({ spec, metadata }: Environment, { pods }: Wish): string | undefined {
  const counted = countedResources.filter((each) => spec.quota?.[each] !== undefined || spec.quota?.perProject?.[each] !== undefined);
  const lacking = counted.filter((each) => pods.unsaid[each].length > 0);
  const [first, ...more] = new Set(lacking.flatMap((each) => pods.unsaid[each]));
  if (first === undefined) return undefined;
  const fields = lacking.map((each) => `resources.requests.${each}`).join(" and ");
  return `container ${first}${more.length === 0 ? "" : ` (and ${more.length} more)`} must say ${fields}, which the quota of Environment ${metadata.name} counts`;
}

function beyond(limits: Limits, where: string, wish: Wish, others: readonly Share[]): string[] {
  const has = givenTo(wish.instance);
  const problems: string[] = [];
  if (limits.workloads !== undefined && has === undefined && others.length >= limits.workloads)
    problems.push(`${where} has room for ${limits.workloads} workloads, and ${others.length === 1 ? "1 is" : `${others.length} are`} there`);
  for (const resource of countedResources) {
    const limit = limits[resource];
    const wanted = wish.pods.requests[resource];
    if (limit === undefined || (has !== undefined && compareQuantities(wanted, has[resource]) <= 0)) continue;
    const taken = others.reduce((sum, other) => addQuantities(sum, other[resource]), nothing);
    if (compareQuantities(addQuantities(taken, wanted), parseQuantity(limit)) > 0)
      problems.push(`${where} has ${limit} of ${resource}: ${formatQuantity(wanted)} is asked for, and ${formatQuantity(taken)} is taken by others`);
  }
  return problems;
}
