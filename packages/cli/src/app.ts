import { ArgumentScannerError, buildApplication, buildRouteMap, text_en, type Application } from "@stricli/core";
import type { CliContext } from "./context.ts";
import { backup, completion, down, keys, restore, status, up, version } from "./routes/control-plane.ts";
import { dependency, graph, profile } from "./routes/dependencies.ts";
import { environment } from "./routes/environments.ts";
import { apply, deleteObjects, describe, edit, get, wait } from "./routes/objects.ts";
import { runtime } from "./routes/runtimes.ts";
import { deploy, diff, events, exec, history, logs, pause, portForward, render, restart, resume, rollback, tree, validate, why } from "./routes/workloads.ts";
import { productVersion } from "./version.ts";

const root = buildRouteMap<string, CliContext>({
  routes: {
    up,
    down,
    status,
    runtime,
    env: environment,
    deploy,
    validate,
    render,
    diff,
    tree,
    graph,
    why,
    events,
    logs,
    exec,
    "port-forward": portForward,
    history,
    rollback,
    pause,
    resume,
    restart,
    profile,
    dependency,
    get,
    describe,
    apply,
    edit,
    delete: deleteObjects,
    wait,
    backup,
    restore,
    keys,
    version,
    completion,
  },
  docs: {
    brief: "Threeport: gives a workload everything it depends on, when and only when it needs it",
    fullDescription:
      "Start with `tptctl up`, then `tptctl runtime add`, `tptctl env create` and `tptctl deploy`. THREEPORT_HOME names the folder of the control plane.",
  },
});

/** All commands. What is loaded here is loaded for every run, so it is only names and help. */
export const app: Application<CliContext> = buildApplication(root, {
  name: "tptctl",
  versionInfo: { currentVersion: productVersion },
  scanner: { caseStyle: "allow-kebab-for-camel", allowArgumentEscapeSequence: true },
  documentation: { useAliasInUsageLine: false, onlyRequiredInUsageLine: true },
  localization: {
    text: {
      ...text_en,
      exceptionWhileParsingArguments: (error) =>
        usage(
          error instanceof ArgumentScannerError ? error.message : `the arguments cannot be read: ${error instanceof Error ? error.message : String(error)}`,
        ),
      noCommandRegisteredForInput: ({ input, corrections }) =>
        usage(`there is no command ${JSON.stringify(input.slice(0, 60))}${corrections.length === 0 ? "" : `; did you mean ${corrections.join(" or ")}?`}`),
    },
  },
});

function usage(sentence: string): string {
  return `error: ${sentence.charAt(0).toLowerCase()}${sentence.slice(1)}\nhint: add --help to see what it takes`;
}
