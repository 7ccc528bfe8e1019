import { parseApiVersion } from "@threeport/resource";
import { awaited, existing, generic } from "./generic.ts";
import { apiService, customResourceDefinition } from "./kinds/api.ts";
import { horizontalPodAutoscaler } from "./kinds/autoscaling.ts";
import { certificate } from "./kinds/certificate.ts";
import { cronJob } from "./kinds/cron-job.ts";
import { crossplane } from "./kinds/crossplane.ts";
import { daemonSet } from "./kinds/daemon-set.ts";
import { deployment } from "./kinds/deployment.ts";
import { podDisruptionBudget } from "./kinds/disruption.ts";
import { gateway, policyAttachment, route } from "./kinds/gateway.ts";
import { job } from "./kinds/job.ts";
import { namespace } from "./kinds/namespace.ts";
import { ingress, service } from "./kinds/network.ts";
import { replicaSet } from "./kinds/replica-set.ts";
import { statefulSet } from "./kinds/stateful-set.ts";
import { persistentVolume, persistentVolumeClaim } from "./kinds/storage.ts";
import { pod } from "./pod/pod.ts";
import type { Rule } from "./scene.ts";
import type { ObjectId } from "./verdict.ts";

/** Rules by `group/kind`; the core group is "". Versions do not matter: the fields that rules read are the same in each. */
const rules: ReadonlyMap<string, Rule> = new Map([
  ["/Namespace", namespace],
  ["/PersistentVolume", persistentVolume],
  ["/PersistentVolumeClaim", persistentVolumeClaim],
  ["/Pod", pod],
  ["/Service", service],
  ["apiextensions.k8s.io/CustomResourceDefinition", customResourceDefinition],
  ["apiregistration.k8s.io/APIService", apiService],
  ["apps/DaemonSet", daemonSet],
  ["apps/Deployment", deployment],
  ["apps/ReplicaSet", replicaSet],
  ["apps/StatefulSet", statefulSet],
  ["autoscaling/HorizontalPodAutoscaler", horizontalPodAutoscaler],
  ["batch/CronJob", cronJob],
  ["batch/Job", job],
  ["cert-manager.io/Certificate", certificate],
  ["cert-manager.io/CertificateRequest", awaited],
  ["cert-manager.io/ClusterIssuer", awaited],
  ["cert-manager.io/Issuer", awaited],
  ["gateway.networking.k8s.io/BackendTLSPolicy", policyAttachment],
  ["gateway.networking.k8s.io/GRPCRoute", route],
  ["gateway.networking.k8s.io/Gateway", gateway],
  ["gateway.networking.k8s.io/GatewayClass", awaited],
  ["gateway.networking.k8s.io/HTTPRoute", route],
  ["gateway.networking.k8s.io/ListenerSet", gateway],
  ["gateway.networking.k8s.io/TCPRoute", route],
  ["gateway.networking.k8s.io/TLSRoute", route],
  ["gateway.networking.k8s.io/UDPRoute", route],
  ["extensions/Ingress", ingress],
  ["networking.k8s.io/Ingress", ingress],
  ["policy/PodDisruptionBudget", podDisruptionBudget],
]);

/** Groups that the API server itself serves: a kind of theirs without a rule has no controller to wait for. */
const ownGroups: ReadonlySet<string> = new Set([
  "",
  "admissionregistration.k8s.io",
  "apps",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "autoscaling",
  "batch",
  "certificates.k8s.io",
  "coordination.k8s.io",
  "discovery.k8s.io",
  "events.k8s.io",
  "flowcontrol.apiserver.k8s.io",
  "networking.k8s.io",
  "node.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "resource.k8s.io",
  "scheduling.k8s.io",
  "storage.k8s.io",
]);

/** Families of groups: Crossplane and its providers; the controllers of AWS (ACK) and two of Flux, which report on everything. */
const rulesBySuffix: readonly (readonly [string, Rule])[] = [
  [".crossplane.io", crossplane],
  [".upbound.io", crossplane],
  ["helm.toolkit.fluxcd.io", awaited],
  ["kustomize.toolkit.fluxcd.io", awaited],
  [".services.k8s.aws", awaited],
];

export function ruleFor(id: ObjectId): Rule {
  const { group } = parseApiVersion(id.apiVersion);
  const rule = rules.get(`${group}/${id.kind}`);
  if (rule !== undefined) return rule;
  const family = rulesBySuffix.find(([suffix]) => group.endsWith(suffix));
  if (family !== undefined) return family[1];
  return ownGroups.has(group) ? existing : generic;
}
