import { corednsImageName } from "./base-images.ts";
import type { NetworkPlan } from "./network-plan.ts";

/** An object and the path that it is applied to. */
export interface PlacedObject {
  readonly path: string;
  readonly object: object;
}

const name = "coredns";
const namespace = "kube-system";
const labels = { "k8s-app": "kube-dns" };
export const corednsDeploymentPath = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;

/** Answers for names of the cluster only: pods have no way out of the machine, so there is nobody to forward others to. */
const corefile = `.:53 {
    errors
    health
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        ttl 5
    }
    cache 5
}
`;

/** The cluster's DNS. Names are those of kubeadm, so tools that look for CoreDNS find it. */
export function corednsObjects(plan: NetworkPlan): PlacedObject[] {
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  const core = `/api/v1/namespaces/${namespace}`;
  const rbacVersion = "rbac.authorization.k8s.io/v1";
  const role = "system:coredns";
  return [
    { path: `${core}/serviceaccounts/${name}`, object: { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace } } },
    {
      path: `${rbac}/clusterroles/${role}`,
      object: {
        apiVersion: rbacVersion,
        kind: "ClusterRole",
        metadata: { name: role },
        rules: [
          { apiGroups: [""], resources: ["endpoints", "services", "pods", "namespaces"], verbs: ["list", "watch"] },
          { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
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
        subjects: [{ kind: "ServiceAccount", name, namespace }],
      },
    },
    { path: `${core}/configmaps/${name}`, object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data: { Corefile: corefile } } },
    {
      path: corednsDeploymentPath,
      object: {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name, namespace, labels },
        spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: podSpec } },
      },
    },
    {
      path: `${core}/services/kube-dns`,
      object: {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "kube-dns", namespace, labels },
        spec: {
          clusterIP: plan.dnsIp,
          selector: labels,
          ports: [
            { name: "dns", port: 53, protocol: "UDP" },
            { name: "dns-tcp", port: 53, protocol: "TCP" },
          ],
        },
      },
    },
  ];
}

const podSpec = {
  serviceAccountName: name,
  priorityClassName: "system-cluster-critical",
  dnsPolicy: "Default", // it is the DNS: it must not need itself
  containers: [
    {
      name,
      image: corednsImageName,
      imagePullPolicy: "Never",
      args: ["-conf", "/etc/coredns/Corefile"],
      resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "170Mi" } },
      volumeMounts: [{ name: "config", mountPath: "/etc/coredns" }],
      readinessProbe: { httpGet: { path: "/ready", port: 8181 }, periodSeconds: 1 },
      livenessProbe: { httpGet: { path: "/health", port: 8080 }, initialDelaySeconds: 30 },
    },
  ],
  volumes: [{ name: "config", configMap: { name } }],
};
