import { serverObjects } from "./server.ts";
import { hostName, priority, storageParam } from "./shared.ts";

const port = 3306;

/** A server of its own for each, with one database and a user who owns it. */
export const mysql = {
  name: "mysql-v1",
  spec: {
    type: "mysql",
    class: "default",
    priority,
    params: { properties: { storage: storageParam } },
    generated: { password: "password(24)", root: "password(32)" },
    provisioner: {
      manifests: {
        objects: serverObjects(
          {
            image: "docker.io/library/mysql:8.4",
            port,
            user: 999,
            env: { MYSQL_DATABASE: "app", MYSQL_USER: "app" },
            secretEnv: { MYSQL_PASSWORD: "password", MYSQL_ROOT_PASSWORD: "root" },
            cpu: "100m",
            memory: { request: "512Mi", limit: "1Gi" },
            dataPath: "/var/lib/mysql",
            // By TCP: while it makes its database it answers on its socket only.
            ready: ["sh", "-c", 'MYSQL_PWD="$MYSQL_PASSWORD" mysqladmin ping -h 127.0.0.1 -u "$MYSQL_USER"'],
            endSeconds: 60,
          },
          { password: "${generated.password}", root: "${generated.root}" },
        ),
      },
    },
    outputs: {
      host: { value: hostName },
      port: { value: port },
      name: { value: "app" },
      database: { value: "app" },
      username: { value: "app" },
      password: { value: "${generated.password}", secret: true },
    },
    deletion: { policy: "Delete", gracePeriodSeconds: 600 },
  },
} as const;
