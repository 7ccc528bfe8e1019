import { buildRouteMap, type RouteMap } from "@stricli/core";
import type { CliContext } from "../context.ts";
import { labelText, quotaOf } from "../parse.ts";
import { command } from "./command.ts";
import { label, output, timeout } from "./shared.ts";

const create = command({
  run: async () => (await import("../commands/environments.ts")).createEnvironment,
  parameters: {
    flags: {
      runtime: { kind: "parsed", parse: labelText, brief: "The cluster that its workloads run on", placeholder: "name" },
      tier: { kind: "enum", values: ["development", "staging", "production"], brief: "How careful to be", default: "development" },
      quota: { kind: "parsed", parse: quotaOf, brief: "How much there may be: workloads=20,cpu=8,memory=32Gi", optional: true, placeholder: "limits" },
      projectQuota: { kind: "parsed", parse: quotaOf, brief: "How much of it each project may have", optional: true, placeholder: "limits" },
    },
    positional: { kind: "tuple", parameters: [label] },
  },
  brief: "Make an environment on a runtime",
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
  run: async () => (await import("../commands/environments.ts")).deleteEnvironment,
  parameters: {
    flags: { cascade: { kind: "boolean", brief: "Delete its deployments too", default: false, withNegated: false }, timeout },
    positional: { kind: "tuple", parameters: [label] },
  },
  brief: "Delete an environment; refused while something is deployed there, unless --cascade",
});

export const environment: RouteMap<CliContext> = buildRouteMap<string, CliContext>({
  routes: { create, list, describe, delete: remove },
  docs: { brief: "Environments: where workloads are deployed" },
});
