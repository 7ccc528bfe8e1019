import { containerSecurity, dataClaim, fromSecret, hostName, labels, podSecurity, priority, secret, selector, service, storageParam } from "./shared.ts";

const port = 6379;
/** User and group of the image (docker.io/library/redis, alpine). */
const user = 999;

export const redis = {
  name: "redis-v1",
  spec: {
    type: "redis",
    class: "default",
    priority,
    params: { properties: { storage: storageParam } },
    generated: { password: "password(24)" },
    provisioner: {
      manifests: {
        objects: [
          secret("${name}", { password: "${generated.password}" }),
          service(port),
          {
            apiVersion: "apps/v1",
            kind: "StatefulSet",
            metadata: { name: "${name}", labels },
            spec: {
              serviceName: "${name}",
              replicas: 1,
              selector: { matchLabels: selector },
              volumeClaimTemplates: [dataClaim()],
              // What the profile's deletion says is meant for the data too.
              persistentVolumeClaimRetentionPolicy: { whenDeleted: "Delete", whenScaled: "Retain" },
              template: {
                metadata: { labels },
                spec: {
                  automountServiceAccountToken: false,
                  enableServiceLinks: false,
                  terminationGracePeriodSeconds: 30,
                  securityContext: podSecurity(user),
                  containers: [
                    {
                      name: "redis",
                      image: "docker.io/library/redis:8-alpine",
                      command: ["sh", "-c", 'exec redis-server --requirepass "$PASSWORD" --appendonly yes --dir /data'],
                      env: [fromSecret("PASSWORD", "${name}", "password")],
                      ports: [{ name: "main", containerPort: port }],
                      resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { memory: "256Mi" } },
                      securityContext: containerSecurity(user),
                      readinessProbe: {
                        exec: { command: ["sh", "-c", 'REDISCLI_AUTH="$PASSWORD" redis-cli ping | grep -q PONG'] },
                        periodSeconds: 5,
                        timeoutSeconds: 3,
                      },
                      livenessProbe: { tcpSocket: { port }, initialDelaySeconds: 15, periodSeconds: 20 },
                      volumeMounts: [{ name: "data", mountPath: "/data" }],
                    },
                  ],
                },
              },
            },
          },
        ],
      },
    },
    outputs: {
      host: { value: hostName },
      port: { value: port },
      username: { value: "default" },
      password: { value: "${generated.password}", secret: true },
    },
    deletion: { policy: "Delete", gracePeriodSeconds: 0 },
  },
} as const;
