import { PlatformError } from "@threeport/resource";

/** What failed, in words; the key is the code that Node, OpenSSL or undici gives. */
const sentences: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused; nothing listens there, or a firewall answers",
  ECONNRESET: "the connection was reset",
  EPIPE: "the connection was closed while we were sending",
  EHOSTUNREACH: "there is no route to the host",
  ENETUNREACH: "there is no route to the network",
  ETIMEDOUT: "the connection timed out",
  ENOTFOUND: "the host name does not resolve; check the address and DNS",
  EAI_AGAIN: "DNS does not answer right now",
  UND_ERR_CONNECT_TIMEOUT: "no connection within the connect timeout; check the address and firewalls",
  UND_ERR_SOCKET: "the server closed the connection before the answer was complete",
  UND_ERR_DESTROYED: "this client was closed",
  UND_ERR_CLOSED: "this client was closed",
  UND_ERR_HEADERS_OVERFLOW: "the answer's headers are too large",
  CERT_HAS_EXPIRED: "the server's certificate has expired; renew it, or compare the clocks",
  CERT_NOT_YET_VALID: "the server's certificate is not valid yet; compare the clocks",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the server's certificate is self-signed and not the expected authority; check certificate-authority-data",
  SELF_SIGNED_CERT_IN_CHAIN: "the server's certificate is signed by another authority than the one given; check certificate-authority-data",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the server's certificate is signed by an unknown authority; check certificate-authority-data",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "the server's certificate is signed by an unknown authority; check certificate-authority-data",
  CERT_SIGNATURE_FAILURE: "the server's certificate is signed by another authority than the one given; check certificate-authority-data",
  ERR_TLS_CERT_ALTNAME_INVALID: "the server's certificate is for another name; check the address or set tls-server-name",
  ERR_SSL_WRONG_VERSION_NUMBER: "the server does not speak TLS there; check the port, or write http://",
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: "the server asks for a client certificate",
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: "the server refused the client certificate",
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: "the server does not know the authority of the client certificate",
};

/** Codes of a connection that ended under a request: the usual fate of a kept-alive connection when a server restarts. */
const brokenCodes = new Set(["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"]);

/** True when the connection broke under the request, so that one more try on a new connection makes sense. */
export function isBrokenConnection(thrown: unknown): boolean {
  return brokenCodes.has(codeOf(thrown));
}

/** Turns what undici throws into TP_RUNTIME_UNREACHABLE with a sentence that names the host and what failed, never credentials. */
export function networkError(thrown: unknown, host: string): PlatformError {
  if (thrown instanceof PlatformError) return thrown;
  const code = codeOf(thrown);
  const unreadable = code.startsWith("HPE_") ? "the server does not speak HTTP there; check the port and http:// or https://" : undefined;
  return new PlatformError("TP_RUNTIME_UNREACHABLE", {
    message: `${host} cannot be reached: ${sentences[code] ?? unreadable ?? `the connection failed (${code})`}`,
    detail: { host, code },
    cause: thrown,
  });
}

/** `Happy eyeballs` gives an AggregateError over all addresses; undici wraps some errors: look for the first code below. */
function codeOf(thrown: unknown, depth = 0): string {
  if (typeof thrown !== "object" || thrown === null || depth > 3) return "unknown";
  const error = thrown as { code?: unknown; errors?: unknown[]; cause?: unknown };
  if (typeof error.code === "string" && error.code !== "UND_ERR_INFO") return error.code;
  return codeOf(error.errors?.[0] ?? error.cause, depth + 1);
}
