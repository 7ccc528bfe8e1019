import { buildRouteMap, type RouteMap } from "@stricli/core";
import type { CliContext } from "../context.ts";
import { freeText, integerBetween, labelText } from "../parse.ts";
import { command } from "./command.ts";

export const up = command({
  run: async () => (await import("../commands/up.ts")).up,
  parameters: {
    flags: {
      foreground: { kind: "boolean", brief: "Run in this terminal until Ctrl-C", default: false, withNegated: false },
      port: { kind: "parsed", parse: integerBetween(0, 65_535), brief: "Port of the API; 0 picks a free one", optional: true, placeholder: "port" },
      host: { kind: "parsed", parse: freeText, brief: "Address to listen on", optional: true, placeholder: "address" },
      mirror: {
        kind: "parsed",
        parse: freeText,
        brief: "Folder or address in which https://host/path is found as host/path, where the internet is not reached",
        optional: true,
        placeholder: "place",
      },
      runtime: {
        kind: "parsed",
        parse: labelText,
        brief: 'Where workloads run: "local" starts a Kubernetes on this machine and makes the environment dev on it',
        optional: true,
        placeholder: "name|local|none",
      },
      hints: { kind: "boolean", brief: "Say what to do next", default: true },
    },
  },
  brief: "Start the control plane",
  description: "Starts the control plane in the background, with its database, and writes the kubeconfig context `threeport`. Safe to repeat.",
});

export const down = command({
  run: async () => (await import("../commands/down.ts")).down,
  parameters: { flags: { keepRuntimes: { kind: "boolean", brief: "Leave local Kubernetes clusters running", default: false, withNegated: false } } },
  brief: "Stop the control plane and its local clusters; data stays",
});

export const status = command({
  run: async () => (await import("../commands/status.ts")).status,
  parameters: { flags: {} },
  brief: "Whether the control plane runs, and what it looks after",
});

const file = { kind: "tuple", parameters: [{ brief: "the file", parse: freeText, placeholder: "file" }] } as const;

export const backup = command({
  run: async () => (await import("../commands/database.ts")).backup,
  parameters: { flags: {}, positional: file },
  brief: "Copy everything in the control plane's database into a file, while it is in use",
  description: "The copy is one moment of the database. Secrets in it stay sealed: keep the key-encryption key (keys/ in the home) in another place.",
});

export const restore = command({
  run: async () => (await import("../commands/database.ts")).restore,
  parameters: { flags: {}, positional: file },
  brief: "Fill a new home, or an empty database, from a backup",
  description: "The control plane must not run. The home must hold the key-encryption key that the backup was made under.",
});

const rotateKeys = command({
  run: async () => (await import("../commands/database.ts")).rotateKeys,
  parameters: {
    flags: {
      keyEncryptionKey: { kind: "boolean", brief: "The key that wraps the data keys, in place of a new data key", default: false, withNegated: false },
    },
  },
  brief: "Make a new data key for all writes; what older ones sealed is resealed in the background",
});

const keyStatus = command({
  run: async () => (await import("../commands/database.ts")).keyStatus,
  parameters: { flags: {} },
  brief: "The data keys, and what is still sealed under older ones",
});

export const keys: RouteMap<CliContext> = buildRouteMap<string, CliContext>({
  routes: { rotate: rotateKeys, status: keyStatus },
  docs: { brief: "Keys that seal Secrets at rest" },
});

export const version = command({
  run: async () => (await import("../commands/version.ts")).version,
  parameters: { flags: {} },
  brief: "Versions of tptctl and of the control plane",
});

export const completion = command({
  run: async () => (await import("../commands/completion.ts")).completion,
  parameters: { flags: {}, positional: { kind: "tuple", parameters: [{ brief: "bash, zsh or fish", parse: freeText, placeholder: "shell" }] } },
  brief: "Print a completion script for your shell",
  description: "bash: source <(tptctl completion bash)   zsh: source <(tptctl completion zsh)   fish: tptctl completion fish | source",
});
