import { constant, constantFrom, oneof, option, record, subarray, type Arbitrary } from "fast-check";
import type { JsonObject, KubeObject } from "@threeport/resource";

/** Documents of Kubernetes' built-in kinds as people write them: much left out, some of it said as zero or null. */
export interface GeneratedKind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly spec: Arbitrary<JsonObject>;
}

const some = <T>(value: Arbitrary<T>): Arbitrary<T | undefined> => option(value, { nil: undefined });
const partly = (fields: Record<string, Arbitrary<unknown>>): Arbitrary<JsonObject> =>
  record(Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, some(value)]))).map(
    (found) => JSON.parse(JSON.stringify(found)) as JsonObject,
  );

const labels = { app: "web" };
const probe = oneof(
  partly({ httpGet: constant({ port: 80 }), periodSeconds: constantFrom(0, 5), failureThreshold: constant(2) }).map((found) => ({
    httpGet: { port: "http", path: "/live" },
    ...found,
  })),
  constant({ tcpSocket: { port: 80 } }),
  constant({ exec: { command: ["true"] } }),
);
const container = partly({
  image: constantFrom(
    "example.com/app",
    "example.com/app:1",
    "example.com/app:latest",
    "example.com:5000/app@sha256:0000000000000000000000000000000000000000000000000000000000000000",
  ),
  imagePullPolicy: constantFrom("Always", "Never"),
  command: constantFrom([], ["run"]),
  env: subarray([
    { name: "A", value: "1" },
    { name: "B" },
    { name: "C", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    { name: "D", valueFrom: { secretKeyRef: { name: "s", key: "k", optional: false } } },
  ]),
  ports: subarray([
    { containerPort: 80, name: "http" },
    { containerPort: 53, protocol: "UDP" },
  ]),
  resources: constantFrom({}, { requests: { cpu: "100m" } }, { limits: { cpu: "1", memory: "1Gi" } }),
  livenessProbe: probe,
  readinessProbe: probe,
  // Not the empty one: an apply that takes all of its fields away leaves it behind here, and takes it along there.
  securityContext: constantFrom({ runAsUser: 0 }, { runAsUser: 0, readOnlyRootFilesystem: false }),
  stdin: constantFrom(true, false),
  volumeMounts: constant([{ name: "data", mountPath: "/data", readOnly: false }]),
}).map((found) => ({ name: "main", image: "example.com/app:1", ...found }));

const podSpec = (restartPolicy: Arbitrary<unknown>): Arbitrary<JsonObject> =>
  record({
    container,
    init: some(container),
    rest: partly({
      terminationGracePeriodSeconds: constantFrom(0, 10),
      serviceAccountName: constant("robot"),
      hostNetwork: constantFrom(true, false),
      hostname: constantFrom("", "host"),
      securityContext: constantFrom({}, { fsGroup: 0 }),
      nodeSelector: constantFrom({}, { disk: "ssd" }),
      tolerations: constantFrom([], [{ key: "k", operator: "Exists" }]),
      enableServiceLinks: constantFrom(true, false),
    }),
    source: constantFrom(
      { emptyDir: {} },
      { configMap: { name: "c" } },
      { secret: { secretName: "s" } },
      { persistentVolumeClaim: { claimName: "p" } },
      {
        projected: { sources: [{ configMap: { name: "c" } }] },
      },
    ),
    restartPolicy,
  }).map(({ container: main, init, rest, source, restartPolicy: policy }) => ({
    containers: [main],
    ...(init === undefined ? {} : { initContainers: [{ ...init, name: "first", livenessProbe: undefined, readinessProbe: undefined }] }),
    ...rest,
    ...(rest["hostNetwork"] === true ? { containers: [{ ...main, ports: undefined }] } : {}),
    ...(policy === undefined ? {} : { restartPolicy: policy }),
    volumes: [{ name: "data", ...source }],
  }));

const template = (restartPolicy: Arbitrary<unknown> = constant(undefined)): Arbitrary<JsonObject> =>
  record({ spec: podSpec(restartPolicy), nulls: constantFrom(true, false) }).map(({ spec, nulls }) => ({
    metadata: { labels, ...(nulls ? { creationTimestamp: null } : {}) },
    spec,
  }));

const selector = { matchLabels: labels };
const strategy = (field: string): Arbitrary<JsonObject> =>
  constantFrom<JsonObject>({}, { [field]: {} }, { [field]: { type: "RollingUpdate" } }, { [field]: { type: field === "strategy" ? "Recreate" : "OnDelete" } });
const workload = (fields: Record<string, Arbitrary<unknown>>, strategyField: string): Arbitrary<JsonObject> =>
  record({ fields: partly(fields), template: template(), strategy: strategy(strategyField) }).map((found) => ({
    selector,
    ...found.fields,
    ...found.strategy,
    template: found.template,
  }));

export const generatedKinds: readonly GeneratedKind[] = [
  { apiVersion: "v1", kind: "Pod", plural: "pods", spec: podSpec(constantFrom(undefined, "Never")) },
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    plural: "deployments",
    spec: workload(
      { replicas: constantFrom(0, 2), paused: constantFrom(true, false), minReadySeconds: constantFrom(0, 3), revisionHistoryLimit: constant(0) },
      "strategy",
    ),
  },
  {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    plural: "statefulsets",
    spec: workload({ replicas: constantFrom(0, 2), serviceName: constant("web") }, "updateStrategy"),
  },
  { apiVersion: "apps/v1", kind: "DaemonSet", plural: "daemonsets", spec: workload({ minReadySeconds: constant(3) }, "updateStrategy") },
  {
    apiVersion: "batch/v1",
    kind: "Job",
    plural: "jobs",
    spec: record({
      template: template(constantFrom("Never", "OnFailure")),
      fields: partly({ backoffLimit: constantFrom(0, 3), parallelism: constant(2), suspend: constantFrom(true, false) }),
    }).map((found) => ({ ...found.fields, template: found.template })),
  },
  {
    apiVersion: "batch/v1",
    kind: "CronJob",
    plural: "cronjobs",
    spec: record({
      template: template(constantFrom("Never", "OnFailure")),
      fields: partly({ suspend: constantFrom(true, false), concurrencyPolicy: constant("Forbid") }),
    }).map((found) => ({
      schedule: "0 * * * *",
      ...found.fields,
      jobTemplate: { spec: { template: found.template } },
    })),
  },
  {
    apiVersion: "v1",
    kind: "Service",
    plural: "services",
    spec: partly({
      selector: constantFrom({}, labels),
      type: constantFrom("ClusterIP", "NodePort", "LoadBalancer"),
      publishNotReadyAddresses: constantFrom(true, false),
      ports: constantFrom(
        [{ port: 80 }],
        [
          { port: 80, targetPort: "http", name: "a" },
          { port: 53, protocol: "UDP", name: "b" },
        ],
      ),
    }).map((found) => ({ ports: [{ port: 80 }], ...found })),
  },
  {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    plural: "persistentvolumeclaims",
    spec: partly({ storageClassName: constantFrom("", "fast"), volumeMode: constant("Block") }).map((found) => ({
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: "1Gi" } },
      ...found,
    })),
  },
  {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    plural: "networkpolicies",
    spec: partly({
      // Not the empty list: kube-apiserver counts a generation for it, although it stores the same.
      ingress: constantFrom([{}], [{ from: [{ podSelector: {} }], ports: [{ port: 80 }] }]),
      egress: constantFrom([{}], [{ to: [{ ipBlock: { cidr: "10.0.0.0/8" } }] }]),
    }).map((found) => ({ podSelector: {}, ...found })),
  },
  {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    plural: "ingresses",
    spec: constantFrom<JsonObject>(
      { defaultBackend: { service: { name: "web", port: { number: 80 } } } },
      {
        ingressClassName: "x",
        rules: [{ host: "a.example.com", http: { paths: [{ path: "/", pathType: "Prefix", backend: { service: { name: "web", port: { name: "http" } } } }] } }],
      },
    ),
  },
  {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    plural: "poddisruptionbudgets",
    spec: constantFrom<JsonObject>({ selector, minAvailable: 1 }, { selector, maxUnavailable: "50%" }, { selector, maxUnavailable: 0 }),
  },
  {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    plural: "horizontalpodautoscalers",
    spec: partly({
      minReplicas: constant(2),
      metrics: constant([{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } }]),
    }).map((found) => ({
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
      maxReplicas: 3,
      ...found,
    })),
  },
];

export function documentOf({ apiVersion, kind }: GeneratedKind, name: string, spec: JsonObject): KubeObject {
  return { apiVersion, kind, metadata: { name, namespace: "default" }, spec: JSON.parse(JSON.stringify(spec)) as JsonObject };
}
