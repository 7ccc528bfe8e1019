import type { ServerResponse } from "node:http";
import Fastify, { type FastifyReply, type FastifyRequest } from "fastify";
import { PlatformError, toPlatformError, toStatus } from "@threeport/resource";
import type { User } from "@threeport/store";
import type { ApiContext } from "../api.ts";
import { apiGroup, coreVersions, groupList, resourceList } from "./discovery.ts";
import { handleResource, type ResourceRequest } from "./handler.ts";
import { Query } from "./negotiation.ts";
import { openApiDocument, openApiIndex } from "./openapi.ts";
import { parseRoute } from "./route.ts";
import { errorEvent, isWatch, streamWatch } from "./watch-stream.ts";

export interface ApiServerOptions {
  readonly context: ApiContext;
  /** PEM. */
  readonly tls: { readonly key: string; readonly cert: string };
  readonly authenticate: (token: string) => Promise<User | undefined>;
  /** Whether the process can do its work; its text is what `/readyz` answers. */
  readonly ready: () => Promise<{ readonly ok: boolean; readonly text: string }>;
  readonly metrics: () => Promise<string>;
  readonly observe?: (call: { readonly method: string; readonly resource: string; readonly status: number; readonly seconds: number }) => void;
  readonly version: string;
}

export interface ApiServer extends AsyncDisposable {
  /** Starts to listen; `port` 0 picks one. Returns the port. */
  listen(address: { readonly host: string; readonly port: number }): Promise<number>;
}

/** Largest request body, as kube-apiserver: 3 MiB. */
const bodyBytesMax = 3 * 1024 * 1024;
/** Time that a client has to send its headers, and its whole request (slow bodies must not hold connections). */
const headersTimeoutMs = 15_000;
const requestTimeoutMs = 60_000;
const headerBytesMax = 64 * 1024;

export function createApiServer(options: ApiServerOptions): ApiServer {
  const { context } = options;
  const app = Fastify({
    https: { key: options.tls.key, cert: options.tls.cert, minVersion: "TLSv1.2", maxHeaderSize: headerBytesMax, headersTimeout: headersTimeoutMs },
    bodyLimit: bodyBytesMax,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: 120_000,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    routerOptions: { ignoreTrailingSlash: false, maxParamLength: 4_096 },
    logger: false,
  });
  const stopping = new AbortController();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error, request, reply) => sendError(context, request, reply, fromFastify(error)));
  app.setNotFoundHandler((request, reply) => sendError(context, request, reply, new PlatformError("TP_NOT_FOUND", { message: `the server could not find the requested resource (${request.url.slice(0, 200)})` })));
  const path = (request: FastifyRequest): string => request.url.split("?", 1)[0] ?? "/";

  for (const url of ["/healthz", "/livez"]) app.get(url, (_request, reply) => reply.type("text/plain").send("ok"));
  app.get("/readyz", async (_request, reply) => {
    const { ok, text } = await options.ready();
    return reply.code(ok ? 200 : 503).type("text/plain").send(text);
  });

  app.all("/*", async (request, reply) => {
    const started = context.clock.monotonic();
    const user = await authenticate(options, request.headers.authorization);
    const at = path(request);
    if (at.startsWith("/api/v1/") || (at.startsWith("/apis/") && at.split("/").length > 4)) {
      const resource = await resourceRequest(context, request, user);
      if (isWatch(resource)) return watch(context, resource, request, reply, stopping.signal);
      const answer = await handleResource(context, resource);
      for (const warning of answer.warnings.slice(0, warningsMax)) reply.raw.appendHeader("Warning", `299 - ${JSON.stringify(warning)}`);
      options.observe?.({ method: request.method, resource: resource.route.kind.resource, status: answer.status, seconds: (context.clock.monotonic() - started) / 1000 });
      return reply.code(answer.status).header("content-type", "application/json").send(answer.body);
    }
    if (request.method !== "GET") throw new PlatformError("TP_METHOD_NOT_ALLOWED", { message: `the server does not allow ${request.method} on ${at.slice(0, 200)}` });
    if (at === "/metrics") return reply.type("text/plain; version=0.0.4").send(await options.metrics());
    const found = general(options, at.length > 1 && at.endsWith("/") ? at.slice(0, -1) : at);
    if (found === undefined) throw new PlatformError("TP_NOT_FOUND", { message: `the server could not find the requested resource (${at.slice(0, 200)})` });
    return reply.header("content-type", "application/json").send(JSON.stringify(found));
  });

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

/** Warnings sent with one answer; more would not fit into headers that clients read. */
const warningsMax = 20;

async function authenticate(options: ApiServerOptions, header: string | undefined): Promise<User> {
  const token = /^Bearer ([\w\-.~+/=]{1,4096})$/i.exec(header ?? "")?.[1];
  const user = token === undefined ? undefined : await options.authenticate(token);
  if (user === undefined) throw new PlatformError("TP_UNAUTHORIZED", { message: header === undefined ? "Unauthorized: send a bearer token; tptctl up writes one into your kubeconfig" : "Unauthorized: the token is not known to this control plane" });
  return user;
}

async function resourceRequest(context: ApiContext, request: FastifyRequest, user: User): Promise<ResourceRequest> {
  const [path = "/", search = ""] = request.url.split(/\?(.*)/s);
  return {
    method: request.method,
    route: parseRoute(context.registry, path),
    query: new Query(search),
    accept: request.headers.accept,
    contentType: (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "",
    body: request.body instanceof Uint8Array ? request.body : undefined,
    caller: { user, author: { priority: 0, fence: undefined } },
  };
}

async function watch(context: ApiContext, resource: ResourceRequest, request: FastifyRequest, reply: FastifyReply, stopping: AbortSignal): Promise<FastifyReply> {
  const gone = new AbortController();
  const response: ServerResponse = reply.raw;
  response.on("close", () => gone.abort());
  request.raw.socket.setNoDelay(true);
  request.raw.socket.setTimeout(0);
  try {
    await streamWatch(context, resource, response, AbortSignal.any([gone.signal, stopping]));
  } catch (error) {
    if (!response.headersSent) throw error;
    response.end(errorEvent(error));
  }
  reply.hijack();
  if (!response.writableEnded) response.end();
  return reply;
}

/** Discovery, OpenAPI, version: what is no object. */
function general(options: ApiServerOptions, path: string): object | undefined {
  const { registry } = options.context;
  if (path === "/") return { paths: ["/api", "/apis", "/healthz", "/livez", "/metrics", "/openapi/v3", "/readyz", "/version"] };
  if (path === "/api") return coreVersions();
  if (path === "/apis") return groupList(registry);
  if (path === "/version") return { major: "1", minor: "36", gitVersion: `v1.36.0+threeport-${options.version}`, gitCommit: "", gitTreeState: "clean", buildDate: "1970-01-01T00:00:00Z", goVersion: "", compiler: "", platform: "" };
  if (path === "/openapi/v3") return openApiIndex(registry);
  const segments = path.split("/").slice(1);
  if (segments[0] === "api" && segments.length === 2) return resourceList(registry, "", segments[1] ?? "");
  if (segments[0] === "apis" && segments.length === 2) {
    const group = registry.groups().find((entry) => entry.group === segments[1] && entry.group !== "");
    return group === undefined ? undefined : apiGroup(group.group, group.versions);
  }
  if (segments[0] === "apis" && segments.length === 3) return resourceList(registry, segments[1] ?? "", segments[2] ?? "");
  if (segments[0] === "openapi" && segments[1] === "v3") {
    if (segments[2] === "api") return openApiDocument(registry, "", segments[3] ?? "");
    if (segments[2] === "apis") return openApiDocument(registry, segments[3] ?? "", segments[4] ?? "");
  }
  return undefined;
}

function fromFastify(error: unknown): PlatformError {
  if (error instanceof PlatformError) return error;
  const code = (error as { code?: unknown }).code;
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") return new PlatformError("TP_TOO_LARGE", { message: `Request entity too large: limit is ${bodyBytesMax} bytes` });
  const status = (error as { statusCode?: unknown }).statusCode;
  if (typeof status === "number" && status >= 400 && status < 500) return new PlatformError("TP_BAD_REQUEST", { message: error instanceof Error ? error.message : "bad request", cause: error });
  return toPlatformError(error);
}

function sendError(context: ApiContext, request: FastifyRequest, reply: FastifyReply, error: PlatformError): FastifyReply {
  if (error.entry.http >= 500 && error.code === "TP_INTERNAL") context.log.info("a request failed", { method: request.method, url: request.url.split("?", 1)[0], error: error.message, cause: String(error.cause), stack: error.cause instanceof Error ? error.cause.stack : error.stack });
  if (error.retryAfterSeconds !== undefined) void reply.header("Retry-After", String(error.retryAfterSeconds));
  if (error.code === "TP_UNAUTHORIZED") void reply.header("WWW-Authenticate", 'Bearer realm="threeport"');
  return reply.code(error.entry.http).header("content-type", "application/json").send(JSON.stringify(toStatus(error)));
}

