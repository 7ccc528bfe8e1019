import { makeJob } from "./job.ts";
import { serverObjects } from "./server.ts";
import { hostName, priority, storageParam } from "./shared.ts";

const port = 10000;
const account = "app";
/** Keys are base64: letters and digits alone are, where their number divides by four. */
const key = "${generated.key}";
const endpoint = `http://${hostName}:${port}/${account}`;

/** Signs with the account's key, as the service's Shared Key scheme has it, and asks for the container until it is there. */
const makeContainer = `
const { createHmac } = require("node:crypto");
const { ENDPOINT, ACCOUNT, KEY, CONTAINER } = process.env;
const version = "2021-12-02";
async function make() {
  const date = new Date().toUTCString();
  const url = new URL(ENDPOINT + "/" + encodeURIComponent(CONTAINER) + "?restype=container");
  const text = ["PUT", "", "", "", "", "", "", "", "", "", "", "", "x-ms-date:" + date, "x-ms-version:" + version, "/" + ACCOUNT + url.pathname, "restype:container"].join("\\n");
  const signature = createHmac("sha256", Buffer.from(KEY, "base64")).update(text).digest("base64");
  const headers = { "x-ms-date": date, "x-ms-version": version, authorization: "SharedKey " + ACCOUNT + ":" + signature };
  const answer = await fetch(url, { method: "PUT", headers });
  if (answer.status !== 201 && answer.status !== 409) throw new Error(answer.status + " " + (await answer.text()));
}
make().catch((error) => { console.error(error.message); process.exit(1); });
`.trim();

/** Azurite, Microsoft's emulator of blob storage: an account of its own for each, with one container. */
export const azureBlob = {
  name: "azure-blob-v1",
  spec: {
    type: "azure-blob",
    class: "default",
    priority,
    params: {
      properties: {
        storage: storageParam,
        container: { type: "string", description: "Name of the container; it stays what it is.", default: "app", pattern: "^[a-z0-9](-?[a-z0-9]){2,62}$" },
      },
    },
    generated: { key: "password(88)" },
    // It reads its accounts when it starts, and keeps no key.
    rotatable: ["key"],
    provisioner: {
      manifests: {
        objects: [
          ...serverObjects(
            {
              image: "mcr.microsoft.com/azure-storage/azurite:3.35.0",
              port,
              user: 1000,
              // Queues and tables only for itself. Its own host name is no account, as azure's are.
              command: [
                ...["azurite", "--location", "/data", "--blobHost", "0.0.0.0", "--queueHost", "127.0.0.1", "--tableHost", "127.0.0.1"],
                ...["--disableProductStyleUrl", "--disableTelemetry", "--skipApiVersionCheck", "--silent"],
              ],
              secretEnv: { AZURITE_ACCOUNTS: "accounts" },
              cpu: "50m",
              memory: { request: "128Mi", limit: "512Mi" },
              dataPath: "/data",
              endSeconds: 30,
            },
            { key, accounts: `${account}:${key}` },
          ),
          makeJob({
            image: "docker.io/library/node:24-alpine",
            user: 1000,
            command: ["node", "-e", makeContainer],
            env: { ENDPOINT: endpoint, ACCOUNT: account, CONTAINER: "${params.container}" },
            secretEnv: { KEY: "key" },
            memory: { request: "64Mi", limit: "256Mi" },
          }),
        ],
      },
    },
    outputs: {
      account_name: { value: account },
      blob_endpoint: { value: endpoint },
      container: { value: "${params.container}" },
      account_key: { value: key, secret: true },
      connection_string: {
        value: `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};BlobEndpoint=${endpoint};`,
        secret: true,
      },
    },
    deletion: { policy: "Delete", gracePeriodSeconds: 600 },
  },
} as const;
