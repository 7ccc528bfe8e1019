/** Deployments that fail, each in one way, and what `tptctl why` says of it. For a cluster that has the image below. */
export interface Failure {
  readonly name: string;
  readonly because: string;
  readonly objects: readonly object[];
  /** The cause that is found: its kind, and words of its sentence. */
  readonly cause: RegExp;
}

const image = "docker.io/library/busybox:local";
const sleeping = { name: "app", image, command: ["sleep", "600"] };

function deployment(name: string, container: object, pod: object = {}): object {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { terminationGracePeriodSeconds: 0, ...pod, containers: [{ ...sleeping, ...container }] } },
    },
  };
}

export const failures: readonly Failure[] = [
  {
    name: "wrong-image",
    because: "the registry of its image cannot be reached",
    objects: [deployment("wrong-image", { image: "registry.invalid/nothing:1" })],
    cause: /^Pod .*image "registry.invalid\/nothing:1" cannot be pulled/,
  },
  {
    name: "crash-loop",
    because: "its program ends with an error",
    objects: [deployment("crash-loop", { command: ["sh", "-c", "echo cannot open /etc/app.conf >&2; exit 3"] })],
    cause: /^Pod .*Container "app" keeps ending: it ended with an error of its own \(exit code 3\)/,
  },
  {
    name: "no-program",
    because: "its command is not in the image",
    objects: [deployment("no-program", { command: ["/no/such/program"] })],
    cause: /^Pod .*the command "\/no\/such\/program" is not in the image/,
  },
  {
    name: "out-of-memory",
    because: "it needs more memory than its limit",
    objects: [deployment("out-of-memory", { command: ["sh", "-c", "x=a; while true; do x=$x$x; done"], resources: { limits: { memory: "16Mi" } } })],
    cause: /^Pod .*killed because it used more memory than its limit/,
  },
  {
    name: "probe",
    because: "nobody answers its readiness probe",
    objects: [deployment("probe", { readinessProbe: { httpGet: { path: "/ready", port: 8080 }, periodSeconds: 1 } })],
    cause: /^Pod .*(?:readiness probe \(GET :8080\/ready\)|has started .* not ready yet)/,
  },
  {
    name: "cpu",
    because: "no node has so much CPU",
    objects: [deployment("cpu", { resources: { requests: { cpu: "500" } } })],
    cause: /^Pod .*No node can take it: 1 of 1 have not enough free cpu/,
  },
  {
    name: "selector",
    because: "no node has the label",
    objects: [deployment("selector", {}, { nodeSelector: { disk: "fast" } })],
    cause: /^Pod .*have not the labels that nodeSelector/,
  },
  {
    name: "config-key",
    because: "a ConfigMap lacks a key",
    objects: [
      deployment("config-key", { env: [{ name: "A", valueFrom: { configMapKeyRef: { name: "settings", key: "absent" } } }] }),
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { present: "x" } },
    ],
    cause: /^Pod .*ConfigMap "settings" in namespace \S+ has no key "absent"/,
  },
  {
    name: "storage-class",
    because: "its claim names a StorageClass that is not there",
    objects: [
      deployment("storage-class", {}, { volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data" } }] }),
      {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name: "data" },
        spec: { accessModes: ["ReadWriteOnce"], storageClassName: "fast", resources: { requests: { storage: "1Gi" } } },
      },
    ],
    cause: /^Pod .*a PersistentVolumeClaim of it is not bound to a volume\. Check that its StorageClass exists/,
  },
  {
    name: "no-class",
    because: "its claim names no StorageClass, and no volume fits",
    objects: [
      deployment("no-class", {}, { volumes: [{ name: "data", persistentVolumeClaim: { claimName: "unclassed" } }] }),
      {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name: "unclassed" },
        spec: { accessModes: ["ReadWriteOnce"], storageClassName: "", resources: { requests: { storage: "1Gi" } } },
      },
    ],
    cause: /^(?:Pod|PersistentVolumeClaim) .*(?:not bound to a volume|waits for a volume that fits and is free)/,
  },
  {
    name: "rights",
    because: "it grants more than workloads have",
    objects: [
      {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "Role",
        metadata: { name: "wide" },
        rules: [{ apiGroups: ["example.com"], resources: ["widgets"], verbs: ["*"] }],
      },
    ],
    cause: /^Role .*it grants rights that workloads do not have themselves/,
  },
  {
    name: "no-definition",
    because: "the cluster does not know the kind",
    objects: [{ apiVersion: "example.com/v1", kind: "Widget", metadata: { name: "one" }, spec: {} }],
    cause: /^Widget .*the cluster does not serve Widget in example.com\/v1. Install its CustomResourceDefinition/,
  },
  {
    name: "waits",
    because: "another container has to end first",
    objects: [deployment("waits", {}, { initContainers: [{ name: "wait-for-db", image, command: ["sleep", "600"] }] })],
    cause: /^Pod .*Init container "wait-for-db" runs; the pod's other containers start when it has ended/,
  },
  {
    name: "deadline",
    because: "it ran longer than it may",
    objects: [
      {
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: { name: "deadline" },
        spec: { activeDeadlineSeconds: 1, template: { spec: { restartPolicy: "Never", terminationGracePeriodSeconds: 0, containers: [sleeping] } } },
      },
    ],
    cause: /^Job .*ran longer than activeDeadlineSeconds allows/,
  },
  {
    name: "webhook",
    because: "a webhook of the cluster does not answer",
    objects: [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "webhook", labels: { "example.com/checked": "true" } } }],
    cause: /^ConfigMap .*the admission webhook "down.example.com" did not answer/,
  },
  {
    name: "quota",
    because: "the namespace has a quota",
    objects: [deployment("quota", { resources: { requests: { "example.com/none": "1" }, limits: { "example.com/none": "1" } } })],
    cause: /^ReplicaSet .*quota/,
  },
];

/** Runs, until its only node is reserved for others and it wants another pod. */
export const reserved = {
  apiVersion: "v1",
  name: "taint",
  objects: [deployment("taint", {})],
  cause: /^Pod .*No node can take it: 1 of 1 have a taint that the pod does not tolerate/,
};

/** Runs, and is then asked for what cannot change. */
export const fixed = (command: string): object => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name: "fixed" },
  spec: { template: { spec: { restartPolicy: "Never", terminationGracePeriodSeconds: 0, containers: [{ ...sleeping, command: ["sleep", command] }] } } },
});

/** Breaks the `webhook` failure: nobody listens at its address. */
export const deadWebhook = {
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: "ValidatingWebhookConfiguration",
  metadata: { name: "down" },
  webhooks: [
    {
      name: "down.example.com",
      admissionReviewVersions: ["v1"],
      sideEffects: "None",
      failurePolicy: "Fail",
      timeoutSeconds: 1,
      objectSelector: { matchLabels: { "example.com/checked": "true" } },
      rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["configmaps"] }],
      clientConfig: { url: "https://127.0.0.1:1/" },
    },
  ],
};

/** Breaks the `quota` failure, in the namespace of all of them. */
export const noneLeft = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "none" }, spec: { hard: { "requests.example.com/none": "0" } } };
