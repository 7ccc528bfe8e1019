import type { IncomingMessage, ServerResponse } from "node:http";
import { toStatus, type PlatformError } from "@threeport/resource";
import type { ApiContext } from "../api.ts";
import { answerWith } from "./answer-with.ts";

/** Every error is a `Status` (design.md §5.11); what is our own fault is logged with its cause. */
export function answerError(context: ApiContext, request: IncomingMessage, response: ServerResponse, error: PlatformError): void {
  if (error.code === "TP_INTERNAL") {
    context.log.info("a request failed", {
      method: request.method,
      url: request.url?.split("?", 1)[0],
      error: error.message,
      cause: String(error.cause),
      stack: error.cause instanceof Error ? error.cause.stack : error.stack,
    });
  }
  if (response.headersSent) {
    response.destroy(); // half an answer is all that the client will see of it
    return;
  }
  const headers = [
    ...(error.retryAfterSeconds === undefined ? [] : ["Retry-After", String(error.retryAfterSeconds)]),
    ...(error.code === "TP_UNAUTHORIZED" ? ["WWW-Authenticate", 'Bearer realm="threeport"'] : []),
  ];
  answerWith(response, { status: error.entry.http, body: JSON.stringify(toStatus(error)), headers });
}
