/**
 * Resource metrics of pods and nodes by metrics-server, for autoscalers and `kubectl top`. What it needs of a cluster is as its project says
 * (kubernetes-sigs/metrics-server, manifests); it stands in a namespace of its own.
 */
const name = "metrics-server";
const namespace = "metrics-server";
const labels = { "app.kubernetes.io/name": name };
const port = 10_250;
const rbac = "rbac.authorization.k8s.io/v1";
const account = { kind: "ServiceAccount", name, namespace };

function bindingTo(role: string, own: string): object {
  return {
    apiVersion: rbac,
    kind: "ClusterRoleBinding",
    metadata: { name: own, labels },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
    subjects: [account],
  };
}

export const metricsServer = {
  name: "metrics-server",
  spec: {
    service: "metrics",
    version: "0.8.0",
    priority: -100,
    objects: [
      { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels } },
      { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace, labels } },
      {
        apiVersion: rbac,
        kind: "ClusterRole",
        metadata: {
          name: "system:aggregated-metrics-reader",
          labels: {
            ...labels,
            "rbac.authorization.k8s.io/aggregate-to-view": "true",
            "rbac.authorization.k8s.io/aggregate-to-edit": "true",
            "rbac.authorization.k8s.io/aggregate-to-admin": "true",
          },
        },
        rules: [{ apiGroups: ["metrics.k8s.io"], resources: ["pods", "nodes"], verbs: ["get", "list", "watch"] }],
      },
      {
        apiVersion: rbac,
        kind: "ClusterRole",
        metadata: { name: "system:metrics-server", labels },
        rules: [
          { apiGroups: [""], resources: ["nodes/metrics"], verbs: ["get"] },
          { apiGroups: [""], resources: ["pods", "nodes"], verbs: ["get", "list", "watch"] },
        ],
      },
      bindingTo("system:metrics-server", "system:metrics-server"),
      bindingTo("system:auth-delegator", "metrics-server:system:auth-delegator"),
      {
        apiVersion: rbac,
        kind: "RoleBinding",
        metadata: { name: "metrics-server-auth-reader", namespace: "kube-system", labels },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "extension-apiserver-authentication-reader" },
        subjects: [account],
      },
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name, namespace, labels },
        spec: { selector: labels, ports: [{ name: "https", port: 443, targetPort: "https", appProtocol: "https" }] },
      },
      {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name, namespace, labels },
        spec: {
          selector: { matchLabels: labels },
          strategy: { rollingUpdate: { maxUnavailable: 0 } },
          template: {
            metadata: { labels },
            spec: {
              serviceAccountName: name,
              priorityClassName: "system-cluster-critical",
              nodeSelector: { "kubernetes.io/os": "linux" },
              containers: [
                {
                  name,
                  image: "registry.k8s.io/metrics-server/metrics-server:v0.8.0",
                  args: [
                    "--cert-dir=/tmp",
                    `--secure-port=${port}`,
                    "--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
                    "--kubelet-use-node-status-port",
                    "--metric-resolution=15s",
                    // Kubelets of clusters by kubeadm, which kind uses, sign their certificates themselves; those of a local one are signed by its authority.
                    "${provider == 'local' ? optional.of('--kubelet-certificate-authority=/var/run/secrets/kubernetes.io/serviceaccount/ca.crt') : provider == 'kind' ? optional.of('--kubelet-insecure-tls') : optional.none()}",
                  ],
                  ports: [{ name: "https", containerPort: port }],
                  resources: { requests: { cpu: "100m", memory: "200Mi" }, limits: { memory: "400Mi" } },
                  readinessProbe: { httpGet: { path: "/readyz", port: "https", scheme: "HTTPS" }, periodSeconds: 5, initialDelaySeconds: 15 },
                  livenessProbe: { httpGet: { path: "/livez", port: "https", scheme: "HTTPS" }, periodSeconds: 10 },
                  securityContext: {
                    readOnlyRootFilesystem: true,
                    runAsNonRoot: true,
                    runAsUser: 1000,
                    allowPrivilegeEscalation: false,
                    seccompProfile: { type: "RuntimeDefault" },
                    capabilities: { drop: ["ALL"] },
                  },
                  volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
                },
              ],
              volumes: [{ name: "tmp", emptyDir: {} }],
            },
          },
        },
      },
      {
        apiVersion: "apiregistration.k8s.io/v1",
        kind: "APIService",
        metadata: { name: "v1beta1.metrics.k8s.io", labels },
        spec: {
          service: { name, namespace },
          group: "metrics.k8s.io",
          version: "v1beta1",
          insecureSkipTLSVerify: true,
          groupPriorityMinimum: 100,
          versionPriority: 100,
        },
      },
    ],
    existing: {
      apiVersion: "apiregistration.k8s.io/v1",
      kind: "APIService",
      when: "${found.metadata.name == 'v1beta1.metrics.k8s.io'}",
    },
    gracePeriodSeconds: 600,
  },
} as const;
