import { buildRouteMap, type RouteMap } from "@stricli/core";
import type { CliContext } from "../context.ts";
import { freeText } from "../parse.ts";
import { command } from "./command.ts";
import { label, output, timeout, wait } from "./shared.ts";

const add = command({
  run: async () => (await import("../commands/runtimes.ts")).addRuntime,
  parameters: {
    flags: {
      kubeconfig: {
        kind: "parsed",
        parse: freeText,
        brief: "The cluster's kubeconfig; KUBECONFIG or ~/.kube/config unless given",
        optional: true,
        placeholder: "file",
      },
      context: { kind: "parsed", parse: freeText, brief: "Context in the kubeconfig; its current one unless given", optional: true, placeholder: "name" },
      provider: {
        kind: "enum",
        values: ["kubeconfig", "local", "kind"],
        brief: "kubeconfig: a cluster that exists; local: a Kubernetes on this machine; kind: one in containers, where kind and Docker are",
        default: "kubeconfig",
      },
      wait,
      timeout,
    },
    positional: { kind: "tuple", parameters: [label] },
  },
  brief: "Add a Kubernetes cluster",
  description: "Files and exec plugins of the kubeconfig are resolved on this machine; only a CA, a token or a client certificate reach the control plane.",
});

const list = command({
  run: async () => (await import("../commands/runtimes.ts")).listRuntimes,
  parameters: { flags: { output }, aliases: { o: "output" } },
  brief: "List clusters",
});

const remove = command({
  run: async () => (await import("../commands/runtimes.ts")).deleteRuntime,
  parameters: { flags: { wait, timeout }, positional: { kind: "tuple", parameters: [label] } },
  brief: "Remove a cluster; a local one is stopped, others are left as they are",
});

const claim = command({
  run: async () => (await import("../commands/runtimes.ts")).claimRuntime,
  parameters: { flags: { wait, timeout }, positional: { kind: "tuple", parameters: [label] } },
  brief: "Take a cluster over from another control plane",
});

const loadImage = command({
  run: async () => (await import("../commands/load-image.ts")).loadImage,
  parameters: {
    flags: {},
    positional: {
      kind: "tuple",
      parameters: [label, { brief: "An archive of images, as docker save or skopeo write it", parse: freeText, placeholder: "file" }],
    },
  },
  brief: "Put container images into a local cluster; they are there again after its next start",
});

export const runtime: RouteMap<CliContext> = buildRouteMap<string, CliContext>({
  routes: { add, list, delete: remove, claim, "load-image": loadImage },
  docs: { brief: "Runtimes: the Kubernetes clusters that workloads run on" },
});
