import { serverObjects } from "./server.ts";
import { hostName, priority, storageParam } from "./shared.ts";

const port = 5672;

/** RabbitMQ: a server of its own for each, with one virtual host. */
export const amqp = {
  name: "amqp-v1",
  spec: {
    type: "amqp",
    class: "default",
    priority,
    params: { properties: { storage: storageParam } },
    generated: { password: "password(24)" },
    provisioner: {
      manifests: {
        objects: serverObjects(
          {
            image: "docker.io/library/rabbitmq:4",
            port,
            user: 999,
            env: { RABBITMQ_DEFAULT_USER: "app", RABBITMQ_DEFAULT_VHOST: "app" },
            secretEnv: { RABBITMQ_DEFAULT_PASS: "password" },
            cpu: "100m",
            memory: { request: "256Mi", limit: "1Gi" },
            dataPath: "/var/lib/rabbitmq",
            endSeconds: 60,
          },
          { password: "${generated.password}" },
        ),
      },
    },
    outputs: {
      host: { value: hostName },
      port: { value: port },
      vhost: { value: "app" },
      username: { value: "app" },
      password: { value: "${generated.password}", secret: true },
    },
    deletion: { policy: "Delete", gracePeriodSeconds: 600 },
  },
} as const;
