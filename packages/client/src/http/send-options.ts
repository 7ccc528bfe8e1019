import type { Duplex } from "node:stream";
import type { Query } from "./query.ts";
import type { ResponseHeaders } from "./warnings.ts";

/** What every call takes. */
export interface CallOptions {
  /** Ends the call; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Deadline of the whole call, retries included. Default: the client's `requestTimeoutMs`. */
  readonly timeoutMs?: number;
  /** Added to the request; lower-case names. `impersonate-user` and friends go here. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
}

export interface RequestOptions extends CallOptions {
  readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly query?: Query;
  /** A string or bytes go out as they are; anything else as JSON. The media type is `application/json` unless `headers` has a `content-type`. */
  readonly body?: unknown;
  /** The call may be sent again when the connection broke under it. Default: GET and HEAD. */
  readonly repeatable?: boolean;
}

export interface Response {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** Parsed JSON; text for other media types; undefined when empty. */
  readonly body: unknown;
}

export interface RawResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** The bytes as they come; leaving the loop closes the connection. Not reading it holds a connection until the client is disposed. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** A connection that has become a WebSocket. The caller owns the socket. */
export interface Upgraded {
  readonly socket: Duplex;
  /** The subprotocol that the server chose. */
  readonly protocol: string;
}

export interface Transport extends AsyncDisposable {
  readonly host: string;
  request(path: string, options?: RequestOptions): Promise<Response>;
  raw(path: string, options?: RequestOptions): Promise<RawResponse>;
  /** Turns a request into a WebSocket with one of `protocols`; the socket is the caller's. */
  upgrade(path: string, options: CallOptions & { readonly query: Query; readonly protocols: readonly string[] }): Promise<Upgraded>;
}
