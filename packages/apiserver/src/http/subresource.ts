import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Kind } from "@threeport/resource";
import type { User } from "@threeport/store";
import type { Query } from "./negotiation.ts";

/** A call of a subresource that a module serves: `…/<plural>/<name>/<subresource>`. */
export interface SubresourceRequest {
  readonly namespace: string;
  readonly name: string;
  readonly query: Query;
  readonly user: User;
  /** Subprotocols of the WebSocket that the client asks for; none when it does not. */
  readonly protocols: readonly string[];
  /** Aborts when the client leaves or the server stops. */
  readonly signal: AbortSignal;
}

/** One JSON document; text that comes in pieces for as long as the client stays; or a connection to somebody who goes on with the WebSocket's frames. */
export type SubresourceAnswer =
  | { readonly kind: "json"; readonly value: object }
  | { readonly kind: "text"; readonly pieces: AsyncIterable<string> }
  | { readonly kind: "stream"; readonly protocol: string; readonly socket: Duplex };

/** What it throws is answered as a Status. */
export type SubresourceHandler = (request: SubresourceRequest) => Promise<SubresourceAnswer>;

/** What discovery tells of a subresource beside the verbs of its kind. */
export interface Offered {
  /** Kind of the document that it answers. Without it, it is called like its parent, as upstream calls the log of a Pod. */
  readonly kind?: { readonly group: string; readonly version: string; readonly kind: string };
  /** The same kind with its schema, where it has one. */
  readonly document?: Kind;
  readonly verbs: readonly ("create" | "get")[];
  readonly answers: "json" | "text" | "stream";
}

/** A subresource that a module serves. Streams are asked for by the right to create one, as upstream has it for `pods/exec`. */
export interface Subresource extends Offered {
  readonly serve: SubresourceHandler;
}

/** By `<plural.group>/<subresource>`. */
export type Subresources = ReadonlyMap<string, Subresource>;

/** Sends text as it comes; waits for a slow client, so that it costs no memory. An error after the first piece can only end the stream. */
export async function streamText(response: ServerResponse, pieces: AsyncIterable<string>, signal: AbortSignal): Promise<void> {
  response.writeHead(200, { "content-type": "text/plain; charset=utf-8", "cache-control": "no-cache, private" });
  response.flushHeaders();
  try {
    for await (const piece of pieces) {
      if (signal.aborted) break;
      if (!response.write(piece)) await drained(response, signal);
    }
  } catch (error) {
    if (!signal.aborted) response.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  }
  response.end();
}

function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      response.off("drain", end);
      signal.removeEventListener("abort", end);
      resolve();
    };
    response.once("drain", end);
    signal.addEventListener("abort", end, { once: true });
  });
}
