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

/** `claimed`: volumes that the pods get beside those of the spec. */
export function podCauses(spec: Fields, path: string, claimed: readonly unknown[] = []): ErrorCause[] {
  const causes = list(spec["containers"]).length > 0 ? [] : [required(`${path}.containers`)];
  const sound = new Set<unknown>(claimed);
  list(spec["volumes"]).forEach((volume, index) => {
    const [, ...extra] = volumeSources.filter((source) => volume[source] !== undefined);
    if (extra.length === 0) sound.add(volume["name"]);
    for (const source of extra)
      causes.push({
        field: `${path}.volumes[${index}].${source}`,
        reason: "FieldValueForbidden",
        message: "Forbidden: may not specify more than 1 volume type",
      });
  });
  for (const field of ["initContainers", "containers"] as const)
    list(spec[field]).forEach((container, index) => {
      const at = `${path}.${field}[${index}]`;
      causes.push(...mountCauses(container, { path: at, volumes: sound }), ...probeCauses(container, at));
    });
  return causes;
}

/** What is mounted must be a volume of the pod, and one that is in order. */
function mountCauses(container: Fields, { path, volumes }: { readonly path: string; readonly volumes: ReadonlySet<unknown> }): ErrorCause[] {
  return list(container["volumeMounts"]).flatMap(({ name }, index) =>
    volumes.has(name) ? [] : [{ field: `${path}.volumeMounts[${index}].name`, reason: "FieldValueNotFound", message: `Not found: ${JSON.stringify(name)}` }],
  );
}

/** A probe asks in one way. */
function probeCauses(container: Fields, path: string): ErrorCause[] {
  return ["livenessProbe", "readinessProbe", "startupProbe"].flatMap((name) => {
    const probe = container[name] as Fields | undefined;
    if (probe === undefined) return [];
    const [first, ...extra] = probeWays.filter((way) => probe[way] !== undefined);
    if (first === undefined) return [{ ...required(`${path}.${name}`), message: "Required value: must specify a handler type" }];
    return extra.map((way) => ({
      field: `${path}.${name}.${way}`,
      reason: "FieldValueForbidden",
      message: "Forbidden: may not specify more than 1 handler type",
    }));
  });
}

/** In the order in which upstream looks for them: the first is the probe's, further ones are too many. */
const probeWays = ["exec", "httpGet", "tcpSocket", "grpc"];

/** In the order in which upstream looks for them: the first is the volume's, further ones are too many. */
const volumeSources = ["emptyDir", "hostPath", "secret", "nfs", "persistentVolumeClaim", "configMap", "downwardAPI", "projected", "csi", "ephemeral"];
