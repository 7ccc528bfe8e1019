// What objects count for in a ResourceQuota, by the names that quotas use.
import { addQuantities, parseQuantity, type KubeObject, type Quantity } from "@threeport/resource";
import { fieldsOf, type Fields } from "../controllers/owned.ts";
import { containersIn } from "../nodes/amounts.ts";

export type Usage = ReadonlyMap<string, Quantity>;

const one = parseQuantity(1);
/** Kinds whose number has a name of its own beside `count/…`. */
const ownName: ReadonlySet<string> = new Set([
  "pods",
  "services",
  "configmaps",
  "secrets",
  "persistentvolumeclaims",
  "replicationcontrollers",
  "resourcequotas",
]);
/** What each container of a pod must say where a quota names it: an old mistake that upstream keeps. */
const demanded: ReadonlySet<string> = new Set(["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"]);

/** The kind, as the store names it, whose objects count for a name of a quota. */
export function resourceOf(name: string): string {
  if (name.startsWith("count/")) return name.slice("count/".length);
  if (name.startsWith("services")) return "services";
  if (name === "requests.storage" || name.endsWith(".storageclass.storage.k8s.io/requests.storage")) return "persistentvolumeclaims";
  return ownName.has(name) ? name : "pods";
}

export function usageOf(resource: string, object: KubeObject): Usage {
  const usage = new Map<string, Quantity>([[`count/${resource}`, one]]);
  switch (resource) {
    case "pods":
      return ended(object) ? usage : new Map([...usage, ["pods", one], ...podUsage(fieldsOf(object["spec"]))]);
    case "services": {
      const type = fieldsOf(object["spec"])["type"];
      usage.set("services", one);
      if (type === "LoadBalancer") usage.set("services.loadbalancers", one);
      if (type !== "ClusterIP" && type !== "ExternalName")
        usage.set("services.nodeports", parseQuantity(((fieldsOf(object["spec"])["ports"] as unknown[] | undefined) ?? []).length));
      return usage;
    }
    case "persistentvolumeclaims": {
      const spec = fieldsOf(object["spec"]);
      const storage = fieldsOf(fieldsOf(spec["resources"])["requests"])["storage"];
      usage.set("persistentvolumeclaims", one);
      if (storage === undefined) return usage;
      usage.set("requests.storage", parseQuantity(storage as string));
      if (typeof spec["storageClassName"] === "string")
        usage.set(`${spec["storageClassName"]}.storageclass.storage.k8s.io/requests.storage`, parseQuantity(storage as string));
      return usage;
    }
    default:
      return ownName.has(resource) ? usage.set(resource, one) : usage;
  }
}

export function sumOf(usages: readonly Usage[]): Usage {
  const total = new Map<string, Quantity>();
  for (const usage of usages) for (const [name, quantity] of usage) total.set(name, plus(total.get(name), quantity));
  return total;
}

/** In upstream's words, what containers leave out although the quota names it; undefined when nothing. */
export function unsaid(pod: KubeObject, hard: readonly string[]): string | undefined {
  const spec = fieldsOf(pod["spec"]);
  const containers = [...containersIn(spec, "containers"), ...containersIn(spec, "initContainers")];
  const lines = hard
    .filter((name) => demanded.has(name))
    .toSorted()
    .flatMap((name) => {
      const silent = containers.filter((container) => !containerUsage(container).has(name)).map((container) => String(container["name"]));
      return silent.length === 0 ? [] : [`${name} for: ${silent.toSorted().join(",")}`];
    });
  return lines.length === 0 ? undefined : `must specify ${lines.join("; ")}`;
}

/** Whether a quota that says scopes is about the pod. */
export function inScope(quota: KubeObject, pod: KubeObject): boolean {
  const scopes = (fieldsOf(quota["spec"])["scopes"] as readonly string[] | undefined) ?? [];
  const spec = fieldsOf(pod["spec"]);
  const limited = spec["activeDeadlineSeconds"] !== undefined;
  const saysNothing = [...containersIn(spec, "containers"), ...containersIn(spec, "initContainers")].every((container) => containerUsage(container).size === 0);
  return scopes.every((scope) => ({ Terminating: limited, NotTerminating: !limited, BestEffort: saysNothing, NotBestEffort: !saysNothing })[scope] ?? true);
}

function podUsage(spec: Fields): Usage {
  const together = new Map(sumOf(containersIn(spec, "containers").map(containerUsage)));
  for (const container of containersIn(spec, "initContainers"))
    for (const [name, quantity] of containerUsage(container)) {
      const known = together.get(name);
      if (known === undefined || known.nanos < quantity.nanos) together.set(name, quantity);
    }
  return together;
}

function containerUsage(container: Fields): Usage {
  const { requests, limits } = fieldsOf(container["resources"]);
  const usage = new Map<string, Quantity>();
  for (const [name, amount] of Object.entries(fieldsOf(requests))) {
    const quantity = parseQuantity(amount as string);
    usage.set(`requests.${name}`, quantity);
    if (["cpu", "memory", "ephemeral-storage"].includes(name)) usage.set(name, quantity);
  }
  for (const [name, amount] of Object.entries(fieldsOf(limits))) usage.set(`limits.${name}`, parseQuantity(amount as string));
  return usage;
}

/** Pods that ended count as objects only. */
function ended(pod: KubeObject): boolean {
  const phase = fieldsOf(pod["status"])["phase"];
  return phase === "Succeeded" || phase === "Failed";
}

function plus(a: Quantity | undefined, b: Quantity): Quantity {
  return a === undefined ? b : addQuantities(a, b);
}
