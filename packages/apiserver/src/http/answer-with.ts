import type { ServerResponse } from "node:http";
import { sendLongBody, type LongBody } from "./long-body.ts";

export interface WholeAnswer {
  readonly status: number;
  /** Text, or the same in UTF-8. */
  readonly body: string | Buffer | LongBody;
  /** Default: JSON. */
  readonly contentType?: string;
  /** Names and values in turn, beside the ones that describe the body. */
  readonly headers?: readonly string[];
}

/** Answers with a body that is whole. Its length is told; head and body leave in one write, but for a long one. */
export function answerWith(response: ServerResponse, { status, body, contentType = "application/json", headers = [] }: WholeAnswer): void {
  // RFC 9110 §15.4.5: what a 304 said about a body, a cache would write over what it holds.
  if (status === 304) return void response.writeHead(status, [...headers]).end();
  const long = typeof body !== "string" && !Buffer.isBuffer(body);
  const length = typeof body === "string" ? Buffer.byteLength(body) : long ? body.bytes : body.length;
  response.writeHead(status, ["Content-Type", contentType, "Content-Length", String(length), ...headers]);
  if (!long) response.end(body);
  else sendLongBody(response, body).catch(() => response.destroy()); // nobody is there to be told
}
