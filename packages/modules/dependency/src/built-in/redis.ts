import { serverObjects } from "./server.ts";
import { hostName, priority, storageParam } from "./shared.ts";

const port = 6379;

export const redis = {
  name: "redis-v1",
  spec: {
    type: "redis",
    class: "default",
    priority,
    params: { properties: { storage: storageParam } },
    generated: { password: "password(24)" },
    // It reads its password when it starts.
    rotatable: ["password"],
    provisioner: {
      manifests: {
        objects: serverObjects(
          {
            image: "docker.io/library/redis:8-alpine",
            port,
            user: 999,
            command: ["sh", "-c", 'exec redis-server --requirepass "$PASSWORD" --appendonly yes --dir /data'],
            secretEnv: { PASSWORD: "password" },
            cpu: "50m",
            memory: { request: "64Mi", limit: "256Mi" },
            dataPath: "/data",
            ready: ["sh", "-c", 'REDISCLI_AUTH="$PASSWORD" redis-cli ping | grep -q PONG'],
            endSeconds: 30,
          },
          { password: "${generated.password}" },
        ),
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
