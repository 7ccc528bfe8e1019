import { isAbsolute, resolve } from "node:path";
import type { Exec } from "@threeport/platform";
import type { ErrorCause, JsonObject } from "@threeport/resource";
import { fieldCauses } from "./allowed-fields.ts";
import { chooseContext, type ChosenContext } from "./choose-context.ts";
import { runExecPlugin } from "./exec-credential.ts";
import { kubeconfigInvalid, readKubeconfig, textOrUndefined, type Entry } from "./kubeconfig-file.ts";
import { fileFields, filesOf, inlineValue, parseKubeconfig, unreadableFile } from "./parse-kubeconfig.ts";

export interface ResolveKubeconfigOptions {
  readonly readFile: (path: string) => string | Uint8Array | Promise<string | Uint8Array>;
  readonly exec: Exec;
  /** Folder of the kubeconfig: relative paths start there. */
  readonly baseDir: string;
  /** Default: the kubeconfig's `current-context`. */
  readonly context?: string;
  /** Hears sentences that the user should see, for example when a plugin's token ends soon. */
  readonly notice?: (sentence: string) => void;
}

/**
 * For the user's own machine: reads the files and runs the exec plugin that the chosen context names, and gives the text of a kubeconfig with this one
 * context that {@link parseKubeconfig} accepts as it is. Other contexts are left out, so their credentials go nowhere.
 * @throws PlatformError TP_KUBECONFIG_INVALID
 */
export async function resolveKubeconfig(text: string, options: ResolveKubeconfigOptions): Promise<string> {
  const chosen = chooseContext(readKubeconfig(text), options.context);
  const only = { currentContext: chosen.name, clusters: [chosen.cluster], users: chosen.user === undefined ? [] : [chosen.user], contexts: [] };
  const causes = fieldCauses(only, new Set([...Object.keys(fileFields), "exec"]));
  const cluster = await inlineFiles(chosen.cluster, options, causes);
  const user = chosen.user === undefined ? {} : await inlineFiles(chosen.user, options, causes);
  if (causes.length === 0 && chosen.user !== undefined)
    await inlinePlugin({ entry: chosen.user, user, cluster: { ...chosen.cluster, body: cluster } }, options, causes);
  if (causes.length > 0) throw kubeconfigInvalid(causes);
  const resolved = textOf(chosen, cluster, user);
  parseKubeconfig(resolved); // what the server would refuse is better refused here, where the user is
  return resolved;
}

async function inlineFiles(entry: Entry, options: ResolveKubeconfigOptions, causes: ErrorCause[]): Promise<JsonObject> {
  const body: JsonObject = { ...entry.body };
  for (const { field, inline, path } of filesOf(body)) {
    try {
      body[inline] = inlineValue(inline, await options.readFile(resolvePath(options.baseDir, path)));
    } catch (error) {
      causes.push(unreadableFile(`${entry.path}.${field}`, path, error));
    }
  }
  return body;
}

async function inlinePlugin(parts: { entry: Entry; user: JsonObject; cluster: Entry }, options: ResolveKubeconfigOptions, causes: ErrorCause[]): Promise<void> {
  const { entry, user, cluster } = parts;
  const spec = user["exec"];
  delete user["exec"];
  if (typeof spec !== "object" || spec === null) return;
  try {
    const credential = await runExecPlugin(spec as JsonObject, { exec: options.exec, cluster, resolvePath: (path) => resolvePath(options.baseDir, path) });
    if (credential.token !== undefined) user["token"] = credential.token;
    if (credential.clientCertificate !== undefined) user["client-certificate-data"] = Buffer.from(credential.clientCertificate).toString("base64");
    if (credential.clientKey !== undefined) user["client-key-data"] = Buffer.from(credential.clientKey).toString("base64");
    if (credential.expiresAt !== undefined)
      options.notice?.(
        `The credentials of user "${entry.name}" come from an exec plugin and end at ${credential.expiresAt}; a ServiceAccount token lasts longer.`,
      );
  } catch (error) {
    causes.push({ field: `${entry.path}.exec`, reason: "FieldValueInvalid", message: (error as Error).message });
  }
}

function resolvePath(baseDir: string, path: string): string {
  return isAbsolute(path) ? path : resolve(baseDir, path);
}

/** JSON is YAML: nothing needs quoting rules of its own. */
function textOf({ name, namespace }: ChosenContext, cluster: JsonObject, user: JsonObject): string {
  const keep = (body: JsonObject, fields: readonly string[]) =>
    Object.fromEntries(fields.flatMap((field) => (textOrUndefined(body[field]) === undefined ? [] : [[field, body[field]]])));
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": name,
    clusters: [{ name, cluster: keep(cluster, ["server", "certificate-authority-data", "tls-server-name"]) }],
    users: [{ name, user: keep(user, ["token", "client-certificate-data", "client-key-data"]) }],
    contexts: [{ name, context: { cluster: name, user: name, ...(namespace === undefined ? {} : { namespace }) } }],
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
