import { PlatformError, type ErrorCause, type JsonObject } from "@threeport/resource";
import { loadYamlDocuments } from "@threeport/resource/yaml";

/** A kubeconfig taken apart, before any rule is applied. */
export interface KubeconfigFile {
  readonly currentContext: string | undefined;
  readonly clusters: readonly Entry[];
  readonly users: readonly Entry[];
  readonly contexts: readonly Entry[];
}

/** One named entry; `path` is where its body stands: `users[0].user`. */
export interface Entry {
  readonly name: string;
  readonly path: string;
  readonly body: JsonObject;
}

/** One that fits on a screen has 10 KiB; certificates make it larger. What is read here was sent by somebody. */
const limits = { bytesMax: 256 * 1024, nodesMax: 5_000, depthMax: 20, documentsMax: 2 };

/** @throws PlatformError TP_KUBECONFIG_INVALID; no message quotes the text, which holds credentials */
export function readKubeconfig(text: string): KubeconfigFile {
  const root = load(text);
  const causes: ErrorCause[] = [];
  if (root["kind"] !== undefined && root["kind"] !== "Config")
    causes.push({ field: "kind", reason: "FieldValueInvalid", message: "must be Config; this is no kubeconfig" });
  const read = (list: string, member: string) => entries(root[list], { list, member, causes });
  const file = {
    currentContext: textOrUndefined(root["current-context"]),
    clusters: read("clusters", "cluster"),
    users: read("users", "user"),
    contexts: read("contexts", "context"),
  };
  if (causes.length > 0) throw kubeconfigInvalid(causes);
  return file;
}

export function kubeconfigInvalid(causes: readonly ErrorCause[]): PlatformError {
  const lines = causes.map(({ field, message }) => (field === undefined ? message : `${field}: ${message}`));
  return new PlatformError("TP_KUBECONFIG_INVALID", { message: `the kubeconfig cannot be used: ${lines.join("; ")}`, causes });
}

export function textOrUndefined(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function load(text: string): JsonObject {
  try {
    const { documents } = loadYamlDocuments(text, limits);
    const [first, second] = documents;
    if (first === undefined || second !== undefined) throw kubeconfigInvalid([{ message: "it must be one YAML document" }]);
    return first.value;
  } catch (error) {
    if (!(error instanceof PlatformError) || error.code !== "TP_YAML_INVALID") throw error;
    throw kubeconfigInvalid([{ message: `the YAML cannot be read: ${error.message}` }]);
  }
}

function entries(value: unknown, context: { list: string; member: string; causes: ErrorCause[] }): Entry[] {
  const { list, member, causes } = context;
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    causes.push({ field: list, reason: "FieldValueInvalid", message: "must be a list" });
    return [];
  }
  const seen = new Set<string>();
  return value.flatMap((item: unknown, index) => {
    const at = `${list}[${index}]`;
    const name = isObject(item) ? textOrUndefined(item["name"]) : undefined;
    const body = isObject(item) ? (item[member] ?? {}) : undefined;
    if (name === undefined || !isObject(body)) {
      causes.push({ field: at, reason: "FieldValueInvalid", message: `must have a name and a ${member}` });
      return [];
    }
    if (seen.has(name)) causes.push({ field: `${at}.name`, reason: "FieldValueDuplicate", message: "stands twice; remove one" });
    seen.add(name);
    return [{ name, path: `${at}.${member}`, body }];
  });
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
