import { kubeconfigInvalid, textOrUndefined, type Entry, type KubeconfigFile } from "./kubeconfig-file.ts";

/** A context with what it points to. */
export interface ChosenContext {
  readonly name: string;
  readonly cluster: Entry;
  /** A context without a user talks without credentials. */
  readonly user: Entry | undefined;
  readonly namespace: string | undefined;
}

/** The context that is asked for, else `current-context`, else the only one. @throws PlatformError TP_KUBECONFIG_INVALID */
export function chooseContext(file: KubeconfigFile, wanted: string | undefined): ChosenContext {
  const name = wanted ?? file.currentContext ?? (file.contexts.length === 1 ? file.contexts[0]?.name : undefined);
  const known =
    file.contexts
      .map((context) => context.name)
      .slice(0, 10)
      .join(", ") || "none";
  if (name === undefined)
    throw kubeconfigInvalid([
      file.contexts.length === 0
        ? { field: "contexts", reason: "FieldValueRequired", message: "it has no context" }
        : { field: "current-context", reason: "FieldValueRequired", message: `say which context is meant: ${known}` },
    ]);
  const context = file.contexts.find((entry) => entry.name === name);
  if (context === undefined)
    throw kubeconfigInvalid([{ field: "contexts", reason: "FieldValueNotFound", message: `there is no context "${name}"; it has: ${known}` }]);
  const userName = textOrUndefined(context.body["user"]);
  return {
    name,
    cluster: pick(file.clusters, { name: textOrUndefined(context.body["cluster"]), path: `${context.path}.cluster`, what: "cluster" }),
    user: userName === undefined ? undefined : pick(file.users, { name: userName, path: `${context.path}.user`, what: "user" }),
    namespace: textOrUndefined(context.body["namespace"]),
  };
}

function pick(entries: readonly Entry[], wanted: { name: string | undefined; path: string; what: string }): Entry {
  const found = entries.find((entry) => entry.name === wanted.name);
  if (found !== undefined) return found;
  const message = wanted.name === undefined ? `must name a ${wanted.what}` : `there is no ${wanted.what} "${wanted.name}"`;
  throw kubeconfigInvalid([{ field: wanted.path, reason: "FieldValueNotFound", message }]);
}
