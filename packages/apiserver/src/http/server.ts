import type { Server, ServerResponse } from "node:http";
import Fastify, { type FastifyReply, type FastifyRequest } from "fastify";
import { PlatformError } from "@threeport/resource";
import type { User } from "@threeport/store";
import type { ApiContext } from "../api.ts";
import { authenticateHeader, type Authenticate } from "./authenticate.ts";
import { answerClientErrors } from "./client-error.ts";
import { sendError, toRequestError } from "./errors.ts";
import { generalDocument } from "./general.ts";
import { handleResource } from "./handler.ts";
import { defaultLimits, type ServerLimits } from "./limits.ts";
import { streamText, type SubresourceHandler, type Subresources } from "./subresource.ts";
import { Query } from "./negotiation.ts";
import type { ResourceRequest } from "./resource-request.ts";
import { parseRoute } from "./route.ts";
import { warningHeaders } from "./warnings.ts";
import { errorEvent, isWatch, streamWatch } from "./watch-stream.ts";

export interface ApiServerOptions {
  readonly context: ApiContext;
  /** PEM. */
  readonly tls: { readonly key: string; readonly cert: string };
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

export interface ApiServer extends AsyncDisposable {
  /** Starts to listen; `port` 0 picks one. Returns the port. */
  listen(address: { readonly host: string; readonly port: number }): Promise<number>;
}

export function createApiServer(options: ApiServerOptions): ApiServer {
  const { context } = options;
  const limits: ServerLimits = { ...defaultLimits, ...options.limits };
  const stopping = new AbortController();
  const users = new WeakMap<FastifyRequest, User>();
  const failed = (request: FastifyRequest, reply: FastifyReply, error: unknown) =>
    sendError(context, request, reply, toRequestError(error, limits.bodyBytesMax));
  const identify = async (request: FastifyRequest) => void users.set(request, await authenticateHeader(options.authenticate, request.headers.authorization));

  const app = Fastify({
    https: {
      key: options.tls.key,
      cert: options.tls.cert,
      minVersion: "TLSv1.2",
      maxHeaderSize: limits.headerBytesMax,
      handshakeTimeout: limits.handshakeTimeoutMs,
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: limits.timeoutCheckMs,
    },
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    routerOptions: { ignoreTrailingSlash: false, maxParamLength: limits.headerBytesMax },
    logger: false,
    // A URL that is no URL is no secret's door either: who asks is checked first, as everywhere.
    frameworkErrors: (error, request, reply) =>
      void identify(request).then(
        () => failed(request, reply, error),
        (refused: unknown) => failed(request, reply, refused),
      ),
    clientErrorHandler: (error, socket) => onClientError(error, socket),
  });
  const onClientError = answerClientErrors(app.server as unknown as Server, context.clock);
  // An expectation that nobody knows may be ignored (RFC 9110 §10.1.1); Node alone would answer without a Status.
  app.server.on("checkExpectation", (request, response) => app.server.emit("request", request, response));
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, request, reply) => failed(request, reply, error));
  app.setNotFoundHandler((request, reply) => failed(request, reply, methodRefused(request.method, request.url))); // `/*` takes every path, so it is the method
  // Before the body is read: who is not known gets no memory.
  app.addHook("onRequest", async (request) => {
    if (!openPaths.has(request.routeOptions.url ?? "")) await identify(request);
  });

  for (const url of ["/healthz", "/livez"]) app.get(url, (_request, reply) => reply.type("text/plain").send("ok"));
  app.get("/readyz", async (_request, reply) => {
    const { ok, text } = await options.ready();
    return reply
      .code(ok ? 200 : 503)
      .type("text/plain")
      .send(text);
  });
  app.all("/*", async (request, reply) => {
    const path = pathOf(request.url);
    const user = users.get(request);
    if (user === undefined) throw new PlatformError("TP_UNAUTHORIZED");
    if (isResourcePath(path)) return resource(request, reply, user);
    if (request.method !== "GET") throw methodRefused(request.method, path);
    if (path === "/metrics") return reply.type("text/plain; version=0.0.4").send(await options.metrics());
    const found = generalDocument(context.registry, options.version, path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path);
    if (found === undefined) throw new PlatformError("TP_NOT_FOUND", { message: `the server could not find the requested resource (${path.slice(0, 200)})` });
    return reply.header("content-type", "application/json").send(JSON.stringify(found));
  });

  async function resource(request: FastifyRequest, reply: FastifyReply, user: User): Promise<FastifyReply> {
    const started = context.clock.monotonic();
    const call = resourceRequest(context, request, user);
    const observe = (status: number) =>
      options.observe?.({ method: request.method, resource: call.route.kind.resource, status, seconds: (context.clock.monotonic() - started) / 1000 });
    try {
      const special = options.subresources?.get(`${call.route.kind.resource}/${call.route.subresource ?? ""}`);
      if (special !== undefined && call.route.name !== undefined && request.method === "GET") return await subresource(special, call, request, reply);
      if (isWatch(call)) return await watch(context, call, request, reply, stopping.signal);
      const answer = await handleResource(context, call);
      observe(answer.status);
      void reply.code(answer.status).header("content-type", "application/json");
      if (answer.warnings.length === 0) return reply.send(answer.body);
      // As bytes: a body of text would have Node write it together with the headers in UTF-8, and these are in UTF-8 already.
      return reply.header("Warning", warningHeaders(answer.warnings)).send(Buffer.from(answer.body));
    } catch (error) {
      observe(toRequestError(error, limits.bodyBytesMax).entry.http);
      throw error;
    }
  }

  async function subresource(serve: SubresourceHandler, call: ResourceRequest, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const gone = new AbortController();
    reply.raw.on("close", () => gone.abort());
    const signal = AbortSignal.any([gone.signal, stopping.signal]);
    const answer = await serve({ namespace: call.route.namespace ?? "", name: call.route.name ?? "", query: call.query, user: call.caller.user, signal });
    if (answer.kind === "json") return reply.header("content-type", "application/json").send(JSON.stringify(answer.value));
    reply.hijack();
    request.raw.socket.setTimeout(0);
    await streamText(reply.raw, answer.pieces, signal);
    return reply;
  }

  return {
    async listen(address) {
      await app.listen({ host: address.host, port: address.port });
      const bound = app.server.address();
      return typeof bound === "object" && bound !== null ? bound.port : address.port;
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await app.close();
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

function resourceRequest(context: ApiContext, request: FastifyRequest, user: User): ResourceRequest {
  const path = pathOf(request.url);
  return {
    method: request.method,
    route: parseRoute(context.registry, path),
    query: new Query(request.url.slice(path.length + 1)),
    accept: request.headers.accept,
    contentType: (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "",
    body: request.body instanceof Uint8Array ? request.body : undefined,
    caller: { user, author: { priority: 0, fence: undefined } },
  };
}

async function watch(context: ApiContext, call: ResourceRequest, request: FastifyRequest, reply: FastifyReply, stopping: AbortSignal): Promise<FastifyReply> {
  const gone = new AbortController();
  const response: ServerResponse = reply.raw;
  response.on("close", () => gone.abort());
  request.raw.socket.setNoDelay(true);
  request.raw.socket.setTimeout(0);
  try {
    await streamWatch(context, call, response, AbortSignal.any([gone.signal, stopping]));
  } catch (error) {
    if (!response.headersSent) throw error;
    response.end(errorEvent(error));
  }
  reply.hijack();
  if (!response.writableEnded) response.end();
  return reply;
}
