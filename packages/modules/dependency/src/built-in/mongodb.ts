import { serverObjects } from "./server.ts";
import { hostName, priority, storageParam } from "./shared.ts";

const port = 27017;

export const mongodb = {
  name: "mongodb-v1",
  spec: {
    type: "mongodb",
    class: "default",
    priority,
    params: { properties: { storage: storageParam } },
    generated: { password: "password(24)" },
    provisioner: {
      manifests: {
        objects: serverObjects(
          {
            image: "docker.io/library/mongo:8.0",
            port,
            user: 999,
            env: { MONGO_INITDB_ROOT_USERNAME: "app" },
            secretEnv: { MONGO_INITDB_ROOT_PASSWORD: "password" },
            cpu: "100m",
            memory: { request: "256Mi", limit: "1Gi" },
            dataPath: "/data/db",
            endSeconds: 60,
          },
          { password: "${generated.password}" },
        ),
      },
    },
    outputs: {
      host: { value: hostName },
      port: { value: port },
      username: { value: "app" },
      password: { value: "${generated.password}", secret: true },
      // Letters and digits only: nothing in it has to be escaped.
      connection: { value: `mongodb://app:\${generated.password}@${hostName}:${port}/`, secret: true },
    },
    deletion: { policy: "Delete", gracePeriodSeconds: 600 },
  },
} as const;
