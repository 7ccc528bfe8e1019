import type { FastifyReply, FastifyRequest } from "fastify";
import { PlatformError, toPlatformError, toStatus } from "@threeport/resource";
import type { ApiContext } from "../api.ts";

/** Whatever was thrown while a request was handled, Fastify's own errors included. */
export function toRequestError(error: unknown, bodyBytesMax: number): PlatformError {
  if (error instanceof PlatformError) return error;
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") return new PlatformError("TP_TOO_LARGE", { message: `Request entity too large: limit is ${bodyBytesMax} bytes` });
  if (statusCode === 415)
    return new PlatformError("TP_UNSUPPORTED_MEDIA_TYPE", { message: "the content-type is no media type; send application/json", cause: error });
  if (typeof statusCode === "number" && statusCode >= 400 && statusCode < 500)
    return new PlatformError("TP_BAD_REQUEST", { message: error instanceof Error ? error.message : "bad request", cause: error });
  return toPlatformError(error);
}

/** Every error is a `Status` (design.md §5.11); what is our own fault is logged with its cause. */
export function sendError(context: ApiContext, request: FastifyRequest, reply: FastifyReply, error: PlatformError): FastifyReply {
  if (error.code === "TP_INTERNAL") {
    context.log.info("a request failed", {
      method: request.method,
      url: request.url.split("?", 1)[0],
      error: error.message,
      cause: String(error.cause),
      stack: error.cause instanceof Error ? error.cause.stack : error.stack,
    });
  }
  // Fastify would close the connection under a client that is still sending, which then never reads why.
  if (error.code === "TP_TOO_LARGE") void reply.removeHeader("connection");
  if (error.retryAfterSeconds !== undefined) void reply.header("Retry-After", String(error.retryAfterSeconds));
  if (error.code === "TP_UNAUTHORIZED") void reply.header("WWW-Authenticate", 'Bearer realm="threeport"');
  return reply
    .code(error.entry.http)
    .header("content-type", "application/json")
    .send(JSON.stringify(toStatus(error)));
}
