import { parseApiVersion, type KubeObject } from "@threeport/resource";
import { accessOf, type ConfinedSet } from "./access.ts";

/** Kinds of Kubernetes itself that are not in a namespace, of 1.36; * is every kind of the group. Of other kinds only a cluster can tell. */
const clusterWide: ReadonlySet<string> = new Set([
  "/Namespace",
  "/Node",
  "/PersistentVolume",
  "admissionregistration.k8s.io/*",
  "apiextensions.k8s.io/*",
  "apiregistration.k8s.io/*",
  "certificates.k8s.io/CertificateSigningRequest",
  "certificates.k8s.io/ClusterTrustBundle",
  "flowcontrol.apiserver.k8s.io/*",
  "networking.k8s.io/IngressClass",
  "networking.k8s.io/IPAddress",
  "networking.k8s.io/ServiceCIDR",
  "node.k8s.io/RuntimeClass",
  "rbac.authorization.k8s.io/ClusterRole",
  "rbac.authorization.k8s.io/ClusterRoleBinding",
  "resource.k8s.io/DeviceClass",
  "resource.k8s.io/ResourceSlice",
  "scheduling.k8s.io/PriorityClass",
  "storage.k8s.io/CSIDriver",
  "storage.k8s.io/CSINode",
  "storage.k8s.io/StorageClass",
  "storage.k8s.io/VolumeAttachment",
  "storage.k8s.io/VolumeAttributesClass",
]);

/** A document that would be refused, and why, in the words that its set would have. */
export interface RefusedDocument {
  readonly object: KubeObject;
  readonly message: string;
}

/** What an environment does not allow of documents (P3), as far as they tell without a cluster: what only a cluster knows is refused when it is applied. */
export function refusedDocuments(objects: readonly KubeObject[], place: Pick<ConfinedSet["spec"], "confine" | "targetNamespace">): RefusedDocument[] {
  return objects.flatMap((object) => {
    const { group } = parseApiVersion(object.apiVersion);
    const namespaced = clusterWide.has(`${group}/${object.kind}`) || clusterWide.has(`${group}/*`) ? false : undefined;
    const { refused } = accessOf({ spec: { ...place, runtime: "" } }, { object, namespaced }, true);
    return refused === undefined ? [] : [{ object, message: refused.message }];
  });
}
