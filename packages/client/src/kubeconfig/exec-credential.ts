import type { Exec, RunResult } from "@threeport/platform";
import type { JsonObject } from "@threeport/resource";
import type { Entry } from "./kubeconfig-file.ts";

/** What a plugin hands out. */
export interface ExecCredential {
  readonly token?: string;
  readonly clientCertificate?: string;
  readonly clientKey?: string;
  /** RFC 3339; after it the credential is worth nothing. */
  readonly expiresAt?: string;
}

export interface ExecContext {
  readonly exec: Exec;
  /** Folder of the kubeconfig: a command with a slash is looked up from there. */
  readonly resolvePath: (path: string) => string;
  readonly cluster: Entry;
}

const apiVersions = new Set(["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"]);
/** A plugin may open a browser or ask for a second factor. */
const pluginTimeoutMs = 120_000;
const outputBytesMax = 1024 * 1024;
const excerptCharactersMax = 300;

/**
 * Runs the exec plugin of a user entry, as client-go does.
 * @throws Error with a sentence for people; never quotes what the plugin printed to its standard output, which holds the credential
 */
export async function runExecPlugin(spec: JsonObject, context: ExecContext): Promise<ExecCredential> {
  const { apiVersion, command } = spec;
  if (typeof command !== "string" || command === "") throw new Error("names no command");
  if (typeof apiVersion !== "string" || !apiVersions.has(apiVersion))
    throw new Error(`apiVersion must be one of ${[...apiVersions].join(", ")}; update the plugin and write the kubeconfig again`);
  if (spec["interactiveMode"] === "Always") throw new Error(`${command} insists on asking questions; log in with it first and use a mode that does not ask`);
  const args = list(spec["args"]).filter((arg): arg is string => typeof arg === "string");
  const info = {
    apiVersion,
    kind: "ExecCredential",
    spec: { interactive: false, ...(spec["provideClusterInfo"] === true ? { cluster: clusterInfo(context.cluster) } : {}) },
  };
  const env: Record<string, string> = { KUBERNETES_EXEC_INFO: JSON.stringify(info) };
  for (const item of list(spec["env"]) as { name?: unknown; value?: unknown }[]) {
    if (typeof item?.name === "string") env[item.name] = typeof item.value === "string" ? item.value : "";
  }
  const program = command.includes("/") ? context.resolvePath(command) : command;
  const result = await run(context.exec, { program, args, env, hint: typeof spec["installHint"] === "string" ? spec["installHint"].trim() : undefined });
  return readCredential(result.stdout, { apiVersion, command });
}

async function run(exec: Exec, call: { program: string; args: readonly string[]; env: Record<string, string>; hint: string | undefined }): Promise<RunResult> {
  let result: RunResult;
  try {
    result = await exec.run(call.program, call.args, { env: call.env, timeoutMs: pluginTimeoutMs, outputBytesMax });
  } catch (error) {
    if ((error as { code?: string }).code !== "ENOENT") throw new Error(`${call.program} cannot be started: ${(error as Error).message}`, { cause: error });
    throw new Error(`${call.program} is not installed${call.hint === undefined ? "" : `; ${call.hint.slice(0, excerptCharactersMax)}`}`, { cause: error });
  }
  if (result.code === null) throw new Error(`${call.program} did not end within ${pluginTimeoutMs / 1000} s`);
  if (result.code !== 0) throw new Error(`${call.program} ended with ${result.code}: ${result.stderr.trim().slice(-excerptCharactersMax)}`);
  return result;
}

function readCredential(stdout: string, expected: { apiVersion: string; command: string }): ExecCredential {
  const { apiVersion, command } = expected;
  let answer: { apiVersion?: unknown; kind?: unknown; status?: JsonObject };
  try {
    answer = JSON.parse(stdout) as typeof answer;
  } catch {
    throw new Error(`${command} printed something that is no ExecCredential`);
  }
  if (answer?.kind !== "ExecCredential" || answer.apiVersion !== apiVersion) throw new Error(`${command} must print an ExecCredential of ${apiVersion}`);
  const member = (name: string) => (typeof answer.status?.[name] === "string" && answer.status[name] !== "" ? answer.status[name] : undefined);
  const token = member("token");
  const clientCertificate = member("clientCertificateData");
  const clientKey = member("clientKeyData");
  const expiresAt = member("expirationTimestamp");
  if (token === undefined && (clientCertificate === undefined || clientKey === undefined))
    throw new Error(`${command} printed neither a token nor a client certificate with its key`);
  return {
    ...(token === undefined ? {} : { token }),
    ...(clientCertificate === undefined || clientKey === undefined ? {} : { clientCertificate, clientKey }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

function clusterInfo({ body }: Entry): JsonObject {
  const extension = (list(body["extensions"]) as JsonObject[]).find((item) => item?.["name"] === "client.authentication.k8s.io/exec")?.["extension"];
  return {
    server: body["server"],
    ...(body["tls-server-name"] === undefined ? {} : { "tls-server-name": body["tls-server-name"] }),
    ...(body["certificate-authority-data"] === undefined ? {} : { "certificate-authority-data": body["certificate-authority-data"] }),
    ...(extension === undefined ? {} : { config: extension }),
  };
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
