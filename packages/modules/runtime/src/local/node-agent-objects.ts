import { nodeAgentUser } from "./cluster-pki.ts";
import type { PlacedObject } from "./coredns.ts";
import { provisioner } from "./node-agent/volumes.ts";

const storageClassName = "local";
const role = nodeAgentUser;
const rbac = "/apis/rbac.authorization.k8s.io/v1";
const rbacVersion = "rbac.authorization.k8s.io/v1";

/** What the node's agent needs in the cluster: its rights, and the class by which claims reach it. */
export function nodeAgentObjects(): PlacedObject[] {
  return [
    {
      path: `/apis/storage.k8s.io/v1/storageclasses/${storageClassName}`,
      object: {
        apiVersion: "storage.k8s.io/v1",
        kind: "StorageClass",
        metadata: { name: storageClassName, annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
        provisioner,
        reclaimPolicy: "Delete",
        volumeBindingMode: "WaitForFirstConsumer",
      },
    },
    {
      path: `${rbac}/clusterroles/${role}`,
      object: {
        apiVersion: rbacVersion,
        kind: "ClusterRole",
        metadata: { name: role },
        rules: [
          { apiGroups: [""], resources: ["persistentvolumes"], verbs: ["list", "watch", "create", "patch", "delete"] },
          { apiGroups: [""], resources: ["persistentvolumeclaims", "services"], verbs: ["list", "watch"] },
          { apiGroups: [""], resources: ["services/status"], verbs: ["patch"] },
          { apiGroups: ["storage.k8s.io"], resources: ["storageclasses"], verbs: ["get"] },
          { apiGroups: [""], resources: ["events"], verbs: ["create"] },
        ],
      },
    },
    {
      path: `${rbac}/clusterrolebindings/${role}`,
      object: {
        apiVersion: rbacVersion,
        kind: "ClusterRoleBinding",
        metadata: { name: role },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
        subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: nodeAgentUser }],
      },
    },
  ];
}
