// Dependencies in the tree of a deployment, and on the way to what caused its state.
import { causeChain, type CauseStep, type TreeNode } from "@threeport/cluster";
import { isReadyNow } from "@threeport/engine";
import { dependencyClaimKind, dependencyKind, type Dependency, type DependencyClaim } from "@threeport/module-dependency";
import { supportServiceInstanceKind, systemNamespace, type SupportServiceInstance } from "@threeport/module-support";
import { PlatformError } from "@threeport/resource";
import { entriesOf, nodeOf, readSet, setNode, stepOfObject, type InsightOptions } from "./insight.ts";

/** A dependency requires others, which may require others; more than any profile nests. */
const depthMax = 8;

async function dependencyOf(options: InsightOptions, namespace: string, claimName: string): Promise<{ claim?: DependencyClaim; dependency?: Dependency }> {
  const { objects } = options;
  const claim = await objects.get<DependencyClaim>({ apiVersion: dependencyClaimKind.apiVersion, kind: dependencyClaimKind.kind, namespace, name: claimName });
  const name = claim?.spec.dependency;
  const dependency =
    name === undefined ? undefined : await objects.get<Dependency>({ apiVersion: dependencyKind.apiVersion, kind: dependencyKind.kind, namespace, name });
  return { ...(claim === undefined ? {} : { claim }), ...(dependency === undefined ? {} : { dependency }) };
}

/** What meets these claims, with what it requires and what was made for it. */
export async function dependencyNodes(options: InsightOptions, namespace: string, claims: readonly string[], depth = 0): Promise<TreeNode[]> {
  if (depth > depthMax) return [];
  const nodes = await Promise.all(
    claims.map(async (claimName): Promise<TreeNode[]> => {
      const { claim, dependency } = await dependencyOf(options, namespace, claimName);
      if (dependency === undefined) return claim === undefined ? [] : [{ ...nodeOf(claim), children: [] }];
      return [await dependencyNode(options, dependency, depth)];
    }),
  );
  return nodes.flat();
}

async function dependencyNode(options: InsightOptions, dependency: Dependency, depth: number): Promise<TreeNode> {
  const { namespace = "" } = dependency.metadata;
  const { required = [], resourceSet } = dependency.status ?? {};
  const set = resourceSet === undefined ? undefined : await readSet(options, { namespace, name: resourceSet });
  const children = [
    ...(await dependencyNodes(options, namespace, required, depth + 1)),
    ...(await serviceNodes(options, dependency)),
    ...(set === undefined ? [] : [await setNode(options, set)]),
  ];
  return { ...nodeOf(dependency), children };
}

/** A dependency, what it requires, the support services that it uses, and what was made for it. */
export async function dependencyTree(options: InsightOptions, name: { readonly namespace: string; readonly name: string }): Promise<{ root: TreeNode }> {
  const dependency = await options.objects.get<Dependency>({ apiVersion: dependencyKind.apiVersion, kind: dependencyKind.kind, ...name });
  if (dependency === undefined) throw new PlatformError("TP_NOT_FOUND", { message: `dependencies.threeport.io "${name.name}" not found` });
  return { root: await dependencyNode(options, dependency, 0) };
}

/** From the first claim that is not met down to what keeps it so; empty when all are. */
export async function dependencySteps(options: InsightOptions, namespace: string, claims: readonly string[], depth = 0): Promise<CauseStep[]> {
  for (const claimName of depth > depthMax ? [] : claims) {
    const { claim, dependency } = await dependencyOf(options, namespace, claimName);
    if (claim === undefined || isReadyNow(claim)) continue;
    const first = stepOfObject(claim);
    // Ready for others, and not for this one: it is the claim itself that says why.
    if (dependency === undefined || isReadyNow(dependency)) return [first];
    const steps = [first, stepOfObject(dependency)];
    const { required = [], resourceSet } = dependency.status ?? {};
    const deeper = await dependencySteps(options, namespace, required, depth + 1);
    if (deeper.length > 0) return [...steps, ...deeper];
    const service = (await servicesOf(options, dependency)).find((each) => !isReadyNow(each));
    if (service !== undefined)
      return [...steps, stepOfObject(service), ...(await setSteps(options, { namespace: systemNamespace, name: service.status?.resourceSet }))];
    return [...steps, ...(await setSteps(options, { namespace, name: resourceSet }))];
  }
  return [];
}

/** From a set that is not well down to the object that keeps it so. */
async function setSteps(options: InsightOptions, { namespace, name }: { readonly namespace: string; readonly name: string | undefined }): Promise<CauseStep[]> {
  const set = name === undefined ? undefined : await readSet(options, { namespace, name });
  if (set === undefined || isReadyNow(set)) return [];
  const [entries, cluster] = await Promise.all([entriesOf(options, set), options.cluster(set.spec.runtime)]);
  return [stepOfObject(set), ...causeChain(entries, cluster, options.nowMs())];
}

async function servicesOf({ objects }: InsightOptions, { status }: Dependency): Promise<SupportServiceInstance[]> {
  const { apiVersion, kind } = supportServiceInstanceKind;
  const found = await Promise.all((status?.services ?? []).map(({ instance }) => objects.get<SupportServiceInstance>({ apiVersion, kind, name: instance })));
  return found.filter((each) => each !== undefined);
}

/** What a service consists of is everybody's, and no part of the workload; `why` walks into it. */
async function serviceNodes(options: InsightOptions, dependency: Dependency): Promise<TreeNode[]> {
  return (await servicesOf(options, dependency)).map((service) => ({ ...nodeOf(service), children: [] }));
}
