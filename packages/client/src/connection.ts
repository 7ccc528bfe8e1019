import { PlatformError } from "@threeport/resource";

/** All that is needed to talk to one Kubernetes-style API server. Values are inline: nothing here is a path to a file. */
export interface ConnectionConfig {
  /** `https://host:port`, with a path in front of the API where a proxy asks for one. */
  readonly server: string;
  /** PEM of the authorities that may sign the server's certificate. Without it the machine's own authorities decide. */
  readonly caData?: string;
  /** PEM; comes together with `clientKey`. */
  readonly clientCertificate?: string;
  /** PEM; comes together with `clientCertificate`. */
  readonly clientKey?: string;
  readonly token?: string;
  /** The name that the server's certificate must carry, where it differs from the host in `server`. */
  readonly tlsServerName?: string;
  /** What the kubeconfig's context names; requests never fall back to it by themselves. */
  readonly namespace?: string;
}

/** Where requests go, taken apart once. */
export interface Endpoint {
  /** `https://host:port` */
  readonly origin: string;
  /** In front of every path; "" where the API stands at the root. */
  readonly basePath: string;
  /** For messages: host and port, never credentials. */
  readonly host: string;
  readonly secure: boolean;
}

const loopbackHosts = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Takes the address of a connection apart and refuses what would leak credentials.
 * @throws PlatformError TP_KUBECONFIG_INVALID
 */
export function endpointOf(config: ConnectionConfig): Endpoint {
  const url = parseServer(config.server);
  const credentials = config.token !== undefined || config.clientKey !== undefined;
  if (url.protocol === "http:" && credentials && !loopbackHosts.has(url.hostname)) {
    throw invalid(`credentials would travel unencrypted to http://${url.host}; write an https:// address`);
  }
  if ((config.clientCertificate === undefined) !== (config.clientKey === undefined)) {
    throw invalid("a client certificate and its key come together; only one of them is there");
  }
  if (config.token !== undefined && !/^[\x21-\x7e]+$/.test(config.token)) {
    throw invalid("the token holds white space or characters that no HTTP header can carry; check how it was copied");
  }
  return { origin: url.origin, basePath: url.pathname.replace(/\/+$/, ""), host: url.host, secure: url.protocol === "https:" };
}

function parseServer(server: string): URL {
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw invalid("the server's address must look like https://host:port");
  }
  if (url.username !== "" || url.password !== "") {
    throw invalid("the server's address holds a user or a password; remove them and use a token or a client certificate");
  }
  if (url.search !== "" || url.hash !== "") throw invalid("the server's address may not hold `?` or `#`");
  return url;
}

function invalid(message: string): PlatformError {
  return new PlatformError("TP_KUBECONFIG_INVALID", { message });
}
