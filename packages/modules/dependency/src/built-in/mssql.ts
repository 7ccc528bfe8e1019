import { makeJob } from "./job.ts";
import { serverObjects } from "./server.ts";
import { hostName, priority, storageParam } from "./shared.ts";

const image = "mcr.microsoft.com/mssql/server:2022-latest";
const port = 1433;
/** `mssql` of the image. */
const user = 10001;
/** Its rules for passwords want capitals, small letters and digits, which chance alone would leave out once in a few hundred. */
const password = (generated: string): string => `Aa1\${generated.${generated}}`;

/** sqlcmd knows no parameters. The password that we made has letters and digits only, which is looked at before it becomes part of a statement. */
const makeDatabase = [
  "set -eu",
  'export PATH="$PATH:/opt/mssql-tools18/bin:/opt/mssql-tools/bin"',
  'case "$PASSWORD" in *[!A-Za-z0-9]*) echo "the password has other characters than letters and digits"; exit 1;; esac',
  'run() { SQLCMDPASSWORD="$ADMIN_PASSWORD" sqlcmd -C -b -x -S "$SERVER" -U sa "$@"; }',
  'until run -l 5 -Q "SELECT 1" >/dev/null; do sleep 2; done',
  "run <<SQL",
  "IF DB_ID(N'app') IS NULL CREATE DATABASE [app];",
  "GO",
  "IF SUSER_ID(N'app') IS NULL CREATE LOGIN [app] WITH PASSWORD = N'$PASSWORD', DEFAULT_DATABASE = [app]",
  "ELSE ALTER LOGIN [app] WITH PASSWORD = N'$PASSWORD';",
  "GO",
  "USE [app];",
  "IF USER_ID(N'app') IS NULL CREATE USER [app] FOR LOGIN [app];",
  "ALTER ROLE db_owner ADD MEMBER [app];",
  "GO",
  "SQL",
].join("\n");

/** A server of its own for each, with one database and a user who owns it. */
export const mssql = {
  name: "mssql-v1",
  spec: {
    type: "mssql",
    class: "default",
    priority,
    params: {
      properties: {
        storage: { ...storageParam, default: "4Gi" },
        // Express may be used in production without a licence, up to 10 GB a database.
        edition: { type: "string", description: "What you have a licence for.", default: "Express", enum: ["Express", "Developer", "Standard", "Enterprise"] },
      },
    },
    generated: { password: "password(24)", admin: "password(32)" },
    // The server keeps the other one from its first start.
    rotatable: ["password"],
    provisioner: {
      manifests: {
        objects: [
          ...serverObjects(
            {
              image,
              port,
              user,
              groupOfImage: true,
              // Its program is marked with it: without it the kernel does not start it.
              capabilities: ["NET_BIND_SERVICE"],
              env: { ACCEPT_EULA: "Y", MSSQL_PID: "${params.edition}", MSSQL_MEMORY_LIMIT_MB: "1536" },
              secretEnv: { MSSQL_SA_PASSWORD: "admin" },
              cpu: "250m",
              // It does not start with less than 2 GB.
              memory: { request: "2Gi", limit: "3Gi" },
              dataPath: "/var/opt/mssql",
              ready: [
                "sh",
                "-c",
                'PATH="$PATH:/opt/mssql-tools18/bin:/opt/mssql-tools/bin" SQLCMDPASSWORD="$MSSQL_SA_PASSWORD" sqlcmd -C -b -l 2 -S 127.0.0.1 -U sa -Q "SELECT 1"',
              ],
              endSeconds: 60,
            },
            { password: password("password"), admin: password("admin") },
          ),
          makeJob({
            gives: "password",
            image,
            user,
            command: ["bash", "-c", makeDatabase],
            env: { SERVER: `tcp:${hostName},${port}` },
            secretEnv: { ADMIN_PASSWORD: "admin", PASSWORD: "password" },
            memory: { request: "32Mi", limit: "256Mi" },
          }),
        ],
      },
    },
    outputs: {
      server: { value: hostName },
      port: { value: port },
      database: { value: "app" },
      username: { value: "app" },
      password: { value: password("password"), secret: true },
      connection: {
        // Its certificate is made by itself.
        value: `Server=tcp:${hostName},${port};Initial Catalog=app;User ID=app;Password=${password("password")};Encrypt=True;TrustServerCertificate=True;Connection Timeout=30;`,
        secret: true,
      },
    },
    deletion: { policy: "Delete", gracePeriodSeconds: 600 },
  },
} as const;
