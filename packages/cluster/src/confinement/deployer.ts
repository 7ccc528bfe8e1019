import type { KubeObject } from "@threeport/resource";
import { waveAnnotation } from "../marks.ts";

/**
 * Who applies a workload's objects in a cluster (design.md P3): a ServiceAccount of the workload's namespace, as which we act. What it may
 * do is the role `admin` of the cluster, in that namespace alone. Whoever may run pods there may run them as any of its ServiceAccounts,
 * so it must never have more than a workload may anyway.
 */
export const deployerName = "threeport-deployer";
const deployerRole = "admin";

/** The user name that Kubernetes knows the ServiceAccount by. Its groups are added by the API server, which then asks us for the right to act as it, and for no groups. */
export function deployerUser(namespace: string): string {
  return `system:serviceaccount:${namespace}:${deployerName}`;
}

/** What stands in a namespace for its workloads to be applied: not before the namespace is known to be ours. */
export function deployerObjects(namespace: string): KubeObject[] {
  const metadata = { name: deployerName, namespace, annotations: { [waveAnnotation]: "1" } };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata, automountServiceAccountToken: false },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: deployerRole },
      subjects: [{ kind: "ServiceAccount", name: deployerName, namespace }],
    },
  ];
}
