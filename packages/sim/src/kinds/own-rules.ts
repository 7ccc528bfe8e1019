import { createHash } from "node:crypto";
import { deepEqual, type ErrorCause, type KindTraits, type KubeObject } from "@threeport/resource";

type Fields = Record<string, unknown>;
type Rules = Pick<KindTraits, "normalize" | "prepare" | "validate">;

/** What kube-apiserver fills in and refuses beyond the schema of a kind, as far as our product meets it. */
export function ownRules(group: string, kind: string): Rules {
  return table[group === "" ? kind : `${kind}.${group}`] ?? {};
}

const table: Readonly<Record<string, Rules>> = {
  Pod: {
    normalize(pod) {
      const spec = fields(pod, "spec");
      preparePodSpec(spec);
      defaults(spec, { enableServiceLinks: true });
      for (const container of [...list(spec["initContainers"]), ...list(spec["containers"])]) {
        // Of a pod only: a template is taken as it is.
        if (spec["hostNetwork"] === true) for (const port of list(container["ports"])) defaults(port, { hostPort: port["containerPort"] });
        const resources = fields(container, "resources");
        if (resources["limits"] !== undefined) resources["requests"] = { ...(resources["limits"] as object), ...(resources["requests"] as object | undefined) };
      }
    },
    prepare(pod, old) {
      const spec = fields(pod, "spec");
      const account = spec["serviceAccountName"] ?? "default";
      defaults(spec, { serviceAccountName: account, serviceAccount: account, priority: 0, preemptionPolicy: "PreemptLowerPriority" });
      tolerateShortLosses(spec);
      if (old !== undefined) return;
      pod["status"] = { phase: "Pending", qosClass: qosClassOf(spec) };
      if (spec["automountServiceAccountToken"] !== false) mountToken(pod, spec);
    },
    validate: (pod, old) => [
      ...podCauses(fields(pod, "spec"), "spec"),
      ...sameNumber(pod, old, ["containers", "initContainers"]),
      ...onlyMoreTolerations(pod, old),
      ...(sameNumber(pod, old, ["containers", "initContainers"]).length > 0
        ? []
        : fixed(pod, old, (spec) => {
            for (const container of [...list(spec["initContainers"]), ...list(spec["containers"])]) delete container["image"];
            for (const field of ["activeDeadlineSeconds", "tolerations"]) delete spec[field];
            // What the binding of a pod does there: it gets its node once.
            if (old !== undefined && fields(old, "spec")["nodeName"] === undefined) delete spec["nodeName"];
          })),
    ],
  },
  Service: {
    normalize(service) {
      const spec = fields(service, "spec");
      defaults(spec, { type: "ClusterIP", sessionAffinity: "None", internalTrafficPolicy: "Cluster" });
      const external = spec["type"] === "NodePort" || spec["type"] === "LoadBalancer";
      if (external) defaults(spec, { externalTrafficPolicy: "Cluster" });
      if (spec["type"] === "LoadBalancer") defaults(spec, { allocateLoadBalancerNodePorts: true });
      else delete spec["allocateLoadBalancerNodePorts"];
      for (const port of list(spec["ports"])) {
        defaults(port, { protocol: "TCP", targetPort: port["port"] });
      }
    },
    prepare(service, old) {
      const spec = fields(service, "spec");
      const before = old === undefined ? {} : fields(old, "spec");
      if (spec["type"] === "ExternalName") return;
      defaults(spec, { clusterIP: before["clusterIP"] ?? clusterIpOf(service) });
      defaults(spec, { clusterIPs: before["clusterIPs"] ?? [spec["clusterIP"]], ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" });
      if (spec["type"] === "ClusterIP") {
        if (before["type"] === "ClusterIP" || old === undefined) return;
        // What the old type had been given goes with it.
        delete spec["externalTrafficPolicy"];
        for (const port of list(spec["ports"])) delete port["nodePort"];
        return;
      }
      for (const port of list(spec["ports"])) defaults(port, { nodePort: nodePortOf(service, port) });
    },
    validate(service, old) {
      const spec = fields(service, "spec");
      const causes = list(spec["ports"]).length > 0 || spec["clusterIP"] === "None" || spec["type"] === "ExternalName" ? [] : [required("spec.ports")];
      return [...causes, ...(old !== undefined && spec["type"] !== "ExternalName" ? immutable(service, old, ["spec.clusterIP"]) : [])];
    },
  },
  PersistentVolumeClaim: {
    validate: (claim, old) => [
      ...fixed(claim, old, (spec) => {
        for (const field of ["resources", "volumeName", "volumeAttributesClassName"]) delete spec[field];
        // A claim without a class may get one later on.
        if (old !== undefined && fields(old, "spec")["storageClassName"] === undefined) delete spec["storageClassName"];
      }),
      ...(old === undefined ? [] : immutable(claim, old, ["spec.volumeMode"]).map((cause) => ({ ...cause, field: "volumeMode" }))),
    ],
    normalize(claim) {
      defaults(fields(claim, "spec"), { volumeMode: "Filesystem" });
    },
    prepare(claim, old) {
      if (old !== undefined) return;
      claim["status"] = { phase: "Pending" };
      claim.metadata.finalizers = [...new Set([...(claim.metadata.finalizers ?? []), "kubernetes.io/pvc-protection"])];
    },
  },
  PersistentVolume: { normalize: (volume) => defaults(fields(volume, "spec"), { persistentVolumeReclaimPolicy: "Retain", volumeMode: "Filesystem" }) },
  ReplicationController: workload({ replicas: 1 }, { selected: false }),
  "Deployment.apps": workload(
    {
      replicas: 1,
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" } },
    },
    { selected: true },
  ),
  "ReplicaSet.apps": workload({ replicas: 1 }, { selected: true }),
  "StatefulSet.apps": statefulSet(
    workload(
      {
        replicas: 1,
        revisionHistoryLimit: 10,
        podManagementPolicy: "OrderedReady",
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
        persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
      },
      { selected: true },
    ),
  ),
  "DaemonSet.apps": daemonSet(
    workload({ revisionHistoryLimit: 10, updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } } }, { selected: true }),
  ),
  "Job.batch": {
    normalize(job, old) {
      const spec = fields(job, "spec");
      const template = fields(spec, "template");
      preparePodSpec(fields(template, "spec"));
      if (spec["parallelism"] === undefined) defaults(spec, { completions: 1 });
      defaults(spec, {
        parallelism: 1,
        backoffLimit: 6,
        completionMode: "NonIndexed",
        suspend: false,
        manualSelector: false,
        podReplacementPolicy: "TerminatingOrFailed",
      });
      if (old === undefined && Object.keys(job.metadata.labels ?? {}).length === 0) {
        const labels = fields(fields(template, "metadata"), "labels") as Record<string, string>;
        if (Object.keys(labels).length > 0) job.metadata.labels = { ...labels };
      }
    },
    prepare(job, old) {
      const spec = fields(job, "spec");
      if (old !== undefined || spec["manualSelector"] === true) return;
      const uid = job.metadata.uid ?? "";
      const labels = {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": job.metadata.name,
        "controller-uid": uid,
        "job-name": job.metadata.name,
      };
      defaults(spec, { selector: { matchLabels: { "batch.kubernetes.io/controller-uid": uid } } });
      const metadata = (fields(spec, "template")["metadata"] ??= {}) as Fields;
      // Labels that the Job has from its template are the template's also later on.
      const shared = deepEqual(job.metadata.labels ?? {}, metadata["labels"] ?? {});
      metadata["labels"] = { ...(metadata["labels"] as object | undefined), ...labels };
      if (shared) job.metadata.labels = { ...job.metadata.labels, ...labels };
    },
    validate(job, old) {
      const template = fields(fields(job, "spec"), "template");
      const policy = fields(template, "spec")["restartPolicy"];
      return [
        ...podCauses(fields(template, "spec"), "spec.template.spec"),
        ...(policy === "OnFailure" || policy === "Never"
          ? []
          : [
              {
                field: "spec.template.spec.restartPolicy",
                reason: "FieldValueNotSupported",
                message: `Unsupported value: ${JSON.stringify(policy)}: supported values: "OnFailure", "Never"`,
              },
            ]),
        ...(old === undefined
          ? []
          : immutable(job, old, [
              "spec.selector",
              fields(old, "spec")["suspend"] === true ? "spec.template.spec" : "spec.template",
              "spec.completionMode",
              "spec.completions",
            ])),
      ];
    },
  },
  "CronJob.batch": {
    normalize(cron) {
      const spec = fields(cron, "spec");
      defaults(spec, { concurrencyPolicy: "Allow", suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 });
      preparePodSpec(fields(fields(fields(fields(spec, "jobTemplate"), "spec"), "template"), "spec"));
    },
  },
  "HorizontalPodAutoscaler.autoscaling": {
    normalize: (scaler) =>
      defaults(fields(scaler, "spec"), {
        minReplicas: 1,
        ...(scaler.apiVersion === "autoscaling/v2"
          ? { metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } }] }
          : {}),
      }),
  },
  "StorageClass.storage.k8s.io": { normalize: (storage) => defaults(storage, { reclaimPolicy: "Delete", volumeBindingMode: "Immediate" }) },
  "NetworkPolicy.networking.k8s.io": {
    normalize(policy) {
      const spec = fields(policy, "spec");
      defaults(spec, { policyTypes: list(spec["egress"]).length > 0 ? ["Ingress", "Egress"] : ["Ingress"] });
      for (const rule of [...list(spec["ingress"]), ...list(spec["egress"])]) for (const port of list(rule["ports"])) defaults(port, { protocol: "TCP" });
    },
  },
  "PriorityClass.scheduling.k8s.io": { normalize: (priority) => defaults(priority, { preemptionPolicy: "PreemptLowerPriority" }) },
};

/** Kinds that make pods from a template. `selected`: by a selector that must fit the template's labels and never changes. */
function workload(filled: Fields, { selected }: { readonly selected: boolean }): Rules {
  return {
    normalize(object) {
      const spec = fields(object, "spec");
      const given = spec["strategy"] ?? spec["updateStrategy"];
      defaults(spec, structuredClone(filled));
      if (given !== undefined) fillStrategy(spec, filled);
      preparePodSpec(fields(fields(spec, "template"), "spec"));
    },
    validate(object, old) {
      const spec = fields(object, "spec");
      const template = fields(spec, "template");
      const causes = podCauses(fields(template, "spec"), "spec.template.spec");
      for (const [field, without] of [
        ["strategy", "Recreate"],
        ["updateStrategy", "OnDelete"],
      ] as const) {
        const strategy = fields(spec, field);
        if (strategy["type"] === without && strategy["rollingUpdate"] !== undefined && object.kind !== "DaemonSet")
          causes.push({
            field: `spec.${field}.rollingUpdate`,
            reason: "FieldValueForbidden",
            message: `Forbidden: may not be specified when strategy \`type\` is '${without}'`,
          });
      }
      if (!selected) return causes;
      const wanted = fields(fields(spec, "selector"), "matchLabels");
      const labels = fields(fields(template, "metadata"), "labels");
      if (Object.keys(wanted).length === 0 && list(fields(spec, "selector")["matchExpressions"]).length === 0)
        causes.push({ field: "spec.selector", reason: "FieldValueInvalid", message: "Invalid value: empty selector is invalid" });
      else if (Object.entries(wanted).some(([key, value]) => labels[key] !== value))
        causes.push({
          field: "spec.template.metadata.labels",
          reason: "FieldValueInvalid",
          message: `Invalid value: ${JSON.stringify(labels)}: \`selector\` does not match template \`labels\``,
        });
      return old === undefined ? causes : [...causes, ...immutable(object, old, ["spec.selector"])];
    },
  };
}

/** What may change later on; all else would be another set. */
const changingOfSets = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
  "selector",
];

function statefulSet(rules: Rules): Rules {
  return {
    ...rules,
    validate: (object, old) => [
      ...(rules.validate?.(object, old) ?? []),
      ...fixed(object, old, (spec) => changingOfSets.forEach((field) => delete spec[field])),
    ],
  };
}

/** Its annotation counts the templates, as in the days when nothing else did. */
function daemonSet(rules: Rules): Rules {
  const annotation = "deprecated.daemonset.template.generation";
  return {
    ...rules,
    normalize(object, old) {
      rules.normalize?.(object, old);
      const before = Number(old?.metadata.annotations?.[annotation] ?? 1);
      const changed = old !== undefined && !deepEqual(fields(object, "spec")["template"], fields(old, "spec")["template"]);
      object.metadata.annotations = { ...object.metadata.annotations, [annotation]: String(changed ? before + 1 : before) };
    },
  };
}

/** A strategy that was named in part gets the rest, unless it is of another type. */
function fillStrategy(spec: Fields, filled: Fields): void {
  for (const field of ["strategy", "updateStrategy"]) {
    const [given, usual] = [spec[field] as Fields | undefined, filled[field] as Fields | undefined];
    if (given === undefined || usual === undefined) continue;
    const named = given["type"] !== undefined;
    given["type"] ??= usual["type"];
    // Who names the type of a StatefulSet's strategy gets no partition with it.
    if (named && given["rollingUpdate"] === undefined && Object.hasOwn(usual["rollingUpdate"] as object, "partition")) continue;
    if (given["type"] === "RollingUpdate")
      given["rollingUpdate"] = { ...(usual["rollingUpdate"] as object), ...(given["rollingUpdate"] as object | undefined) };
  }
}

function preparePodSpec(spec: Fields): void {
  defaults(spec, {
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    securityContext: {},
    schedulerName: "default-scheduler",
  });
  // The older of two names of one field counts where the newer is not said.
  if (typeof spec["serviceAccount"] === "string") defaults(spec, { serviceAccountName: spec["serviceAccount"] });
  if (typeof spec["serviceAccountName"] === "string") defaults(spec, { serviceAccount: spec["serviceAccountName"] });
  for (const container of [...list(spec["initContainers"]), ...list(spec["containers"])]) {
    defaults(container, {
      terminationMessagePath: "/dev/termination-log",
      terminationMessagePolicy: "File",
      imagePullPolicy: pullPolicyOf(String(container["image"] ?? "")),
      resources: {},
    });
    for (const port of list(container["ports"])) defaults(port, { protocol: "TCP" });
    for (const probe of ["livenessProbe", "readinessProbe", "startupProbe"]) {
      const given = container[probe] as Fields | undefined;
      if (given === undefined) continue;
      defaults(given, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
      if (given["httpGet"] !== undefined) defaults(given["httpGet"] as Fields, { path: "/", scheme: "HTTP" });
    }
    for (const variable of list(container["env"])) {
      const from = (variable["valueFrom"] as Fields | undefined)?.["fieldRef"] as Fields | undefined;
      if (from !== undefined) defaults(from, { apiVersion: "v1" });
    }
  }
  for (const volume of list(spec["volumes"]))
    for (const source of ["configMap", "secret", "projected", "downwardAPI"]) {
      const given = volume[source] as Fields | undefined;
      if (given !== undefined) defaults(given, { defaultMode: 0o644 });
    }
}

/** A node that is lost for a moment keeps its pods. */
function tolerateShortLosses(spec: Fields): void {
  const tolerations = list(spec["tolerations"]);
  for (const key of ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]) {
    const known = tolerations.some(
      (each) => (each["key"] === key || each["key"] === undefined) && (each["effect"] === "NoExecute" || each["effect"] === undefined),
    );
    if (!known) spec["tolerations"] = [...list(spec["tolerations"]), { key, operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 }];
  }
}

const tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount";

function mountToken(pod: KubeObject, spec: Fields): void {
  const name = `kube-api-access-${digestOf(pod.metadata.uid ?? pod.metadata.name)
    .toString("hex")
    .slice(0, 5)}`;
  const sources = [
    { serviceAccountToken: { expirationSeconds: 3607, path: "token" } },
    { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
    { downwardAPI: { items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }] } },
  ];
  spec["volumes"] = [...list(spec["volumes"]), { name, projected: { sources, defaultMode: 0o644 } }];
  for (const container of [...list(spec["initContainers"]), ...list(spec["containers"])]) {
    const mounts = list(container["volumeMounts"]);
    if (!mounts.some((mount) => mount["mountPath"] === tokenPath)) container["volumeMounts"] = [...mounts, { name, readOnly: true, mountPath: tokenPath }];
  }
}

/** As upstream: what moves is looked for each time. */
function pullPolicyOf(image: string): string {
  const name = image.slice(image.lastIndexOf("/") + 1);
  return image.includes("@") || (name.includes(":") && !name.endsWith(":latest")) ? "IfNotPresent" : "Always";
}

function qosClassOf(spec: Fields): string {
  const resources = [...list(spec["initContainers"]), ...list(spec["containers"])].map((container) => fields(container, "resources"));
  if (resources.every((each) => each["requests"] === undefined && each["limits"] === undefined)) return "BestEffort";
  const guaranteed = resources.every((each) => {
    const limits = fields(each, "limits");
    return limits["cpu"] !== undefined && limits["memory"] !== undefined && deepEqual(each["requests"] ?? limits, limits);
  });
  return guaranteed ? "Guaranteed" : "Burstable";
}

function podCauses(spec: Fields, path: string): ErrorCause[] {
  const causes = list(spec["containers"]).length > 0 ? [] : [required(`${path}.containers`)];
  list(spec["volumes"]).forEach((volume, index) => {
    for (const extra of volumeSources.filter((source) => volume[source] !== undefined).slice(1))
      causes.push({
        field: `${path}.volumes[${index}].${extra}`,
        reason: "FieldValueForbidden",
        message: "Forbidden: may not specify more than 1 volume type",
      });
  });
  return causes;
}

/** In the order in which upstream looks for them: the first is the volume's, further ones are too many. */
const volumeSources = ["emptyDir", "hostPath", "secret", "nfs", "persistentVolumeClaim", "configMap", "downwardAPI", "projected", "csi", "ephemeral"];

function required(field: string): ErrorCause {
  return { field, reason: "FieldValueRequired", message: "Required value" };
}

function onlyMoreTolerations(pod: KubeObject, old: KubeObject | undefined): ErrorCause[] {
  const kept = list(fields(pod, "spec")["tolerations"]);
  const gone = old === undefined ? [] : list(fields(old, "spec")["tolerations"]).filter((each) => !kept.some((other) => deepEqual(each, other)));
  return gone.length === 0
    ? []
    : [{ field: "spec.tolerations", reason: "FieldValueForbidden", message: "Forbidden: existing tolerations can not be modified" }];
}

function sameNumber(pod: KubeObject, old: KubeObject | undefined, names: readonly string[]): ErrorCause[] {
  if (old === undefined) return [];
  return names
    .filter((name) => list(fields(pod, "spec")[name]).length !== list(fields(old, "spec")[name]).length)
    .map((name) => ({ field: `spec.${name}`, reason: "FieldValueForbidden", message: "Forbidden: pod updates may not add or remove containers" }));
}

/** `spec` as a whole may not change but for what `without` takes out of a copy. */
function fixed(object: KubeObject, old: KubeObject | undefined, without: (spec: Fields) => void): ErrorCause[] {
  if (old === undefined) return [];
  const [next, before] = [object, old].map((each) => {
    const spec = structuredClone(fields(each, "spec"));
    without(spec);
    return spec;
  });
  return deepEqual(next, before) ? [] : [{ field: "spec", reason: "FieldValueForbidden", message: "Forbidden: these fields cannot change after creation" }];
}

function immutable(object: KubeObject, old: KubeObject, paths: readonly string[]): ErrorCause[] {
  const at = (root: KubeObject, path: string): unknown => path.split(".").reduce<unknown>((value, key) => (value as Fields | undefined)?.[key], root);
  return paths
    .filter((path) => !deepEqual(at(object, path), at(old, path)))
    .map((field) => ({ field, reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(at(object, field))}: field is immutable` }));
}

/** Addresses come from the object's uid: the same seed gives the same ones, and clusters need no allocator. */
function clusterIpOf({ metadata }: KubeObject): string {
  const [high = 0, low = 0] = digestOf(metadata.uid ?? metadata.name);
  return `10.96.${high}.${Math.max(1, low)}`;
}

function nodePortOf({ metadata }: KubeObject, port: Fields): number {
  return 30_000 + (digestOf(`${metadata.uid ?? metadata.name}|${String(port["port"])}|${String(port["protocol"])}`).readUInt16BE() % 2_768);
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function defaults(target: Fields, values: Fields): void {
  for (const [key, value] of Object.entries(values)) target[key] ??= value;
}

/** An object inside of another; an empty one, which is not put there, where there is none. */
function fields(parent: Fields, name: string): Fields {
  return (parent[name] as Fields | undefined) ?? {};
}

function list(value: unknown): Fields[] {
  return (value as Fields[] | undefined) ?? [];
}
