import { makeJob } from "./job.ts";
import { serverObjects } from "./server.ts";
import { hostName, priority, secret, storageParam } from "./shared.ts";

const image = "docker.io/library/postgres:18-alpine";
const port = 5432;
/** User and group of the image (docker.io/library/postgres, alpine). */
const user = 70;

/** A server with a user who may do everything. Databases of one environment share one unless they ask for another class. */
export const postgresInstance = {
  name: "postgres-instance-v1",
  spec: {
    type: "postgres-instance",
    class: "default",
    priority,
    params: { properties: { storage: storageParam } },
    generated: { password: "password(32)" },
    provisioner: {
      manifests: {
        objects: serverObjects(
          {
            image,
            port,
            user,
            env: { PGDATA: "/data/pgdata", POSTGRES_USER: "postgres" },
            secretEnv: { POSTGRES_PASSWORD: "password" },
            cpu: "100m",
            memory: { request: "256Mi", limit: "1Gi" },
            dataPath: "/data",
            ready: ["pg_isready", "-U", "postgres", "-h", "127.0.0.1"],
            endSeconds: 60,
            // A fast shutdown: clients are told, and what was committed is on disk.
            preStop: ["sh", "-c", "kill -INT 1; sleep 5"],
          },
          { password: "${generated.password}" },
        ),
      },
    },
    outputs: {
      host: { value: hostName },
      port: { value: port },
      username: { value: "postgres" },
      password: { value: "${generated.password}", secret: true },
    },
    deletion: { policy: "Delete", gracePeriodSeconds: 600 },
  },
} as const;

/** Names come from variables and are quoted by the server, so nothing in them is ever read as SQL. */
const makeDatabase = [
  "set -eu",
  "until pg_isready -q; do sleep 1; done",
  'psql -v ON_ERROR_STOP=1 -v name="$NAME" -v password="$PASSWORD" <<\'SQL\'',
  "SELECT format('CREATE ROLE %I LOGIN', :'name') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \\gexec",
  "SELECT format('ALTER ROLE %I PASSWORD %L', :'name', :'password') \\gexec",
  "SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'name') WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \\gexec",
  "SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'name') \\gexec",
  "SQL",
].join("\n");

/** A database and a user of its own on a server that all of an environment share. */
export const postgres = {
  name: "postgres-v1",
  spec: {
    type: "postgres",
    class: "default",
    priority,
    generated: { password: "password(24)" },
    rotatable: ["password"],
    requires: { instance: { type: "postgres-instance", class: "default", id: "shared" } },
    provisioner: {
      manifests: {
        objects: [
          // The server may stand in another namespace, whose Secrets cannot be read here.
          secret("${name}", { password: "${generated.password}", admin: "${requires.instance.password}" }),
          makeJob({
            gives: "password",
            image,
            user,
            command: ["sh", "-c", makeDatabase],
            env: {
              PGHOST: "${requires.instance.host}",
              PGPORT: "${string(requires.instance.port)}",
              PGUSER: "${requires.instance.username}",
              NAME: "${name}",
            },
            secretEnv: { PGPASSWORD: "admin", PASSWORD: "password" },
            memory: { request: "32Mi", limit: "128Mi" },
          }),
        ],
      },
    },
    outputs: {
      host: { value: "${requires.instance.host}" },
      port: { value: "${requires.instance.port}" },
      name: { value: "${name}" },
      database: { value: "${name}" },
      username: { value: "${name}" },
      password: { value: "${generated.password}", secret: true },
    },
    deletion: { policy: "Delete", gracePeriodSeconds: 0 },
  },
} as const;
