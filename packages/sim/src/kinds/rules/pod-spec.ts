import type { ErrorCause } from "@threeport/resource";
import { required } from "./causes.ts";
import { defaults, list, type Fields } from "./fields.ts";

/** What a pod's spec is given, in a pod and in a template of pods. */
export function preparePodSpec(spec: Fields): void {
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

/** As upstream: what moves is looked for each time. */
function pullPolicyOf(image: string): string {
  const name = image.slice(image.lastIndexOf("/") + 1);
  return image.includes("@") || (name.includes(":") && !name.endsWith(":latest")) ? "IfNotPresent" : "Always";
}

export function podCauses(spec: Fields, path: string): ErrorCause[] {
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
