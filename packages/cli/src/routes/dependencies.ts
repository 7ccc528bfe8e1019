import { buildRouteMap, type RouteMap } from "@stricli/core";
import type { CliContext } from "../context.ts";
import { freeText, labelText, nameText } from "../parse.ts";
import { command } from "./command.ts";
import { allNamespaces, namespace, output, timeout, wait } from "./shared.ts";

const typeText = { brief: "The type, as a resource in a Score file has it: postgres, redis, …", parse: nameText, placeholder: "type" } as const;

const listOfProfiles = command({
  run: async () => (await import("../commands/profiles.ts")).listProfiles,
  parameters: {
    flags: {
      type: { kind: "parsed", parse: nameText, brief: "Only those of this type", optional: true, placeholder: "type" },
      output: { kind: "enum", values: ["table", "json", "yaml", "name"], brief: "How to print", default: "table" },
    },
    aliases: { o: "output" },
  },
  brief: "List profiles, and where each may be used",
});

const explain = command({
  run: async () => (await import("../commands/profiles.ts")).explainProfile,
  parameters: {
    flags: {
      env: { kind: "parsed", parse: labelText, brief: "The environment that it would be for", placeholder: "name" },
      class: { kind: "parsed", parse: nameText, brief: "The class, as a resource has it", default: "default", placeholder: "class" },
      namespace,
      output: { kind: "enum", values: ["text", "json", "yaml"], brief: "How to print", default: "text" },
    },
    aliases: { n: "namespace", o: "output" },
    positional: { kind: "tuple", parameters: [typeText] },
  },
  brief: "Say which profile a new dependency of a type would get, why, and what it takes and gives",
});

const render = command({
  run: async () => (await import("../commands/render-profile.ts")).renderProfile,
  parameters: {
    flags: {
      stored: { kind: "parsed", parse: nameText, brief: "A profile that is there, in place of a file", optional: true, placeholder: "profile" },
      params: { kind: "parsed", parse: freeText, brief: "What a developer would ask for: JSON, or @FILE of YAML", optional: true, placeholder: "params" },
      requires: {
        kind: "parsed",
        parse: freeText,
        brief: "Outputs of what it requires, by name: JSON, or @FILE of YAML; marks stand for others",
        optional: true,
        placeholder: "outputs",
      },
      services: {
        kind: "parsed",
        parse: freeText,
        brief: "Outputs of support services, by name: JSON, or @FILE of YAML; marks stand for others",
        optional: true,
        placeholder: "outputs",
      },
      workload: {
        kind: "parsed",
        parse: freeText,
        brief: "The workload that it would be for: JSON, or @FILE of YAML; an example unless given",
        optional: true,
        placeholder: "workload",
      },
      env: {
        kind: "parsed",
        parse: labelText,
        brief: "The environment that it would be for; marks stand for it unless given",
        optional: true,
        placeholder: "name",
      },
      name: { kind: "parsed", parse: labelText, brief: "What objects would be named after", optional: true, placeholder: "name" },
      namespace,
      output: { kind: "enum", values: ["yaml", "json"], brief: "How to print", default: "yaml" },
    },
    aliases: { n: "namespace", o: "output" },
    positional: {
      kind: "tuple",
      parameters: [{ brief: "The profile's file, or - for standard input", parse: freeText, optional: true, placeholder: "file" }],
    },
  },
  brief: "Print the objects and outputs that a profile would make; nothing is stored or made",
});

const diffOfProfile = command({
  run: async () => (await import("../commands/diff-profile.ts")).diffProfile,
  parameters: {
    flags: { exitCode: { kind: "boolean", brief: "End with 1 when something would change", default: false, withNegated: false } },
    positional: { kind: "tuple", parameters: [{ brief: "The profile's file, or - for standard input", parse: freeText, placeholder: "file" }] },
  },
  brief: "Show what a changed profile would change of the dependencies that it meets",
});

export const profile: RouteMap<CliContext> = buildRouteMap<string, CliContext>({
  routes: { list: listOfProfiles, explain, render, diff: diffOfProfile },
  docs: { brief: "Profiles: how dependencies are met" },
});

const dependencyName = { brief: "Its name, as tptctl dependency list shows it", parse: nameText, placeholder: "name" } as const;

const list = command({
  run: async () => (await import("../commands/dependencies.ts")).listDependencies,
  parameters: { flags: { namespace, allNamespaces, output }, aliases: { n: "namespace", A: "allNamespaces", o: "output" } },
  brief: "List dependencies",
});

const rotate = command({
  run: async () => (await import("../commands/dependencies.ts")).rotateDependency,
  parameters: {
    flags: {
      namespace,
      value: {
        kind: "parsed",
        parse: nameText,
        brief: "Which generated value; all that can be made anew unless given; may be given more than once",
        variadic: true,
        optional: true,
        placeholder: "name",
      },
      wait,
      timeout,
    },
    aliases: { n: "namespace" },
    positional: { kind: "tuple", parameters: [dependencyName] },
  },
  brief: "Make new passwords for a dependency; pods that use it are replaced",
});

const update = command({
  run: async () => (await import("../commands/update-dependency.ts")).updateDependency,
  parameters: {
    flags: { namespace, wait, timeout },
    aliases: { n: "namespace" },
    positional: { kind: "tuple", parameters: [dependencyName] },
  },
  brief: "Let a dependency take what changed of its profile since, whatever the profile's updatePolicy says",
});

const rematch = command({
  run: async () => (await import("../commands/rematch.ts")).rematchDependency,
  parameters: {
    flags: {
      namespace,
      dryRun: { kind: "boolean", brief: "Only say what would become of it", default: false, withNegated: false },
      yes: { kind: "boolean", brief: "What the present profile made may be lost", default: false, withNegated: false },
      wait,
      timeout,
    },
    aliases: { n: "namespace" },
    positional: { kind: "tuple", parameters: [dependencyName] },
  },
  brief: "Choose a profile anew for a dependency; what the present one made is removed",
});

export const dependency: RouteMap<CliContext> = buildRouteMap<string, CliContext>({
  routes: { list, rotate, update, rematch },
  docs: { brief: "Dependencies: what workloads need, as it was made for them" },
});

export const graph = command({
  run: async () => (await import("../commands/graph.ts")).graph,
  parameters: {
    flags: {
      namespace,
      env: { kind: "parsed", parse: labelText, brief: "Only what is in this environment", optional: true, placeholder: "name" },
      output: { kind: "enum", values: ["dot", "mermaid", "json"], brief: "How to print; tptctl tree shows it as text" },
    },
    aliases: { n: "namespace", o: "output" },
    positional: {
      kind: "tuple",
      parameters: [{ brief: "The deployment; all of the project unless given", parse: nameText, optional: true, placeholder: "instance" }],
    },
  },
  brief: "Draw deployments, what they depend on, and what that requires",
});
