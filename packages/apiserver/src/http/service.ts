import type { IncomingMessage, ServerResponse } from "node:http";
import { PlatformError, isErrorCode, toPlatformError } from "@threeport/resource";
import type { ApiContext } from "../api.ts";
import { answerWith } from "./answer-with.ts";
import { auditEntry, type AuditEntry, type Noted } from "../auth/audit.ts";
import type { Attributes } from "../auth/attributes.ts";
import type { Authenticate } from "../auth/authenticate.ts";
import { forbidden } from "../auth/forbidden.ts";
import { createStreamGuard } from "../auth/stream-guard.ts";
import type { ComputedKinds } from "../computed.ts";
import type { Place } from "../flow/fair-queue.ts";
import type { Flow } from "../flow/create-flow.ts";
import type { Offer } from "./discovery.ts";
import { openSession, type Session } from "./authenticate.ts";
import { answerError } from "./errors.ts";
import { createGeneralDocuments, type GeneralDocuments, type KubernetesRelease } from "./general.ts";
import { handleComputed } from "./handle-computed.ts";
import { handleResource } from "./handler.ts";
import { streamText, type Offered, type SubresourceHandler, type Subresources } from "./subresource.ts";
import { Query } from "./negotiation.ts";
import { readBody } from "./read-body.ts";
import type { ResourceRequest } from "./resource-request.ts";
import { parseRoute } from "./route.ts";
import { warningHeaders } from "./warnings.ts";
import { passOn, webSocketProtocols, type Upgradable } from "./web-socket.ts";
import { requestAttributes } from "../auth/request-attributes.ts";
import { errorEvent, isWatch, streamWatch } from "./watch-stream.ts";

/** What is served, whatever brings the requests. */
export interface ApiServiceOptions {
  readonly context: ApiContext;
  readonly authenticate: Authenticate;
  /** Whether the process can do its work; its text is what `/readyz` answers. */
  readonly ready: () => Promise<{ readonly ok: boolean; readonly text: string }>;
  readonly metrics: () => Promise<string>;
  readonly observe?: (call: { readonly method: string; readonly resource: string; readonly status: number; readonly seconds: number }) => void;
  readonly version: string | KubernetesRelease;
  /** What modules serve beside the verbs. */
  readonly subresources?: Subresources;
  /** Kinds and subresources that are answered and not stored. */
  readonly computed?: ComputedKinds;
  /** Further documents by path, for those who may read the path: keys that sign tokens, for example. */
  readonly documents?: ReadonlyMap<string, () => object>;
  /** Told of writes and refusals; must not wait or throw. */
  readonly audit?: (entry: AuditEntry) => void;
}

export interface ApiServiceTools {
  readonly flow: Flow;
  readonly bodyBytesMax: number;
  /** Discovery and OpenAPI of several services that serve the same kinds; undefined while this one serves others. */
  readonly sharedDocuments?: () => GeneralDocuments | undefined;
}

/** What a request came by. */
export interface Connection {
  /** Called when it is known who asks. */
  recognised(): void;
  /** Set when the request asks for a WebSocket that may be there. */
  readonly upgraded: Upgradable | undefined;
}

/** Answers requests. Disposing it ends the streams that are open. */
export interface ApiService extends Disposable {
  serve(request: IncomingMessage, response: ServerResponse, connection: Connection): Promise<void>;
}

export function createApiService(options: ApiServiceOptions, tools: ApiServiceTools): ApiService {
  const { context } = options;
  const { flow } = tools;
  const subresources: Subresources = options.subresources ?? new Map();
  const ownDocuments = createGeneralDocuments(offerOf(context, options), options.version);
  const generalDocuments: GeneralDocuments = (asked) => (tools.sharedDocuments?.() ?? ownDocuments)(asked);
  const stopping = new AbortController();
  const guard = createStreamGuard(context.authorizer, context.clock);

  /** Whatever is thrown on the way becomes the answer. */
  async function serve(request: IncomingMessage, response: ServerResponse, connection: Connection): Promise<void> {
    const noted: Noted = {};
    try {
      if (request.headers.host === undefined && request.httpVersion === "1.1")
        throw new PlatformError("TP_BAD_REQUEST", { message: "a request of HTTP/1.1 needs a Host header" });
      const url = request.url ?? "";
      const path = pathOf(url);
      if (openPaths.has(path) && request.method === "GET") return await health(path, response);
      // Before the body is read: who is not known gets no memory.
      const session = await openSession(options.authenticate, context.authorizer, request);
      noted.session = session;
      connection.recognised();
      using place = await flow.enter(session.authenticated, response);
      if (isResourcePath(path)) return await resource(request, response, { session, place, noted, upgraded: connection.upgraded });
      authorize(session, { verb: (request.method ?? "").toLowerCase(), path });
      if (request.method !== "GET") throw methodRefused(request.method ?? "", path);
      const document = options.documents?.get(path);
      if (document !== undefined) return answerWith(response, { status: 200, body: JSON.stringify(document()) });
      if (path === "/metrics")
        return answerWith(response, { status: 200, body: `${await options.metrics()}${flow.metrics()}`, contentType: "text/plain; version=0.0.4" });
      const found = await generalDocuments({
        path: path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path,
        accept: request.headers.accept,
        ifNoneMatch: request.headers["if-none-match"],
        hash: new Query(url.slice(path.length + 1)).text("hash"),
      });
      if (found === undefined) throw new PlatformError("TP_NOT_FOUND", { message: `the server could not find the requested resource (${path.slice(0, 200)})` });
      return answerWith(response, found);
    } catch (error) {
      const failure = toPlatformError(error);
      audit(request, noted, { status: failure.entry.http });
      answerError(context, request, response, failure);
    }
  }

  function audit(request: IncomingMessage, noted: Noted, outcome: { readonly status: number; readonly answer?: string }): void {
    const entry = options.audit === undefined ? undefined : auditEntry(context.clock, request, noted, outcome);
    if (entry !== undefined) options.audit?.(entry);
  }

  async function health(path: string, response: ServerResponse): Promise<void> {
    const { ok, text } = path === "/readyz" ? await options.ready() : { ok: true, text: "ok" };
    answerWith(response, { status: ok ? 200 : 503, body: text, contentType: "text/plain" });
  }

  function authorize(session: Session, attributes: Attributes): void {
    if (!context.authorizer.authorize(session.user, attributes).allowed) throw forbidden(session.user, attributes);
  }

  async function resource(request: IncomingMessage, response: ServerResponse, from: Arrived): Promise<void> {
    const { session, place, noted, upgraded } = from;
    const started = context.clock.monotonic();
    const asked = await routed(context, request, session);
    const { route, method } = asked;
    const observe = (status: number) =>
      options.observe?.({ method, resource: route.kind.resource, status, seconds: (context.clock.monotonic() - started) / 1000 });
    try {
      // Before the body is read, and before anything else is: what is refused says the same whether the object is there or not.
      const attributes = attributesOf(asked);
      noted.attributes = attributes;
      authorize(session, attributes);
      const sent = method === "GET" ? undefined : readBody(request, tools.bodyBytesMax);
      const body = sent === undefined ? undefined : await place.aside(sent);
      const call = { ...asked, body };
      const resourceName = route.subresource === undefined ? route.kind.resource : `${route.kind.resource}/${route.subresource}`;
      const special = subresources.get(resourceName);
      // Clients that know no WebSocket ask for a stream by POST: they too hear why there is none.
      if (special !== undefined && route.name !== undefined && (method === "GET" || (method === "POST" && special.answers === "stream"))) {
        if (special.answers === "stream") audit(request, noted, { status: 101 });
        return await subresource(special.serve, { call, session, attributes, place, upgraded }, request, response);
      }
      const computed = options.computed?.get(resourceName);
      if (computed === undefined && isWatch(call)) return await watch({ call, session, attributes, place, upgraded }, request, response);
      const answer = computed === undefined ? await handleResource(context, call) : await handleComputed(context, call, computed);
      observe(answer.status);
      if (method !== "GET") audit(request, noted, { status: answer.status, ...(typeof answer.body === "string" ? { answer: answer.body } : {}) });
      if (answer.warnings.length === 0) return answerWith(response, answer);
      // As bytes: a body of text would have Node write it together with the headers in UTF-8, and these are in UTF-8 already.
      const headers = warningHeaders(answer.warnings).flatMap((value) => ["Warning", value]);
      return answerWith(response, { status: answer.status, body: typeof answer.body === "string" ? Buffer.from(answer.body) : answer.body, headers });
    } catch (error) {
      observe(toPlatformError(error).entry.http);
      throw error;
    }
  }

  /** A stream is something that one makes: reading alone does not give the right to run a program. */
  function attributesOf(asked: ResourceRequest): Attributes {
    const attributes = requestAttributes({ ...asked, watch: isWatch(asked) });
    const { kind, subresource } = asked.route;
    return subresources.get(`${kind.resource}/${subresource ?? ""}`)?.answers === "stream" ? { ...attributes, verb: "create" } : attributes;
  }

  async function subresource(serveIt: SubresourceHandler, allowed: Allowed, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { route, query, caller } = allowed.call;
    using stream = guard.open(allowed.session, allowed.attributes);
    const { upgraded } = allowed;
    const signal = upgraded === undefined ? whileWanted(response, stream.signal) : AbortSignal.any([stopping.signal, stream.signal]);
    const protocols = upgraded === undefined ? [] : (webSocketProtocols(request) ?? []);
    const answer = await serveIt({ namespace: route.namespace ?? "", name: route.name ?? "", query, user: caller.user, protocols, signal });
    if (answer.kind === "json") return answerWith(response, { status: 200, body: JSON.stringify(answer.value) });
    using _stream = flow.stream(allowed.session.authenticated);
    allowed.place[Symbol.dispose]();
    request.socket.setTimeout(0);
    if (answer.kind === "stream") {
      if (upgraded === undefined) throw new PlatformError("TP_BAD_REQUEST", { message: "this is a stream: ask for it with a WebSocket" });
      return await passOn({ request, response }, upgraded, { ...answer, signal });
    }
    await streamText(response, answer.pieces, signal);
  }

  async function watch({ call, session, attributes, place }: Allowed, request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.socket.setTimeout(0);
    using _counted = flow.stream(session.authenticated);
    using stream = guard.open(session, attributes);
    try {
      await streamWatch(context, call, response, { signal: whileWanted(response, stream.signal), onOpen: () => place[Symbol.dispose]() });
    } catch (error) {
      if (!response.headersSent) throw error;
      response.end(errorEvent(error));
    }
    if (!response.writableEnded) response.end();
  }

  /** Aborts when the client leaves, may no longer read, or the server stops. */
  function whileWanted(response: ServerResponse, allowed: AbortSignal): AbortSignal {
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    return AbortSignal.any([gone.signal, stopping.signal, allowed]);
  }

  return {
    serve,
    [Symbol.dispose]() {
      stopping.abort();
      guard[Symbol.dispose]();
    },
  };
}

/** What discovery and OpenAPI tell of. */
export function offerOf(
  { registry }: Pick<ApiContext, "registry">,
  { subresources = new Map(), computed }: Pick<ApiServiceOptions, "subresources" | "computed">,
): Offer {
  return { registry, subresources: new Map<string, Offered>([...subresources, ...computedParts(computed)]) };
}

/** Answered to everybody: load balancers and supervisors have no token. */
const openPaths: ReadonlySet<string> = new Set(["/healthz", "/livez", "/readyz"]);

function isResourcePath(path: string): boolean {
  if (path.startsWith("/api/v1/")) return path.length > "/api/v1/".length;
  if (!path.startsWith("/apis/")) return false;
  const segments = path.split("/"); // "", "apis", group, version, plural, …
  return segments.length > 5 || (segments.length === 5 && segments[4] !== "");
}

export function pathOf(url: string): string {
  const mark = url.indexOf("?");
  return mark < 0 ? url : url.slice(0, mark);
}

function methodRefused(method: string, url: string): PlatformError {
  return new PlatformError("TP_METHOD_NOT_ALLOWED", { message: `the server does not allow ${method} on ${pathOf(url).slice(0, 200)}` });
}

/** Another replica may have defined a kind a moment ago: what is not known is looked for once more when all that was committed has been heard. */
async function routed(context: ApiContext, request: IncomingMessage, session: Session): Promise<ResourceRequest> {
  try {
    return resourceRequest(context, request, session);
  } catch (error) {
    if (!isErrorCode(error, "TP_NOT_FOUND") || (await context.catchUp?.()) !== true) throw error;
    return resourceRequest(context, request, session);
  }
}

/** Subresources that are computed, as discovery tells of them. */
function computedParts(computed: ComputedKinds = new Map()): [string, Offered][] {
  return [...computed].filter(([place]) => place.includes("/")).map(([place, { kind }]) => [place, { document: kind, verbs: ["create"], answers: "json" }]);
}

/** A request of somebody who has a place. */
interface Arrived {
  readonly session: Session;
  readonly place: Place;
  readonly noted: Noted;
  readonly upgraded: Upgradable | undefined;
}

/** A request that its caller may make. */
interface Allowed {
  readonly call: ResourceRequest;
  readonly session: Session;
  readonly attributes: Attributes;
  /** Held while it costs; given back when it only streams. */
  readonly place: Place;
  readonly upgraded: Upgradable | undefined;
}

/** All but the body. */
function resourceRequest(context: ApiContext, request: IncomingMessage, { user }: Session): ResourceRequest {
  const url = request.url ?? "";
  const path = pathOf(url);
  return {
    method: request.method ?? "",
    route: parseRoute(context.registry, path),
    query: new Query(url.slice(path.length + 1)),
    accept: request.headers.accept,
    contentType: mediaTypeOf(request.headers["content-type"] ?? ""),
    userAgent: request.headers["user-agent"],
    body: undefined,
    caller: { user, author: { priority: 0, fence: undefined } },
  };
}

/** Lower case, without parameters. What has parameters only is no type, but it is not the same as none either. */
function mediaTypeOf(header: string): string {
  const type = header.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  return type === "" ? header.trim() : type;
}
