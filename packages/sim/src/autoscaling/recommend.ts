import type { StoredObject } from "@threeport/resource";
import type { SimCluster } from "../cluster.ts";
import { fieldsOf, isActive, isReady, numberOf, podKind, type Fields } from "../controllers/owned.ts";
import { amountsOf, containersIn } from "../nodes/amounts.ts";

/** How many replicas the CPU of the pods asks for, or why that cannot be said. */
export type Recommendation = { readonly replicas: number; readonly metric: string; readonly current: Fields } | { readonly failure: string };

/** Changes by less than a tenth are none. */
const tolerance = 0.1;

export async function recommend(
  cluster: SimCluster,
  target: StoredObject,
  { metrics, replicas }: { readonly metrics: readonly Fields[]; readonly replicas: number },
): Promise<Recommendation> {
  const [metric] = metrics;
  const resource = fieldsOf(metric?.["resource"]);
  const goal = fieldsOf(resource["target"]);
  const kind = goal["averageValue"] === undefined ? "utilization" : "usage";
  const fail = (why: string): Recommendation => ({ failure: `failed to get ${String(resource["name"] ?? "cpu")} ${kind}: ${why}` });
  if (metric?.["type"] !== "Resource" || resource["name"] !== "cpu" || !cluster.usage.known)
    return fail(
      `unable to get metrics for resource ${String(resource["name"])}: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)`,
    );
  const labels = Object.entries(fieldsOf(fieldsOf(fieldsOf(target["spec"])["selector"])["matchLabels"]));
  const all = await cluster.objects.list(podKind, { namespace: target.metadata.namespace ?? "" });
  const pods = all.filter((pod) => isActive(pod) && labels.every(([key, value]) => pod.metadata.labels?.[key] === value));
  const measured = pods.filter((pod) => isReady(pod) && cluster.usage.cpuOf(pod) !== undefined);
  if (pods.length === 0) return fail("no pods returned by selector while calculating replica count");
  if (measured.length === 0) return fail("did not receive metrics for targeted pods (pods might be unready)");
  const used = sum(measured, (pod) => (cluster.usage.cpuOf(pod) ?? 0) * containersOf(pod).length);
  const averageValue = `${Math.floor(used / measured.length)}m`;
  const current = (more: Fields): Fields => ({ type: "Resource", resource: { name: "cpu", current: { ...more, averageValue } } });
  if (kind === "usage") {
    const wanted = amountsOf({ cpu: goal["averageValue"] }).get("cpu") ?? 1;
    const ratio = used / measured.length / wanted;
    return { replicas: bySize(ratio, { replicas, pods: measured.length }), metric: "cpu resource", current: current({}) };
  }
  const silent = pods.flatMap((pod) => containersOf(pod).map((container) => ({ pod, container }))).find(({ container }) => requestOf(container) === undefined);
  if (silent !== undefined) return fail(`missing request for cpu in container ${String(silent.container["name"])} of Pod ${silent.pod.metadata.name}`);
  const requested = (of: readonly StoredObject[]): number => sum(of, (pod) => sum(containersOf(pod), (container) => requestOf(container) ?? 0));
  const goalPercent = numberOf(goal["averageUtilization"], 80);
  const percent = Math.floor((used * 100) / requested(measured));
  const ratio = percent / goalPercent;
  // On the way up, pods that are not ready yet count as idle: they are what was asked for a moment ago.
  const counted = ratio > 1 && measured.length < pods.length ? pods : measured;
  const cautious = Math.floor((used * 100) / requested(counted)) / goalPercent;
  const turned = ratio > 1 && cautious < 1;
  return {
    replicas: turned ? replicas : bySize(cautious, { replicas, pods: counted.length }),
    metric: "cpu resource utilization (percentage of request)",
    current: current({ averageUtilization: percent }),
  };
}

function bySize(ratio: number, { replicas, pods }: { readonly replicas: number; readonly pods: number }): number {
  return Math.abs(ratio - 1) <= tolerance ? replicas : Math.ceil(ratio * pods);
}

function containersOf(pod: StoredObject): readonly Fields[] {
  return containersIn(fieldsOf(pod["spec"]), "containers");
}

function requestOf(container: Fields): number | undefined {
  return amountsOf(fieldsOf(container["resources"])["requests"]).get("cpu");
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
