import { PlatformError, type ErrorCause, type JsonObject } from "@threeport/resource";
import { endpointOf, type ConnectionConfig } from "../connection.ts";
import { fieldCauses } from "./allowed-fields.ts";
import { chooseContext } from "./choose-context.ts";
import { kubeconfigInvalid, readKubeconfig, textOrUndefined, type Entry } from "./kubeconfig-file.ts";
import { pemOf } from "./pem.ts";

export interface ParseKubeconfigOptions {
  /** Default: the kubeconfig's `current-context`. */
  readonly context?: string;
  /**
   * What happens to paths of files. `refuse` (default) is the only right answer for text that somebody sent us; a program that reads the
   * user's own kubeconfig passes a reader.
   */
  readonly resolveFiles?: "refuse" | { readonly readFile: (path: string) => string | Uint8Array };
}

/** The fields that name files, and what they stand for. */
export const fileFields = {
  "certificate-authority": "certificate-authority-data",
  "client-certificate": "client-certificate-data",
  "client-key": "client-key-data",
  tokenFile: "token",
} as const;

/**
 * Reads a kubeconfig strictly (design P4): inline certificates, keys and tokens only, everything else is refused with one cause a field that
 * says what to write instead. Whole entries are checked, not only the chosen context, because the whole text is what is stored.
 * @throws PlatformError TP_KUBECONFIG_INVALID
 */
export function parseKubeconfig(text: string, options: ParseKubeconfigOptions = {}): ConnectionConfig {
  const file = readKubeconfig(text);
  const reader = options.resolveFiles === undefined || options.resolveFiles === "refuse" ? undefined : options.resolveFiles.readFile;
  const causes = fieldCauses(file, new Set(reader === undefined ? [] : Object.keys(fileFields)));
  if (causes.length > 0) throw kubeconfigInvalid(causes);
  const { cluster, user, namespace } = chooseContext(file, options.context);
  const inlined = (entry: Entry) => (reader === undefined ? entry : inlineFiles(entry, reader));
  return connectionOf({ cluster: inlined(cluster), user: user === undefined ? undefined : inlined(user), namespace });
}

function inlineFiles(entry: Entry, readFile: (path: string) => string | Uint8Array): Entry {
  const body: JsonObject = { ...entry.body };
  const causes: ErrorCause[] = [];
  for (const { field, inline, path } of filesOf(body)) {
    try {
      body[inline] = inlineValue(inline, readFile(path));
    } catch (error) {
      causes.push(unreadableFile(`${entry.path}.${field}`, path, error));
    }
  }
  if (causes.length > 0) throw kubeconfigInvalid(causes);
  return { ...entry, body };
}

/** The files that a body needs: certificates and keys that stand inline win over their files, a token's file wins over the token, as in kubectl. */
export function filesOf(body: JsonObject): { field: string; inline: string; path: string }[] {
  return Object.entries(fileFields).flatMap(([field, inline]) => {
    const path = textOrUndefined(body[field]);
    return path === undefined || (inline !== "token" && textOrUndefined(body[inline]) !== undefined) ? [] : [{ field, inline, path }];
  });
}

export function unreadableFile(field: string, path: string, error: unknown): ErrorCause {
  return { field, reason: "FieldValueInvalid", message: `the file ${path} cannot be read (${(error as { code?: string }).code ?? "unknown"})` };
}

/** Certificates and keys stand in base64; a token as it is. */
export function inlineValue(inline: string, content: string | Uint8Array): string {
  return inline === "token" ? Buffer.from(content).toString("utf8").trim() : Buffer.from(content).toString("base64");
}

function connectionOf(parts: { cluster: Entry; user: Entry | undefined; namespace: string | undefined }): ConnectionConfig {
  const { cluster, user, namespace } = parts;
  const causes: ErrorCause[] = [];
  const server = textOrUndefined(cluster.body["server"]);
  if (server === undefined)
    causes.push({ field: `${cluster.path}.server`, reason: "FieldValueRequired", message: "write the API server's address, https://host:port" });
  const pem = (entry: Entry | undefined, field: string) => (entry === undefined ? undefined : pemOf(entry.body[field], `${entry.path}.${field}`, causes));
  const caData = pem(cluster, "certificate-authority-data");
  const clientCertificate = pem(user, "client-certificate-data");
  const clientKey = pem(user, "client-key-data");
  const token = textOrUndefined(user?.body["token"]);
  const tlsServerName = textOrUndefined(cluster.body["tls-server-name"]);
  const config: ConnectionConfig = {
    server: server ?? "",
    ...(caData === undefined ? {} : { caData }),
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
    ...(clientKey === undefined ? {} : { clientKey }),
    ...(token === undefined ? {} : { token: token.trim() }),
    ...(tlsServerName === undefined ? {} : { tlsServerName }),
    ...(namespace === undefined ? {} : { namespace }),
  };
  if (causes.length === 0) causes.push(...endpointCauses(config, cluster));
  if (causes.length > 0) throw kubeconfigInvalid(causes);
  return config;
}

function endpointCauses(config: ConnectionConfig, cluster: Entry): ErrorCause[] {
  try {
    endpointOf(config);
    return [];
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    return [{ field: `${cluster.path}.server`, reason: "FieldValueInvalid", message: error.message }];
  }
}
