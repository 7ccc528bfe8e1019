import type { KubeObject, StoredObject } from "@threeport/resource";
import { isErrorCode } from "@threeport/resource";
import type { World } from "../world.ts";

/** A story that a control plane must bring to the same end, whatever happens to it meanwhile. Its steps are what people do. */
export interface Scenario {
  readonly name: string;
  readonly says: string;
  /** People may go on with the next step at any time: its end does not tell whether they waited, by the numbers of releases for example. */
  readonly hasty?: boolean;
  /** Before anything may happen: clusters, runtimes, environments. */
  prepare(world: World): Promise<void>;
  readonly steps: readonly Step[];
}

export interface Step {
  readonly says: string;
  act(world: World): Promise<void>;
  /** Something outside is broken after it: keys may fail, and no rest is waited for. */
  readonly troubled?: boolean;
  /** Whether the control plane has come to where this step leads. */
  reached(world: World): Promise<boolean>;
}

const apiVersion = "threeport.io/v1alpha1";
export const project = "default";

export type OurKind =
  | "KubernetesRuntimeInstance"
  | "Environment"
  | "WorkloadDefinition"
  | "WorkloadInstance"
  | "Release"
  | "ResourceSet"
  | "Dependency"
  | "DependencyClaim"
  | "DependencyProfile"
  | "SupportServiceDefinition"
  | "SupportServiceInstance";
const clusterScoped = new Set<OurKind>(["KubernetesRuntimeInstance", "Environment", "DependencyProfile", "SupportServiceDefinition", "SupportServiceInstance"]);

export function target(kind: OurKind, name: string) {
  return { apiVersion, kind, name, ...(clusterScoped.has(kind) ? {} : { namespace: project }) };
}

export function ours(kind: OurKind, name: string, spec: object): KubeObject {
  return { apiVersion, kind, metadata: { name, ...(clusterScoped.has(kind) ? {} : { namespace: project }) }, spec } as KubeObject;
}

type Loose = StoredObject & {
  spec: Record<string, unknown>;
  status?: Record<string, unknown> & { conditions?: { type: string; status: string; reason: string; observedGeneration?: number }[] };
};

export async function read(world: World, kind: OurKind, name: string): Promise<Loose | undefined> {
  return world.user.get<Loose>(target(kind, name));
}

/** Reads, changes and writes; again when somebody wrote in between. */
export async function change(world: World, kind: OurKind, name: string, edit: (object: Loose) => void): Promise<void> {
  for (;;) {
    const object = await read(world, kind, name);
    if (object === undefined) throw new Error(`${kind} ${name} is not there`);
    const draft = structuredClone(object);
    edit(draft);
    try {
      await world.user.commit(object, draft);
      return;
    } catch (error) {
      if (!isErrorCode(error, "TP_VERSION_CONFLICT")) throw error;
    }
  }
}

/** Ready of its newest generation. */
export async function isReady(world: World, kind: OurKind, name: string): Promise<boolean> {
  const object = await read(world, kind, name);
  const ready = object?.status?.conditions?.find(({ type }) => type === "Ready");
  return ready?.status === "True" && ready.observedGeneration === object?.metadata.generation;
}

export async function isGone(world: World, kind: OurKind, name: string): Promise<boolean> {
  return (await read(world, kind, name)) === undefined;
}

/** A runtime of the cluster `name`, and its environment `dev` or as it is called. */
export async function addRuntime(world: World, name: string, environment = "dev"): Promise<void> {
  const cluster = await world.addCluster(name);
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: `kubeconfig-${name}`, namespace: project } };
  await world.user.create({ ...secret, data: { kubeconfig: Buffer.from(cluster.kubeconfig).toString("base64") } } as KubeObject);
  await world.user.create(
    ours("KubernetesRuntimeInstance", name, { provider: "kubeconfig", kubeconfig: { secretRef: { namespace: project, name: secret.metadata.name } } }),
  );
  await world.user.create(ours("Environment", environment, { runtime: name, variables: { LEVEL: "info" } }));
  await world.reach(
    `runtime ${name}`,
    async () => (await isReady(world, "KubernetesRuntimeInstance", name)) && (await isReady(world, "Environment", environment)),
  );
}

/** An object in the cluster, as it stands there. */
export async function inCluster(world: World, cluster: string, given: { apiVersion: string; kind: string; namespace?: string; name: string }) {
  return world.simulation.clusters.get(cluster)?.objects.get<Loose>(given);
}

/** Healthy, and its Deployment in the namespace of the environment has that image. */
export async function runs(world: World, name: string, image: string, namespace = "default-dev"): Promise<boolean> {
  const deployment = await inCluster(world, "one", { apiVersion: "apps/v1", kind: "Deployment", namespace, name });
  return JSON.stringify(deployment ?? {}).includes(`"image":"${image}"`) && (await isReady(world, "WorkloadInstance", name));
}

/** Creates the definition of a workload and its deployment into `dev`. */
export async function deploy({ user }: World, name: string, source: object, spec: object = {}): Promise<void> {
  await user.create(ours("WorkloadDefinition", name, { source }));
  await user.create(ours("WorkloadInstance", name, { definition: name, environment: "dev", ...spec }));
}

export async function setSource(world: World, name: string, source: object): Promise<void> {
  await change(world, "WorkloadDefinition", name, (object) => void (object.spec["source"] = source));
}

/** Nothing of the project's namespace is left in the cluster. */
export async function isEmptied(world: World, cluster: string, namespace: string): Promise<boolean> {
  return (await inCluster(world, cluster, { apiVersion: "v1", kind: "Namespace", name: namespace })) === undefined;
}

/** One step of reading and changing an object in a cluster, as its administrator would. */
export async function editInCluster(
  world: World,
  cluster: string,
  given: { apiVersion: string; kind: string; namespace: string; name: string },
  edit: (object: Loose) => void,
) {
  const objects = world.simulation.clusters.get(cluster)?.objects;
  const found = await objects?.get<Loose>(given);
  if (objects === undefined || found === undefined) throw new Error(`${given.kind} ${given.name} is not in cluster ${cluster}`);
  const draft = structuredClone(found);
  edit(draft);
  await objects.commit(found, draft);
}
