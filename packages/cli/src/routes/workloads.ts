import { freeText, integerBetween, labelText, nameText } from "../parse.ts";
import { command } from "./command.ts";
import { namespace, timeout, wait } from "./shared.ts";

const project = { kind: "parsed", parse: labelText, brief: "The project, which is a namespace", default: "default", placeholder: "name" } as const;

/** Flags that change what files say. */
const changes = {
  image: {
    kind: "parsed",
    parse: freeText,
    brief: "Image for containers of a Score workload that say `image: .`: IMAGE, or CONTAINER=IMAGE; may be given more than once",
    variadic: true,
    optional: true,
    placeholder: "image",
  },
  overridesFile: {
    kind: "parsed",
    parse: freeText,
    brief: "What is different in this environment: a document that is merged into the Score workload, or into the values of a chart",
    optional: true,
    placeholder: "file",
  },
  overrideProperty: {
    kind: "parsed",
    parse: freeText,
    brief: "One property that is different, such as containers.web.variables.LEVEL=debug; may be given more than once",
    variadic: true,
    optional: true,
    placeholder: "path=value",
  },
  dependencies: {
    kind: "parsed",
    parse: freeText,
    brief: "What manifests or a chart depend on: a file with resources, as a Score file has them",
    optional: true,
    placeholder: "file",
  },
  values: {
    kind: "parsed",
    parse: freeText,
    brief: "Values of a chart; of several files the last one counts",
    variadic: true,
    optional: true,
    placeholder: "file",
  },
  repo: { kind: "parsed", parse: freeText, brief: "Repository of a chart, whose name is given in place of a file", optional: true, placeholder: "https://…" },
  version: { kind: "parsed", parse: freeText, brief: "Version of a chart of a repository", optional: true, placeholder: "version" },
} as const;

/** As often as anybody runs something. */
const replicasMax = 100_000;
const place = {
  env: { kind: "parsed", parse: labelText, brief: "The environment to deploy to", placeholder: "name" },
  name: {
    kind: "parsed",
    parse: labelText,
    brief: "Name of the workload; from the first file unless given, and from the document of a Score workload",
    optional: true,
    placeholder: "name",
  },
  project,
  replicas: { kind: "parsed", parse: integerBetween(0, replicasMax), brief: "How often it runs in this environment", optional: true, placeholder: "number" },
} as const;
const files = {
  kind: "array",
  parameter: {
    brief: "Score files or Kubernetes manifests: a file, a folder, or - for standard input; or a chart: its folder, its .tgz, or oci://…/NAME",
    parse: freeText,
    placeholder: "file",
  },
  minimum: 1,
  maximum: 1000,
} as const;

export const deploy = command({
  run: async () => (await import("../commands/deploy.ts")).deploy,
  parameters: {
    flags: {
      ...place,
      ...changes,
      wait,
      timeout,
    },
    aliases: { n: "project" },
    positional: files,
  },
  brief: "Deploy a workload and watch it become healthy",
  description:
    "Each Score document is a workload; Kubernetes manifests are one workload together, and so is a chart. Repeating it deploys what changed and removes what left the files.",
});

export const validate = command({
  run: async () => (await import("../commands/validate.ts")).validate,
  parameters: { flags: { name: place.name, ...changes }, positional: files },
  brief: "Check the files of workloads, without a control plane",
});

export const render = command({
  run: async () => (await import("../commands/render.ts")).render,
  parameters: {
    flags: { ...place, ...changes, output: { kind: "enum", values: ["yaml", "json"], brief: "How to print", default: "yaml" } },
    aliases: { n: "project", o: "output" },
    positional: files,
  },
  brief: "Print the Kubernetes objects that a deployment would apply",
});

export const diff = command({
  run: async () => (await import("../commands/diff.ts")).diff,
  parameters: {
    flags: {
      ...place,
      ...changes,
      exitCode: { kind: "boolean", brief: "End with 1 when something would change", default: false, withNegated: false },
    },
    aliases: { n: "project" },
    positional: files,
  },
  brief: "Show what a deployment would change in the cluster",
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

/** Lines of a container's output that why shows at most. */
const whyTailMax = 200;

export const why = command({
  run: async () => (await import("../commands/why.ts")).why,
  parameters: {
    flags: {
      namespace,
      tail: { kind: "parsed", parse: integerBetween(0, whyTailMax), brief: "Lines of the failing container's output", default: "10", placeholder: "lines" },
      output: { kind: "enum", values: ["text", "json", "yaml"], brief: "How to print", default: "text" },
    },
    aliases: { n: "namespace", o: "output" },
    positional: {
      kind: "array",
      parameter: { brief: "A deployment, or KIND/NAME of any object", parse: freeText, placeholder: "object" },
      minimum: 1,
      maximum: 2,
    },
  },
  brief: "Say why something is not healthy, down to the container that caused it",
});

export const events = command({
  run: async () => (await import("../commands/events.ts")).events,
  parameters: {
    flags: { namespace },
    aliases: { n: "namespace" },
    positional: {
      kind: "tuple",
      parameters: [
        { brief: "The deployment, with its objects in the cluster; all of the project unless given", parse: nameText, optional: true, placeholder: "instance" },
      ],
    },
  },
  brief: "Show what happened lately",
});

export const history = command({
  run: async () => (await import("../commands/history.ts")).history,
  parameters: {
    flags: { namespace },
    aliases: { n: "namespace" },
    positional: { kind: "tuple", parameters: [{ brief: "The workload, or one of its deployments", parse: nameText, placeholder: "name" }] },
  },
  brief: "Show the releases of a workload, and where they run",
});

export const rollback = command({
  run: async () => (await import("../commands/history.ts")).rollback,
  parameters: {
    flags: {
      namespace,
      to: {
        kind: "parsed",
        parse: nameText,
        brief: "The release, or latest to follow the workload again; the one before unless given",
        optional: true,
        placeholder: "release",
      },
    },
    aliases: { n: "namespace" },
    positional: { kind: "tuple", parameters: [{ brief: "The deployment", parse: nameText, placeholder: "instance" }] },
  },
  brief: "Bring a deployment back to an earlier release, and keep it there",
});

const pod = { kind: "parsed", parse: nameText, brief: "Which of its pods; a ready one unless given", optional: true, placeholder: "name" } as const;
/** Words of a command, and ports, at most. */
const wordsMax = 1000;
const portsMax = 20;

export const exec = command({
  run: async () => (await import("../commands/exec.ts")).exec,
  parameters: {
    flags: {
      namespace,
      container: { kind: "parsed", parse: nameText, brief: "The container; the first one unless given", optional: true, placeholder: "name" },
      pod,
      stdin: { kind: "boolean", brief: "Pass standard input on", default: false, withNegated: false },
      tty: { kind: "boolean", brief: "As a terminal; passes standard input on too", default: false, withNegated: false },
    },
    aliases: { n: "namespace", c: "container", i: "stdin", t: "tty" },
    positional: {
      kind: "array",
      parameter: { brief: "The deployment, then -- and the program with its arguments", parse: (text: string) => text, placeholder: "instance -- command" },
      minimum: 2,
      maximum: wordsMax,
    },
  },
  brief: "Run a program in a container of a deployment",
});

export const portForward = command({
  run: async () => (await import("../commands/port-forward.ts")).portForward,
  parameters: {
    flags: {
      namespace,
      pod,
      address: { kind: "parsed", parse: freeText, brief: "Address to listen on", default: "127.0.0.1", placeholder: "address" },
    },
    aliases: { n: "namespace" },
    positional: {
      kind: "array",
      parameter: { brief: "The deployment, then PORT or LOCAL:REMOTE", parse: freeText, placeholder: "instance port" },
      minimum: 2,
      maximum: portsMax,
    },
  },
  brief: "Reach ports of a deployment on this machine",
});
