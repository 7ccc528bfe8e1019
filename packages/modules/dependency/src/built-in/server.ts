// A server of one container with a volume: what most built-in profiles make.
import { type ContainerNeeds, containerSecurity, fromSecret, labels, podSecurity, secret, selector, service } from "./shared.ts";

export interface ServerImage extends ContainerNeeds {
  readonly image: string;
  readonly port: number;
  /** User and group that the image is made for, which is not root. */
  readonly user: number;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  /** Variables that are no secret. */
  readonly env?: Readonly<Record<string, string>>;
  /** Variables by the key of the server's Secret that holds them. */
  readonly secretEnv?: Readonly<Record<string, string>>;
  readonly memory: { readonly request: string; readonly limit: string };
  readonly cpu: string;
  /** Where its data stands in the container; it is gone with the pod when `keepsNothing`. */
  readonly dataPath: string;
  readonly keepsNothing?: boolean;
  /** A program that ends with 0 when it answers, or a path that answers then; without one, that its port takes connections. */
  readonly ready?: readonly string[] | string;
  /** Seconds that it has to end in. */
  readonly endSeconds: number;
  readonly preStop?: readonly string[];
}

/** Its Secret if it has one, its Service, and the StatefulSet. `values` of the Secret may hold expressions. */
export function serverObjects(server: ServerImage, values: Readonly<Record<string, string>> = {}): object[] {
  const { image, port, user, command, args, env = {}, secretEnv = {}, memory, cpu, dataPath, ready, endSeconds, preStop } = server;
  return [
    ...(Object.keys(values).length === 0 ? [] : [secret("${name}", values)]),
    service(port),
    {
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { name: "${name}", labels },
      spec: {
        serviceName: "${name}",
        replicas: 1,
        selector: { matchLabels: selector },
        ...(server.keepsNothing === true ? {} : volumeClaim),
        template: {
          metadata: { labels },
          spec: {
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            terminationGracePeriodSeconds: endSeconds,
            securityContext: podSecurity(user),
            ...(server.keepsNothing === true ? { volumes: [{ name: "data", emptyDir: {} }] } : {}),
            containers: [
              {
                name: "server",
                image,
                ...(command === undefined ? {} : { command }),
                ...(args === undefined ? {} : { args }),
                env: [
                  ...Object.entries(env).map(([name, value]) => ({ name, value })),
                  ...Object.entries(secretEnv).map(([name, key]) => fromSecret(name, "${name}", key)),
                ],
                ports: [{ name: "main", containerPort: port }],
                resources: { requests: { cpu, memory: memory.request }, limits: { memory: memory.limit } },
                securityContext: containerSecurity(user, server),
                readinessProbe: {
                  ...readiness(ready, port),
                  periodSeconds: 5,
                  timeoutSeconds: 3,
                },
                livenessProbe: { tcpSocket: { port }, initialDelaySeconds: 60, periodSeconds: 20, failureThreshold: 6 },
                // A folder of it: some servers want an empty one, and a new volume has its own things in it.
                volumeMounts: [{ name: "data", mountPath: dataPath, subPath: "data" }],
                ...(preStop === undefined ? {} : { lifecycle: { preStop: { exec: { command: preStop } } } }),
              },
            ],
          },
        },
      },
    },
  ];
}

function readiness(ready: ServerImage["ready"], port: number): object {
  if (ready === undefined) return { tcpSocket: { port } };
  return typeof ready === "string" ? { httpGet: { path: ready, port } } : { exec: { command: ready } };
}

const volumeClaim = {
  volumeClaimTemplates: [{ metadata: { name: "data" }, spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "${params.storage}" } } } }],
  // What the profile's deletion says is meant for the data too.
  persistentVolumeClaimRetentionPolicy: { whenDeleted: "Delete", whenScaled: "Retain" },
};
