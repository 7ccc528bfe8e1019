import { createHash } from "node:crypto";
import { deepEqual, type ErrorCause, type KindTraits, type KubeObject } from "@threeport/resource";

type Fields = Record<string, unknown>;
type Rules = Pick<KindTraits, "prepare" | "validate">;

/** What kube-apiserver fills in and refuses beyond the schema of a kind, as far as our product meets it. */
export function ownRules(group: string, kind: string): Rules {
  return table[group === "" ? kind : `${kind}.${group}`] ?? {};
}

const table: Readonly<Record<string, Rules>> = {
  Pod: {
    prepare(pod, old) {
      const spec = fields(pod, "spec");
      preparePodSpec(spec);
      defaults(spec, {
        serviceAccountName: "default",
        serviceAccount: spec["serviceAccountName"] ?? "default",
        enableServiceLinks: true,
        priority: 0,
        preemptionPolicy: "PreemptLowerPriority",
      });
      if (old === undefined) pod["status"] = { phase: "Pending", qosClass: qosClassOf(spec) };
    },
    validate: (pod) => containersNeeded(fields(pod, "spec"), "spec"),
  },
  Service: {
    prepare(service, old) {
      const spec = fields(service, "spec");
      defaults(spec, { type: "ClusterIP", sessionAffinity: "None", internalTrafficPolicy: "Cluster" });
      const before = old === undefined ? {} : fields(old, "spec");
      if (spec["type"] !== "ExternalName") {
        spec["clusterIP"] ??= before["clusterIP"] ?? clusterIpOf(service);
        spec["clusterIPs"] ??= before["clusterIPs"] ?? [spec["clusterIP"]];
        defaults(spec, { ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" });
      }
      const external = spec["type"] === "NodePort" || spec["type"] === "LoadBalancer";
      if (external) defaults(spec, { externalTrafficPolicy: "Cluster" });
      if (spec["type"] === "LoadBalancer") defaults(spec, { allocateLoadBalancerNodePorts: true });
      for (const port of list(spec["ports"])) {
        defaults(port, { protocol: "TCP", targetPort: port["port"] });
        if (external) port["nodePort"] ??= nodePortOf(service, port);
      }
      if (old === undefined) service["status"] = { loadBalancer: {} };
    },
    validate(service, old) {
      const spec = fields(service, "spec");
      const causes = list(spec["ports"]).length > 0 || spec["clusterIP"] === "None" || spec["type"] === "ExternalName" ? [] : [required("spec.ports")];
      return [...causes, ...(old !== undefined && spec["type"] !== "ExternalName" ? immutable(service, old, ["spec.clusterIP"]) : [])];
    },
  },
  PersistentVolumeClaim: {
    prepare(claim, old) {
      defaults(fields(claim, "spec"), { volumeMode: "Filesystem" });
      if (old === undefined) claim["status"] = { phase: "Pending" };
    },
  },
  PersistentVolume: { prepare: (volume) => defaults(fields(volume, "spec"), { persistentVolumeReclaimPolicy: "Retain", volumeMode: "Filesystem" }) },
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
  "StatefulSet.apps": workload(
    {
      replicas: 1,
      revisionHistoryLimit: 10,
      podManagementPolicy: "OrderedReady",
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
    },
    { selected: true },
  ),
  "DaemonSet.apps": workload(
    { revisionHistoryLimit: 10, updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } } },
    { selected: true },
  ),
  "Job.batch": {
    prepare(job, old) {
      const spec = fields(job, "spec");
      const template = fields(spec, "template");
      preparePodSpec(fields(template, "spec"));
      defaults(spec, {
        completions: 1,
        parallelism: 1,
        backoffLimit: 6,
        completionMode: "NonIndexed",
        suspend: false,
        manualSelector: false,
        podReplacementPolicy: "TerminatingOrFailed",
      });
      if (old !== undefined || spec["manualSelector"] === true) return;
      const uid = job.metadata.uid ?? "";
      const labels = {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": job.metadata.name,
        "controller-uid": uid,
        "job-name": job.metadata.name,
      };
      spec["selector"] ??= { matchLabels: { "batch.kubernetes.io/controller-uid": uid } };
      const metadata = (template["metadata"] ??= {}) as Fields;
      metadata["labels"] = { ...(metadata["labels"] as object | undefined), ...labels };
    },
    validate(job, old) {
      const template = fields(fields(job, "spec"), "template");
      const policy = fields(template, "spec")["restartPolicy"];
      return [
        ...containersNeeded(fields(template, "spec"), "spec.template.spec"),
        ...(policy === "OnFailure" || policy === "Never"
          ? []
          : [
              {
                field: "spec.template.spec.restartPolicy",
                reason: "FieldValueNotSupported",
                message: `Unsupported value: ${JSON.stringify(policy)}: supported values: "OnFailure", "Never"`,
              },
            ]),
        ...(old === undefined ? [] : immutable(job, old, ["spec.selector", "spec.template", "spec.completionMode"])),
      ];
    },
  },
  "CronJob.batch": {
    prepare(cron) {
      const spec = fields(cron, "spec");
      defaults(spec, { concurrencyPolicy: "Allow", suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 });
      preparePodSpec(fields(fields(fields(fields(spec, "jobTemplate"), "spec"), "template"), "spec"));
    },
  },
  "HorizontalPodAutoscaler.autoscaling": { prepare: (scaler) => defaults(fields(scaler, "spec"), { minReplicas: 1 }) },
  "StorageClass.storage.k8s.io": { prepare: (storage) => defaults(storage, { reclaimPolicy: "Delete", volumeBindingMode: "Immediate" }) },
  "NetworkPolicy.networking.k8s.io": {
    prepare(policy) {
      const spec = fields(policy, "spec");
      defaults(spec, { policyTypes: list(spec["egress"]).length > 0 ? ["Ingress", "Egress"] : ["Ingress"] });
      for (const rule of [...list(spec["ingress"]), ...list(spec["egress"])]) for (const port of list(rule["ports"])) defaults(port, { protocol: "TCP" });
    },
  },
  "PriorityClass.scheduling.k8s.io": { prepare: (priority) => defaults(priority, { preemptionPolicy: "PreemptLowerPriority" }) },
};

/** Kinds that make pods from a template. `selected`: by a selector that must fit the template's labels and never changes. */
function workload(filled: Fields, { selected }: { readonly selected: boolean }): Rules {
  return {
    prepare(object) {
      const spec = fields(object, "spec");
      const given = spec["strategy"] ?? spec["updateStrategy"];
      defaults(spec, structuredClone(filled));
      if (given !== undefined) fillStrategy(spec, filled);
      preparePodSpec(fields(fields(spec, "template"), "spec"));
    },
    validate(object, old) {
      const spec = fields(object, "spec");
      const template = fields(spec, "template");
      const causes = containersNeeded(fields(template, "spec"), "spec.template.spec");
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

/** A strategy that was named in part gets the rest, unless it is of another type. */
function fillStrategy(spec: Fields, filled: Fields): void {
  for (const field of ["strategy", "updateStrategy"]) {
    const [given, usual] = [spec[field] as Fields | undefined, filled[field] as Fields | undefined];
    if (given === undefined || usual === undefined) continue;
    given["type"] ??= usual["type"];
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

/** As upstream: what moves is looked for each time. */
function pullPolicyOf(image: string): string {
  const name = image.slice(image.lastIndexOf("/") + 1);
  return image.includes("@") || (name.includes(":") && !name.endsWith(":latest")) ? "IfNotPresent" : "Always";
}

function qosClassOf(spec: Fields): string {
  const resources = list(spec["containers"]).map((container) => fields(container, "resources"));
  if (resources.every((each) => each["requests"] === undefined && each["limits"] === undefined)) return "BestEffort";
  const guaranteed = resources.every((each) => {
    const limits = fields(each, "limits");
    return limits["cpu"] !== undefined && limits["memory"] !== undefined && deepEqual(each["requests"] ?? limits, limits);
  });
  return guaranteed ? "Guaranteed" : "Burstable";
}

function containersNeeded(spec: Fields, path: string): ErrorCause[] {
  return list(spec["containers"]).length > 0 ? [] : [required(`${path}.containers`)];
}

function required(field: string): ErrorCause {
  return { field, reason: "FieldValueRequired", message: "Required value" };
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
