import { serverObjects } from "./server.ts";
import { hostName, priority } from "./shared.ts";

const port = 8085;

/** Google's emulator, for development: it keeps everything in memory. */
export const gcpPubsubEmulator = {
  name: "gcp-pubsub-emulator-v1",
  spec: {
    type: "gcp-pubsub-emulator",
    class: "default",
    priority,
    params: {
      properties: {
        project_id: {
          type: "string",
          description: "Id of the project that clients name.",
          default: "local-project",
          pattern: "^[a-z][a-z0-9-]{4,28}[a-z0-9]$",
        },
      },
    },
    provisioner: {
      manifests: {
        objects: serverObjects({
          // Its home has no tags of major versions.
          image: "gcr.io/google.com/cloudsdktool/google-cloud-cli:577.0.0-emulators",
          port,
          user: 1000,
          command: ["sh", "-c", `exec gcloud beta emulators pubsub start --quiet --host-port=0.0.0.0:${port} --data-dir=/data --project="$PROJECT_ID"`],
          env: { PROJECT_ID: "${params.project_id}", CLOUDSDK_CONFIG: "/data/gcloud", HOME: "/data", CLOUDSDK_CORE_DISABLE_PROMPTS: "1" },
          cpu: "100m",
          memory: { request: "256Mi", limit: "1Gi" },
          dataPath: "/data",
          keepsNothing: true,
          ready: "/",
          endSeconds: 10,
        }),
      },
    },
    outputs: {
      host: { value: hostName },
      port: { value: port },
      project_id: { value: "${params.project_id}" },
      emulator_host: { value: `${hostName}:${port}` },
    },
    deletion: { policy: "Delete", gracePeriodSeconds: 0 },
  },
} as const;
