// What the pods of a workload ask for, added up as the scheduler of Kubernetes does it for one pod, times how often it runs.
import { countedResources, type CountedResource, podSpecOf, podTemplateOf } from "@threeport/module-environment";
import { addQuantities, compareQuantities, parseQuantity, type KubeObject, type Quantity, fields, items } from "@threeport/resource";
import { replicasOf } from "../render.ts";

/** CPU in cores and memory in bytes, of all pods of a workload. */
export type Requests = Readonly<Record<CountedResource, Quantity>>;

export interface PodRequests {
  readonly requests: Requests;
  /** Containers that do not say how much of something they want, as `web of Deployment web`. */
  readonly unsaid: Readonly<Record<CountedResource, readonly string[]>>;
}

export const nothing: Quantity = { nanos: 0n, format: "DecimalSI" };

/**
 * Adds up the requests of documents as they go to a cluster. Pods that come beside them for a while during a rolling update are not counted, a DaemonSet
 * counts as one pod, since nobody knows how many nodes there will be, and what a HorizontalPodAutoscaler looks after counts with its largest number.
 */
export function requestsOf(objects: readonly KubeObject[]): PodRequests {
  let [cpu, memory] = [nothing, nothing];
  const unsaid: Record<CountedResource, string[]> = { cpu: [], memory: [] };
  for (const object of objects) {
    const template = podTemplateOf(object);
    if (template === undefined) continue;
    const times = Math.max(timesOf(object), ...largestOf(object, objects));
    const one = requestsOfPod(podSpecOf(template));
    cpu = addQuantities(cpu, multiply(one.requests.cpu, times));
    memory = addQuantities(memory, multiply(one.requests.memory, times));
    if (times === 0) continue;
    for (const resource of countedResources) unsaid[resource].push(...one.unsaid[resource].map((name) => `${name} of ${object.kind} ${object.metadata.name}`));
  }
  return { requests: { cpu, memory }, unsaid };
}

function timesOf(object: KubeObject): number {
  const spec = fields(object["spec"]);
  if (object.kind === "Pod" || object.kind === "DaemonSet") return 1;
  if (object.kind === "Job") return numberOr(spec["parallelism"], 1);
  if (object.kind === "CronJob") return numberOr(fields(fields(spec["jobTemplate"])["spec"])["parallelism"], 1);
  return replicasOf(object);
}

/** The largest number of whoever scales it. */
function largestOf(object: KubeObject, objects: readonly KubeObject[]): number[] {
  return objects.flatMap((each) => {
    const spec = fields(each["spec"]);
    const target = fields(spec["scaleTargetRef"]);
    const scales = each.kind === "HorizontalPodAutoscaler" && target["kind"] === object.kind && target["name"] === object.metadata.name;
    return scales ? [numberOr(spec["maxReplicas"], 0)] : [];
  });
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}

/**
 * One pod: its containers and those init containers that go on running, together; or the init container that wants most, with what runs beside it.
 * Source: Kubernetes, "Sidecar containers", resource sharing within containers.
 */
function requestsOfPod(spec: Readonly<Record<string, unknown>>): PodRequests {
  const unsaid: Record<CountedResource, string[]> = { cpu: [], memory: [] };
  const wanted = (resource: CountedResource): Quantity => {
    const read = (container: unknown): Quantity => {
      const { name, resources } = fields(container);
      const said = fields(fields(resources)["requests"])[resource] ?? fields(fields(resources)["limits"])[resource];
      if (said === undefined) unsaid[resource].push(String(name));
      return said === undefined ? nothing : quantityOf(said);
    };
    let beside = nothing;
    let most = nothing;
    for (const container of items(spec["initContainers"])) {
      const one = read(container);
      if (fields(container)["restartPolicy"] === "Always") beside = addQuantities(beside, one);
      else most = larger(most, addQuantities(beside, one));
    }
    let together = beside;
    for (const container of items(spec["containers"])) together = addQuantities(together, read(container));
    const overhead = fields(spec["overhead"])[resource];
    return addQuantities(larger(most, together), overhead === undefined ? nothing : quantityOf(overhead));
  };
  return { requests: { cpu: wanted("cpu"), memory: wanted("memory") }, unsaid };
}

/** What is no quantity is refused by the cluster, which says so; nobody counts it. */
function quantityOf(value: unknown): Quantity {
  try {
    return parseQuantity(value as string | number);
  } catch {
    return nothing;
  }
}

export function larger(a: Quantity, b: Quantity): Quantity {
  return compareQuantities(a, b) >= 0 ? a : b;
}

function multiply({ nanos, format }: Quantity, times: number): Quantity {
  return { nanos: nanos * BigInt(Math.max(0, Math.trunc(times))), format };
}
