import { buildRouteMap, type RouteMap } from "@stricli/core";
import type { CliContext } from "../context.ts";
import { freeText, labelsOf, labelText, quotaOf, ttlText } from "../parse.ts";
import { command } from "./command.ts";
import { label, output, timeout, wait } from "./shared.ts";

const tiers = ["development", "staging", "production"] as const;
const ttl = {
  kind: "parsed",
  parse: ttlText,
  brief: "How long it lives, such as 90m, 4h or 7d; then all that is in it goes, and itself",
  placeholder: "time",
} as const;

const create = command({
  run: async () => (await import("../commands/environments.ts")).createEnvironment,
  parameters: {
    flags: {
      runtime: { kind: "parsed", parse: labelText, brief: "The cluster that its workloads run on", optional: true, placeholder: "name" },
      runtimeLabels: {
        kind: "parsed",
        parse: labelsOf,
        brief: "Labels of the cluster, zone=eu,size=large: of those that have them the one with the fewest environments, chosen once",
        optional: true,
        placeholder: "labels",
      },
      tier: { kind: "enum", values: tiers, brief: "How careful to be", default: "development" },
      ttl: { ...ttl, optional: true },
      project: { kind: "parsed", parse: labelText, brief: "The only project that may deploy there", optional: true, placeholder: "name" },
      quota: {
        kind: "parsed",
        parse: quotaOf,
        brief: "How much there may be: workloads=20,dependencies=10,cpu=8,memory=32Gi",
        optional: true,
        placeholder: "limits",
      },
      projectQuota: { kind: "parsed", parse: quotaOf, brief: "How much of it each project may have", optional: true, placeholder: "limits" },
    },
    positional: { kind: "tuple", parameters: [label] },
  },
  brief: "Make an environment on a runtime",
});

const clone = command({
  run: async () => (await import("../commands/clone-environment.ts")).cloneEnvironment,
  parameters: {
    flags: {
      project: { kind: "parsed", parse: labelText, brief: "The project whose deployments are made again there, and that it belongs to", default: "default" },
      ttl: { ...ttl, optional: true },
      runtime: { kind: "parsed", parse: labelText, brief: "Another cluster", optional: true, placeholder: "name" },
      tier: { kind: "enum", values: tiers, brief: "Not above that of the source; development unless said", optional: true },
      baseDomain: {
        kind: "parsed",
        parse: freeText,
        brief: "What its host names end with; as of the source unless said",
        optional: true,
        placeholder: "domain",
      },
      wait,
      timeout,
    },
    positional: {
      kind: "tuple",
      parameters: [
        { ...label, brief: "The environment that is cloned", placeholder: "source" },
        { ...label, brief: "Name of the new one" },
      ],
    },
  },
  brief: "Make an environment with what another one says and a project has deployed there",
  description:
    "Makes an environment for one project: it says what the source says, and the project's deployments are made again in it, with dependencies of their own. No data is shared or copied. Later changes of the source move nothing.",
});

const extend = command({
  run: async () => (await import("../commands/environments.ts")).extendEnvironment,
  parameters: { flags: { ttl }, positional: { kind: "tuple", parameters: [label] } },
  brief: "Let the time of an environment count from now again",
});

const list = command({
  run: async () => (await import("../commands/environments.ts")).listEnvironments,
  parameters: { flags: { output }, aliases: { o: "output" } },
  brief: "List environments",
});

const describe = command({
  run: async () => (await import("../commands/describe-environment.ts")).describeEnvironment,
  parameters: { flags: {}, positional: { kind: "tuple", parameters: [label] } },
  brief: "Show an environment, what it gives to workloads, and how they are",
});

const remove = command({
  run: async () => (await import("../commands/delete-environment.ts")).deleteEnvironment,
  parameters: {
    flags: { cascade: { kind: "boolean", brief: "Delete its deployments too", default: false, withNegated: false }, timeout },
    positional: { kind: "tuple", parameters: [label] },
  },
  brief: "Delete an environment; refused while something is deployed there, unless --cascade",
});

export const environment: RouteMap<CliContext> = buildRouteMap<string, CliContext>({
  routes: { create, clone, extend, list, describe, delete: remove },
  docs: { brief: "Environments: where workloads are deployed" },
});
