import { deepEqual, type ErrorCause, type KubeObject } from "@threeport/resource";
import { fixed } from "./causes.ts";
import { defaults, digestOf, fields, list, type Fields, type Rules } from "./fields.ts";
import { podCauses, preparePodSpec } from "./pod-spec.ts";

export const podRules: Rules = {
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
  validate(pod, old) {
    const causes = podCauses(fields(pod, "spec"), "spec");
    const number = sameNumber(pod, old, ["containers", "initContainers"]);
    // Upstream looks no further then.
    if (number.length > 0) return [...causes, ...number];
    const changed = fixed(pod, old, (spec) => {
      for (const container of [...list(spec["initContainers"]), ...list(spec["containers"])]) delete container["image"];
      for (const field of ["activeDeadlineSeconds", "tolerations"]) delete spec[field];
      // What the binding of a pod does there: it gets its node once.
      if (old !== undefined && fields(old, "spec")["nodeName"] === undefined) delete spec["nodeName"];
    });
    return [...causes, ...onlyMoreTolerations(pod, old), ...changed];
  },
};

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

function qosClassOf(spec: Fields): string {
  const resources = [...list(spec["initContainers"]), ...list(spec["containers"])].map((container) => fields(container, "resources"));
  if (resources.every((each) => each["requests"] === undefined && each["limits"] === undefined)) return "BestEffort";
  const guaranteed = resources.every((each) => {
    const limits = fields(each, "limits");
    return limits["cpu"] !== undefined && limits["memory"] !== undefined && deepEqual(each["requests"] ?? limits, limits);
  });
  return guaranteed ? "Guaranteed" : "Burstable";
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
