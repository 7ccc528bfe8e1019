import { parseApiVersion } from "@threeport/resource";

/** When an object is applied relative to others (design.md C3): namespaces, CRDs, RBAC, config, workloads, the rest. Lower first; removal goes the other way. */
export function rankOf(object: { readonly apiVersion: string; readonly kind: string }): number {
  const { group } = parseApiVersion(object.apiVersion);
  const known = ranks.findIndex((rank) => rank.some((entry) => entry === `${group}/${object.kind}` || (entry === `${group}/*` && group !== "")));
  return known < 0 ? restRank : known;
}

const ranks: readonly (readonly string[])[] = [
  ["/Namespace"],
  [
    "apiextensions.k8s.io/CustomResourceDefinition",
    "scheduling.k8s.io/PriorityClass",
    "storage.k8s.io/StorageClass",
    "networking.k8s.io/IngressClass",
    "node.k8s.io/RuntimeClass",
  ],
  ["/ServiceAccount", "rbac.authorization.k8s.io/Role", "rbac.authorization.k8s.io/ClusterRole", "/LimitRange", "/ResourceQuota"],
  ["rbac.authorization.k8s.io/*"], // bindings: the cluster looks into the role that one binds
  ["/Secret", "/ConfigMap", "/PersistentVolume", "/PersistentVolumeClaim", "/Service", "policy/*", "networking.k8s.io/NetworkPolicy"],
  ["apps/*", "batch/*", "/Pod", "/ReplicationController"],
];
const restRank = ranks.length;

/** What must be usable before anything after it can be applied. */
export const customResourceDefinitionRank = 1;

/** `items` in groups of equal rank, lowest first. */
export function byRank<T>(items: readonly T[], objectOf: (item: T) => { readonly apiVersion: string; readonly kind: string }): T[][] {
  const groups = new Map<number, T[]>();
  for (const item of items) {
    const rank = rankOf(objectOf(item));
    const group = groups.get(rank);
    if (group === undefined) groups.set(rank, [item]);
    else group.push(item);
  }
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
}
