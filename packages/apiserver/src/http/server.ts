import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { PlatformError, isErrorCode, toPlatformError } from "@threeport/resource";
import type { User } from "@threeport/store";
import type { ApiContext } from "../api.ts";
import { answerWith } from "./answer-with.ts";
import { authenticateHeader, type Authenticate } from "./authenticate.ts";
import { answerClientErrors } from "./client-error.ts";
import { answerError } from "./errors.ts";
import { createGeneralDocuments } from "./general.ts";
import { handleResource } from "./handler.ts";
import { defaultLimits, type ServerLimits } from "./limits.ts";
import { streamText, type SubresourceHandler, type Subresources } from "./subresource.ts";
import { Query } from "./negotiation.ts";
import { readBody } from "./read-body.ts";
import type { ResourceRequest } from "./resource-request.ts";
import { parseRoute } from "./route.ts";
import { warningHeaders } from "./warnings.ts";
import { errorEvent, isWatch, streamWatch } from "./watch-stream.ts";

export interface ApiServerOptions {
  readonly context: ApiContext;
  readonly tls: ServerCertificate;
  readonly authenticate: Authenticate;
  /** Whether the process can do its work; its text is what `/readyz` answers. */
  readonly ready: () => Promise<{ readonly ok: boolean; readonly text: string }>;
  readonly metrics: () => Promise<string>;
  readonly observe?: (call: { readonly method: string; readonly resource: string; readonly status: number; readonly seconds: number }) => void;
  readonly version: string;
  /** What modules serve beside the verbs. */
  readonly subresources?: Subresources;
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
  const { context } = options;
  const limits: ServerLimits = { ...defaultLimits, ...options.limits };
  const subresources: Subresources = options.subresources ?? new Map();
  const generalDocuments = createGeneralDocuments({ registry: context.registry, subresources }, options.version);
  const stopping = new AbortController();
  const server = createServer({
    ...secureContext(options.tls),
    maxHeaderSize: limits.headerBytesMax,
    handshakeTimeout: limits.handshakeTimeoutMs,
    headersTimeout: limits.headersTimeoutMs,
    connectionsCheckingInterval: limits.timeoutCheckMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
  });
  server.on("request", (request, response) => void serve(request, response));
  // An expectation that nobody knows may be ignored (RFC 9110 §10.1.1); Node alone would answer without a Status.
  server.on("checkExpectation", (request, response) => void serve(request, response));
  server.on("clientError", answerClientErrors(server, context.clock));

  /** Whatever is thrown on the way becomes the answer. */
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const url = request.url ?? "";
      const path = pathOf(url);
      if (openPaths.has(path) && request.method === "GET") return await health(path, response);
      // Before the body is read: who is not known gets no memory.
      const user = await authenticateHeader(options.authenticate, request.headers.authorization);
      if (isResourcePath(path)) return await resource(request, response, user);
      if (request.method !== "GET") throw methodRefused(request.method ?? "", path);
      if (path === "/metrics") return answerWith(response, { status: 200, body: await options.metrics(), contentType: "text/plain; version=0.0.4" });
      const found = generalDocuments({
        path: path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path,
        accept: request.headers.accept,
        ifNoneMatch: request.headers["if-none-match"],
        hash: new Query(url.slice(path.length + 1)).text("hash"),
      });
      if (found === undefined) throw new PlatformError("TP_NOT_FOUND", { message: `the server could not find the requested resource (${path.slice(0, 200)})` });
      return answerWith(response, found);
    } catch (error) {
      answerError(context, request, response, toPlatformError(error));
    }
  }

  async function health(path: string, response: ServerResponse): Promise<void> {
    const { ok, text } = path === "/readyz" ? await options.ready() : { ok: true, text: "ok" };
    answerWith(response, { status: ok ? 200 : 503, body: text, contentType: "text/plain" });
  }

  async function resource(request: IncomingMessage, response: ServerResponse, user: User): Promise<void> {
    const started = context.clock.monotonic();
    const body = request.method === "GET" ? undefined : await readBody(request, limits.bodyBytesMax);
    const call = await routed(context, request, { user, body });
    const observe = (status: number) =>
      options.observe?.({ method: call.method, resource: call.route.kind.resource, status, seconds: (context.clock.monotonic() - started) / 1000 });
    try {
      const special = subresources.get(`${call.route.kind.resource}/${call.route.subresource ?? ""}`);
      if (special !== undefined && call.route.name !== undefined && call.method === "GET") return await subresource(special.serve, call, request, response);
      if (isWatch(call)) return await watch(call, request, response);
      const answer = await handleResource(context, call);
      observe(answer.status);
      if (answer.warnings.length === 0) return answerWith(response, answer);
      // As bytes: a body of text would have Node write it together with the headers in UTF-8, and these are in UTF-8 already.
      const headers = warningHeaders(answer.warnings).flatMap((value) => ["Warning", value]);
      return answerWith(response, { status: answer.status, body: Buffer.from(answer.body), headers });
    } catch (error) {
      observe(toPlatformError(error).entry.http);
      throw error;
    }
  }

  async function subresource(serveIt: SubresourceHandler, call: ResourceRequest, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const signal = whileWanted(response);
    const answer = await serveIt({ namespace: call.route.namespace ?? "", name: call.route.name ?? "", query: call.query, user: call.caller.user, signal });
    if (answer.kind === "json") return answerWith(response, { status: 200, body: JSON.stringify(answer.value) });
    request.socket.setTimeout(0);
    await streamText(response, answer.pieces, signal);
  }

  async function watch(call: ResourceRequest, request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.socket.setTimeout(0);
    try {
      await streamWatch(context, call, response, whileWanted(response));
    } catch (error) {
      if (!response.headersSent) throw error;
      response.end(errorEvent(error));
    }
    if (!response.writableEnded) response.end();
  }

  /** Aborts when the client leaves or the server stops. */
  function whileWanted(response: ServerResponse): AbortSignal {
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    return AbortSignal.any([gone.signal, stopping.signal]);
  }

  return {
    useCertificate: (certificate) => server.setSecureContext(secureContext(certificate)),
    async listen(address) {
      server.listen(address);
      await once(server, "listening");
      const bound = server.address();
      return typeof bound === "object" && bound !== null ? bound.port : address.port;
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Answered to everybody: load balancers and supervisors have no token. */
const openPaths: ReadonlySet<string> = new Set(["/healthz", "/livez", "/readyz"]);

function isResourcePath(path: string): boolean {
  if (path.startsWith("/api/v1/")) return path.length > "/api/v1/".length;
  if (!path.startsWith("/apis/")) return false;
  const segments = path.split("/"); // "", "apis", group, version, plural, …
  return segments.length > 5 || (segments.length === 5 && segments[4] !== "");
}

function pathOf(url: string): string {
  const mark = url.indexOf("?");
  return mark < 0 ? url : url.slice(0, mark);
}

function methodRefused(method: string, url: string): PlatformError {
  return new PlatformError("TP_METHOD_NOT_ALLOWED", { message: `the server does not allow ${method} on ${pathOf(url).slice(0, 200)}` });
}

/** Another replica may have defined a kind a moment ago: what is not known is looked for once more when all that was committed has been heard. */
async function routed(
  context: ApiContext,
  request: IncomingMessage,
  sent: { readonly user: User; readonly body: Uint8Array | undefined },
): Promise<ResourceRequest> {
  try {
    return resourceRequest(context, request, sent);
  } catch (error) {
    if (!isErrorCode(error, "TP_NOT_FOUND") || (await context.catchUp?.()) !== true) throw error;
    return resourceRequest(context, request, sent);
  }
}

function resourceRequest(
  context: ApiContext,
  request: IncomingMessage,
  { user, body }: { readonly user: User; readonly body: Uint8Array | undefined },
): ResourceRequest {
  const url = request.url ?? "";
  const path = pathOf(url);
  return {
    method: request.method ?? "",
    route: parseRoute(context.registry, path),
    query: new Query(url.slice(path.length + 1)),
    accept: request.headers.accept,
    contentType: mediaTypeOf(request.headers["content-type"] ?? ""),
    body,
    userAgent: request.headers["user-agent"],
    caller: { user, author: { priority: 0, fence: undefined } },
  };
}

/** Lower case, without parameters. What has parameters only is no type, but it is not the same as none either. */
function mediaTypeOf(header: string): string {
  const type = header.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  return type === "" ? header.trim() : type;
}

function secureContext({ keyPem, certificatePem }: ServerCertificate) {
  return { key: keyPem, cert: certificatePem, minVersion: "TLSv1.2" } as const;
}
