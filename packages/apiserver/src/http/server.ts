import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { Clock } from "@threeport/platform";
import { createFlow } from "../flow/create-flow.ts";
import { boundStrangers } from "../flow/strangers.ts";
import { answerClientErrors } from "./client-error.ts";
import { defaultLimits, type ServerLimits } from "./limits.ts";
import { createApiService, pathOf, type ApiService, type ApiServiceOptions } from "./service.ts";
import { takeUpgrades, webSocketProtocols } from "./web-socket.ts";

export interface ApiServerOptions extends ApiServiceOptions {
  readonly tls: ServerCertificate;
  /** The authority whose client certificates are known; none without it. */
  readonly clientCaPem?: string;
  readonly limits?: Partial<ServerLimits>;
}

/** PEM. */
export interface ServerCertificate {
  readonly keyPem: string;
  readonly certificatePem: string;
}

export interface ApiServer extends AsyncDisposable {
  /** For connections from now on; those that are open go on as they are. */
  useCertificate(certificate: ServerCertificate): void;
  /** Starts to listen; `port` 0 picks one. Returns the port. */
  listen(address: { readonly host: string; readonly port: number }): Promise<number>;
}

export function createApiServer(options: ApiServerOptions): ApiServer {
  const { clock } = options.context;
  const limits: ServerLimits = { ...defaultLimits, ...options.limits };
  const flow = createFlow(limits, clock);
  const service = createApiService(options, { flow, bodyBytesMax: limits.bodyBytesMax });
  const listener = createListener(options, { limits, clock, serve: service.serve });
  return {
    ...listener,
    async [Symbol.asyncDispose]() {
      service[Symbol.dispose]();
      flow[Symbol.dispose]();
      await listener[Symbol.asyncDispose]();
    },
  };
}

export interface ListenerTools extends Pick<ApiService, "serve"> {
  readonly limits: ServerLimits;
  readonly clock: Clock;
}

/** The HTTPS side: connections within their limits, and a Status for what is no request. */
export function createListener(options: Pick<ApiServerOptions, "tls" | "clientCaPem" | "subresources">, { limits, clock, serve }: ListenerTools): ApiServer {
  const streamed = new Set(
    [...(options.subresources ?? [])].filter(([, { answers }]) => answers === "stream").map(([name]) => name.slice(name.indexOf("/") + 1)),
  );
  const server = createServer({
    ...secureContext(options.tls, options.clientCaPem),
    // Asked for and not required: most clients have a token. What is shown is checked, and looked at by `openSession`.
    ...(options.clientCaPem === undefined ? {} : { requestCert: true, rejectUnauthorized: false }),
    maxHeaderSize: limits.headerBytesMax,
    handshakeTimeout: limits.handshakeTimeoutMs,
    headersTimeout: limits.headersTimeoutMs,
    connectionsCheckingInterval: limits.timeoutCheckMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    requireHostHeader: false, // Node's own refusal is no Status; `serve` refuses
    // Of other requests the wish is ignored, as RFC 9110 §7.8 lets a server do.
    shouldUpgradeCallback: (request) =>
      webSocketProtocols(request) !== undefined &&
      streamed.has(
        pathOf(request.url ?? "")
          .split("/")
          .at(-1) ?? "",
      ),
  });
  const recognised = boundStrangers(server, limits.strangersPerAddressMax);
  const take = (request: IncomingMessage, response: ServerResponse): void =>
    void serve(request, response, { recognised: () => recognised(request.socket), upgraded: upgrades.get(request) });
  server.on("request", take);
  const upgrades = takeUpgrades(server, take);
  // An expectation that nobody knows may be ignored (RFC 9110 §10.1.1); Node alone would answer without a Status.
  server.on("checkExpectation", take);
  server.on("clientError", answerClientErrors(server, clock));

  return {
    useCertificate: (certificate) => server.setSecureContext(secureContext(certificate, options.clientCaPem)),
    async listen(address) {
      server.listen(address);
      await once(server, "listening");
      const bound = server.address();
      return typeof bound === "object" && bound !== null ? bound.port : address.port;
    },
    async [Symbol.asyncDispose]() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function secureContext({ keyPem, certificatePem }: ServerCertificate, clientCaPem: string | undefined) {
  return { key: keyPem, cert: certificatePem, minVersion: "TLSv1.2", ...(clientCaPem === undefined ? {} : { ca: clientCaPem }) } as const;
}
