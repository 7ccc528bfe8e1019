import { makeJob } from "./job.ts";
import { serverObjects } from "./server.ts";
import { hostName, priority, secret, storageParam } from "./shared.ts";

const image = "docker.io/library/mysql:8.4";
const port = 3306;
/** User and group of the image (docker.io/library/mysql). */
const user = 999;

/** A server with a user who may do everything. Databases of one environment share one unless they ask for another class. */
export const mysqlInstance = {
  name: "mysql-instance-v1",
  spec: {
    type: "mysql-instance",
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
            secretEnv: { MYSQL_ROOT_PASSWORD: "password" },
            cpu: "100m",
            memory: { request: "512Mi", limit: "1Gi" },
            dataPath: "/var/lib/mysql",
            // By TCP: while it makes its database it answers on its socket only.
            ready: ["sh", "-c", 'MYSQL_PWD="$MYSQL_ROOT_PASSWORD" mysqladmin ping -h 127.0.0.1 -u root'],
            endSeconds: 60,
          },
          { password: "${generated.password}" },
        ),
      },
    },
    outputs: {
      host: { value: hostName },
      port: { value: port },
      username: { value: "root" },
      password: { value: "${generated.password}", secret: true },
    },
    deletion: { policy: "Delete", gracePeriodSeconds: 600 },
  },
} as const;

/** Values come as base64, and the server itself quotes what becomes part of a statement: nothing in them is ever read as SQL. */
const makeDatabase = [
  "set -eu",
  'until mysql --connect-timeout=5 -e "SELECT 1" >/dev/null; do sleep 1; done',
  'encoded() { printf %s "$1" | base64 | tr -d "\\n"; }',
  "mysql <<SQL",
  "SET SESSION sql_mode = '';",
  "SET @tick = CHAR(96 USING utf8mb4), @backslash = CHAR(92 USING utf8mb4);",
  "SET @name = CONVERT(FROM_BASE64('$(encoded \"$NAME\")') USING utf8mb4);",
  "SET @user = CONVERT(FROM_BASE64('$(encoded \"$USERNAME\")') USING utf8mb4);",
  "SET @password = CONVERT(FROM_BASE64('$(encoded \"$PASSWORD\")') USING utf8mb4);",
  "SET @database = CONCAT(@tick, REPLACE(@name, @tick, CONCAT(@tick, @tick)), @tick);",
  "SET @account = CONCAT(QUOTE(@user), '@', QUOTE('%'));",
  ...[
    "CONCAT('CREATE DATABASE IF NOT EXISTS ', @database, ' CHARACTER SET utf8mb4')",
    "CONCAT('CREATE USER IF NOT EXISTS ', @account, ' IDENTIFIED BY ', QUOTE(@password))",
    "CONCAT('ALTER USER ', @account, ' IDENTIFIED BY ', QUOTE(@password))",
    // In the name of a database that rights are given on, _ and % would stand for others.
    "CONCAT('GRANT ALL ON ', REPLACE(REPLACE(@database, '_', CONCAT(@backslash, '_')), '%', CONCAT(@backslash, '%')), '.* TO ', @account)",
  ].map((statement) => `SET @statement = ${statement}; PREPARE statement FROM @statement; EXECUTE statement;`),
  "SQL",
].join("\n");

/** A database and a user of its own on a server that all of an environment share. */
export const mysql = {
  name: "mysql-v1",
  spec: {
    type: "mysql",
    class: "default",
    priority,
    generated: { password: "password(24)" },
    rotatable: ["password"],
    requires: { instance: { type: "mysql-instance", class: "default", id: "shared" } },
    provisioner: {
      manifests: {
        objects: [
          // The server may stand in another namespace, whose Secrets cannot be read here.
          secret("${name}", { password: "${generated.password}", admin: "${requires.instance.password}" }),
          makeJob({
            gives: "password",
            image,
            user,
            command: ["sh", "-c", `mysql() { MYSQL_PWD="$ADMIN_PASSWORD" command mysql -h "$HOST" -P "$PORT" -u "$ADMIN" "$@"; }\n${makeDatabase}`],
            env: {
              HOST: "${requires.instance.host}",
              PORT: "${string(requires.instance.port)}",
              ADMIN: "${requires.instance.username}",
              NAME: "${name}",
              USERNAME: "${shortName}",
            },
            secretEnv: { ADMIN_PASSWORD: "admin", PASSWORD: "password" },
            memory: { request: "64Mi", limit: "256Mi" },
          }),
        ],
      },
    },
    outputs: {
      host: { value: "${requires.instance.host}" },
      port: { value: "${requires.instance.port}" },
      name: { value: "${name}" },
      database: { value: "${name}" },
      username: { value: "${shortName}" },
      password: { value: "${generated.password}", secret: true },
    },
    deletion: { policy: "Delete", gracePeriodSeconds: 0 },
  },
} as const;
