import { serverObjects } from "./server.ts";
import { hostName, priority, storageParam } from "./shared.ts";

/** Its home has no tags of major versions. */
const image = "docker.io/ollama/ollama:0.18.2";
const port = 11434;
/** Any user will do: its home and its models are on the volume. */
const user = 1000;
/** It asks for no key, and clients must name one. */
const apiKey = { value: "not-needed", secret: true } as const;

/** Serves, and downloads the model where it is not on the volume yet; what cannot be downloaded is tried again by the next container. */
const serve = [
  "set -eu",
  "ollama serve & server=$!",
  "trap 'kill -TERM $server' TERM INT",
  "export OLLAMA_HOST=127.0.0.1",
  "until ollama list >/dev/null 2>&1; do sleep 1; done",
  'ollama show "$MODEL" >/dev/null 2>&1 || ollama pull "$MODEL"',
  // The first ends with the signal, the second with the server.
  "wait $server || wait $server",
].join("\n");

/** A server with one model, whose download the dependency waits for. */
export const llmModel = {
  name: "llm-model-v1",
  spec: {
    type: "llm-model",
    class: "default",
    priority,
    params: {
      properties: {
        model: {
          type: "string",
          description: "As ollama names it; one of Hugging Face is hf.co/OWNER/NAME.",
          default: "smollm2:135m",
          pattern: "^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,199}$",
        },
        context_size: { type: "integer", description: "Tokens that it looks at at once.", default: 4096, minimum: 256, maximum: 1_048_576 },
        storage: { ...storageParam, default: "10Gi" },
        memory: { type: "string", description: "What it may use at most; the model has to fit.", default: "4Gi", pattern: "^[1-9][0-9]*(Mi|Gi)$" },
      },
    },
    provisioner: {
      manifests: {
        objects: serverObjects({
          image,
          port,
          user,
          command: ["sh", "-c", serve],
          env: {
            OLLAMA_HOST: `0.0.0.0:${port}`,
            OLLAMA_MODELS: "/data/models",
            OLLAMA_CONTEXT_LENGTH: "${string(params.context_size)}",
            OLLAMA_KEEP_ALIVE: "24h",
            HOME: "/data",
            MODEL: "${params.model}",
          },
          cpu: "500m",
          memory: { request: "1Gi", limit: "${params.memory}" },
          dataPath: "/data",
          ready: ["sh", "-c", 'OLLAMA_HOST=127.0.0.1 ollama show "$MODEL" >/dev/null'],
          endSeconds: 30,
        }),
      },
    },
    outputs: {
      model: { value: "${params.model}" },
      // The API that clients of OpenAI speak.
      url: { value: `http://${hostName}:${port}/v1` },
      "api-key": apiKey,
      api_key: apiKey,
    },
    deletion: { policy: "Delete", gracePeriodSeconds: 600 },
  },
} as const;
