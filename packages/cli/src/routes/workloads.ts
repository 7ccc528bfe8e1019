import { freeText, integerBetween, labelText, nameText } from "../parse.ts";
import { command } from "./command.ts";
import { namespace, timeout, wait } from "./shared.ts";

const project = { kind: "parsed", parse: labelText, brief: "The project, which is a namespace", default: "default", placeholder: "name" } as const;

export const deploy = command({
  run: async () => (await import("../commands/deploy.ts")).deploy,
  parameters: {
    flags: {
      env: { kind: "parsed", parse: labelText, brief: "The environment to deploy to", placeholder: "name" },
      name: { kind: "parsed", parse: labelText, brief: "Name of the workload; from the first file unless given", optional: true, placeholder: "name" },
      project,
      wait,
      timeout,
    },
    aliases: { n: "project" },
    positional: {
      kind: "array",
      parameter: { brief: "Kubernetes manifests: a file, a folder, or - for standard input", parse: freeText, placeholder: "file" },
      minimum: 1,
      maximum: 1000,
    },
  },
  brief: "Deploy a workload and watch it become healthy",
  description: "All documents of the files become one workload. Repeating it deploys what changed and removes what left the files.",
});

export const tree = command({
  run: async () => (await import("../commands/tree.ts")).tree,
  parameters: {
    flags: { namespace, watch: { kind: "boolean", brief: "Go on until Ctrl-C", default: false, withNegated: false } },
    aliases: { n: "namespace", w: "watch" },
    positional: {
      kind: "tuple",
      parameters: [{ brief: "The deployment; all of the project unless given", parse: nameText, optional: true, placeholder: "instance" }],
    },
  },
  brief: "Show a deployment with its objects, down to the pods",
});

/** Lines of each container that are asked for at most. */
const tailMax = 100_000;

export const logs = command({
  run: async () => (await import("../commands/logs.ts")).logs,
  parameters: {
    flags: {
      namespace,
      follow: { kind: "boolean", brief: "Go on as lines come", default: false, withNegated: false },
      container: { kind: "parsed", parse: nameText, brief: "Only containers of this name", optional: true, placeholder: "name" },
      tail: { kind: "parsed", parse: integerBetween(0, tailMax), brief: "Only the last lines of each container", optional: true, placeholder: "lines" },
      previous: { kind: "boolean", brief: "Of the run before the last restart", default: false, withNegated: false },
    },
    aliases: { n: "namespace", f: "follow", c: "container", p: "previous" },
    positional: { kind: "tuple", parameters: [{ brief: "The deployment", parse: nameText, placeholder: "instance" }] },
  },
  brief: "Print what the containers of a deployment write",
});

const steering = {
  flags: { namespace },
  aliases: { n: "namespace" },
  positional: { kind: "tuple", parameters: [{ brief: "The deployment", parse: nameText, placeholder: "instance" }] },
} as const;

export const pause = command({
  run: async () => (await import("../commands/steer.ts")).pause,
  parameters: steering,
  brief: "Keep what a deployment runs: releases wait until it is resumed",
});

export const resume = command({
  run: async () => (await import("../commands/steer.ts")).resume,
  parameters: steering,
  brief: "Let a paused deployment go on",
});

export const restart = command({
  run: async () => (await import("../commands/steer.ts")).restart,
  parameters: steering,
  brief: "Replace the pods of a deployment, by its own rules for a rolling update",
});
