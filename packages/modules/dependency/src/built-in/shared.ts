// What built-in profiles have in common.

/** Priority of all built-in profiles: below what operations write unless they say otherwise. */
export const priority = -100;

export const labels = { "app.kubernetes.io/name": "${need.type}", "app.kubernetes.io/instance": "${name}" };
export const selector = { "app.kubernetes.io/instance": "${name}" };

export interface ContainerNeeds {
  /** Its files belong to a group that the image knows, and not to one of the user's number. */
  readonly groupOfImage?: boolean;
  /** Those without which its program is not started. */
  readonly capabilities?: readonly string[];
}

/** Of one container that needs nothing of the node; the image decides about the user. */
export function containerSecurity(user: number, { groupOfImage = false, capabilities }: ContainerNeeds = {}): object {
  return {
    runAsNonRoot: true,
    runAsUser: user,
    ...(groupOfImage ? {} : { runAsGroup: user }),
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"], ...(capabilities === undefined ? {} : { add: capabilities }) },
  };
}

export function podSecurity(group: number): object {
  // Once: a server whose key files are its own alone would not start when they were given to the group again.
  return { fsGroup: group, fsGroupChangePolicy: "OnRootMismatch", seccompProfile: { type: "RuntimeDefault" } };
}

/** A Secret whose values become variables of pods. */
export function secret(name: string, values: Readonly<Record<string, string>>): object {
  return { apiVersion: "v1", kind: "Secret", metadata: { name, labels }, stringData: values };
}

export function service(port: number): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "${name}", labels },
    spec: { selector, ports: [{ name: "main", port, targetPort: port }] },
  };
}

export const hostName = "${name}.${targetNamespace}.svc";

export const fromSecret = (variable: string, name: string, key: string): object => ({ name: variable, valueFrom: { secretKeyRef: { name, key } } });

/** Size of a volume by the param `storage`. */
export const storageParam = { type: "string", description: "Size of its volume.", default: "1Gi", pattern: "^[1-9][0-9]*(Mi|Gi|Ti)$" };
