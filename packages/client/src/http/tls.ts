import { createSecureContext, type SecureContext } from "node:tls";
import { PlatformError } from "@threeport/resource";
import type { ConnectionConfig } from "../connection.ts";

/**
 * What `tls.connect` needs for a connection. The secure context is made once here, because parsing the PEM texts again for
 * every connection costs more than the handshake saves by session reuse.
 * @throws PlatformError TP_KUBECONFIG_INVALID when a PEM text cannot be read; the message never quotes it.
 */
export function tlsOptions(config: ConnectionConfig): { secureContext: SecureContext; rejectUnauthorized: true; servername?: string } {
  try {
    return {
      secureContext: createSecureContext({
        minVersion: "TLSv1.2",
        ...(config.caData === undefined ? {} : { ca: config.caData }),
        ...(config.clientCertificate === undefined ? {} : { cert: config.clientCertificate }),
        ...(config.clientKey === undefined ? {} : { key: config.clientKey }),
      }),
      rejectUnauthorized: true,
      ...(config.tlsServerName === undefined ? {} : { servername: config.tlsServerName }),
    };
  } catch (error) {
    const reason = (error as { code?: string }).code ?? "unreadable";
    throw new PlatformError("TP_KUBECONFIG_INVALID", {
      message: `the certificate authority, the client certificate or its key cannot be read (${reason}); each must be PEM, and the key must belong to the certificate`,
    });
  }
}
