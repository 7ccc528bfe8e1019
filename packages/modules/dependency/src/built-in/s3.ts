import { makeJob } from "./job.ts";
import { serverObjects } from "./server.ts";
import { hostName, priority, secret, storageParam } from "./shared.ts";

/** Versity S3 Gateway: Apache-2.0, one port with everything behind keys, accounts and their keys as we give them. */
const image = "ghcr.io/versity/versitygw:v1.8.0";
const port = 7070;
/** Any user will do: the image has none of its own. */
const user = 1000;
const region = "us-east-1";
/** Releases had the program in /app first. */
const path = 'export PATH="$PATH:/app"';

/** Objects, accounts, and what no file system has to know about objects: three folders of one volume. */
const serve = [
  "set -eu",
  path,
  "mkdir -p /data/buckets /data/accounts /data/metadata",
  `exec versitygw --port :${port} --region ${region} --iam-dir /data/accounts --health /health --quiet posix --sidecar /data/metadata /data/buckets`,
].join("\n");

/** An object store that all of an environment share, with an account that may do everything. */
export const s3Instance = {
  name: "s3-instance-v1",
  spec: {
    type: "s3-instance",
    class: "default",
    priority,
    params: { properties: { storage: { ...storageParam, default: "10Gi" } } },
    generated: { accessKey: "password(20)", secretKey: "password(40)" },
    provisioner: {
      manifests: {
        objects: serverObjects(
          {
            image,
            port,
            user,
            command: ["sh", "-c", serve],
            secretEnv: { ROOT_ACCESS_KEY: "accessKey", ROOT_SECRET_KEY: "secretKey" },
            cpu: "50m",
            memory: { request: "64Mi", limit: "512Mi" },
            dataPath: "/data",
            ready: "/health",
            endSeconds: 30,
          },
          { accessKey: "${generated.accessKey}", secretKey: "${generated.secretKey}" },
        ),
      },
    },
    outputs: {
      host: { value: hostName },
      port: { value: port },
      endpoint: { value: `http://${hostName}:${port}` },
      region: { value: region },
      access_key_id: { value: "${generated.accessKey}", secret: true },
      secret_key: { value: "${generated.secretKey}", secret: true },
    },
    deletion: { policy: "Delete", gracePeriodSeconds: 600 },
  },
} as const;

const makeBucket = [
  "set -eu",
  path,
  "until versitygw admin list-users >/dev/null; do sleep 1; done",
  'account() { versitygw admin "$@" --access "$ACCESS_KEY" --secret "$SECRET_KEY"; }',
  'bucket() { versitygw admin "$@" --owner "$ACCESS_KEY" --bucket "$BUCKET"; }',
  "account create-user --role user || account update-user",
  "bucket create-bucket || bucket change-bucket-owner",
].join("\n");

const accessKey = { value: "${generated.accessKey}", secret: true } as const;
const secretKey = { value: "${generated.secretKey}", secret: true } as const;

/** A bucket, and an account whose keys open that one only. */
export const s3 = {
  name: "s3-v1",
  spec: {
    type: "s3",
    class: "default",
    priority,
    generated: { accessKey: "password(20)", secretKey: "password(40)" },
    // The other one names the account, as a user's name does.
    rotatable: ["secretKey"],
    requires: { instance: { type: "s3-instance", class: "default", id: "shared" } },
    provisioner: {
      manifests: {
        objects: [
          secret("${name}", {
            accessKey: "${generated.accessKey}",
            secretKey: "${generated.secretKey}",
            adminAccessKey: "${requires.instance.access_key_id}",
            adminSecretKey: "${requires.instance.secret_key}",
          }),
          makeJob({
            gives: "secretKey",
            image,
            user,
            command: ["sh", "-c", makeBucket],
            env: { ADMIN_ENDPOINT_URL: "${requires.instance.endpoint}", ADMIN_REGION: "${requires.instance.region}", BUCKET: "${name}" },
            secretEnv: {
              ADMIN_ACCESS_KEY_ID: "adminAccessKey",
              ADMIN_SECRET_ACCESS_KEY: "adminSecretKey",
              ACCESS_KEY: "accessKey",
              SECRET_KEY: "secretKey",
            },
            memory: { request: "32Mi", limit: "128Mi" },
          }),
        ],
      },
    },
    outputs: {
      bucket: { value: "${name}" },
      endpoint: { value: "${requires.instance.endpoint}" },
      region: { value: "${requires.instance.region}" },
      // Files in the wild read one or another of these names.
      access_key_id: accessKey,
      aws_access_key_id: accessKey,
      secret_key: secretKey,
      aws_secret_key: secretKey,
      aws_secret_access_key: secretKey,
    },
    deletion: { policy: "Delete", gracePeriodSeconds: 0 },
  },
} as const;
