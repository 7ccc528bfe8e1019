import { systemClock, systemRandom, type Clock, type Random } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import { endpointOf, type ConnectionConfig } from "../connection.ts";
import { answerError } from "./answer-error.ts";
import type { Dispatch } from "./dispatch.ts";
import { Exchange, type Answer } from "./exchange.ts";
import { isBrokenConnection, networkError } from "./network-error.ts";
import { createPools, type Dial } from "./pools.ts";
import { withQuery } from "./query.ts";
import { openRaw } from "./raw.ts";
import { readBody } from "./read-body.ts";
import { requestHeaders } from "./request-headers.ts";
import { retryDelayMs } from "./retry.ts";
import type { RequestOptions, Response, Transport, Upgraded } from "./send-options.ts";
import { openWebSocket } from "./upgrade.ts";

export interface TransportOptions {
  readonly clock?: Clock;
  readonly random?: Random;
  /** Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** Deadline of one call, waiting for a connection and retries included. Default 30,000. */
  readonly requestTimeoutMs?: number;
  /** Connections for short requests; more requests wait in line. Streams do not count. Default 16. */
  readonly connectionsMax?: number;
  readonly userAgent?: string;
  readonly dial?: Dial;
}

/** HTTP to one API server: deadlines, retries, errors in words. Knows nothing of kinds. */
export function createTransport(config: ConnectionConfig, options: TransportOptions = {}): Transport {
  const { clock = systemClock, random = systemRandom, connectTimeoutMs = 10_000, requestTimeoutMs = 30_000, connectionsMax = 16 } = options;
  const endpoint = endpointOf(config);
  const { host, basePath } = endpoint;
  const pools = createPools(config, endpoint, { connectTimeoutMs, connectionsMax, dial: options.dial });
  const headersOf = requestHeaders(config, options.userAgent ?? "threeport");

  const dispatchOf = (path: string, call: RequestOptions): Dispatch => ({
    path: withQuery(basePath + path, call.query),
    method: call.method ?? "GET",
    headers: headersOf(call),
    body: encodeBody(call.body),
  });

  const late = (timeoutMs: number) =>
    new PlatformError("TP_RUNTIME_UNREACHABLE", { message: `${host} did not answer within ${timeoutMs / 1000} s`, detail: { host, code: "deadline" } });

  async function once(dispatch: Dispatch, timeoutMs: number, call: RequestOptions): Promise<Answer> {
    const { signal } = call;
    signal?.throwIfAborted();
    const exchange = new Exchange();
    const onAbort = () => exchange.cancel(signal?.reason as Error);
    signal?.addEventListener("abort", onAbort, { once: true });
    const deadline = clock.after(timeoutMs, () => exchange.cancel(late(call.timeoutMs ?? requestTimeoutMs)));
    try {
      pools.requests.dispatch(dispatch, exchange);
      return await exchange.answer;
    } catch (error) {
      throw signal?.aborted === true ? (signal.reason as Error) : error;
    } finally {
      deadline[Symbol.dispose]();
      signal?.removeEventListener("abort", onAbort);
    }
  }

  async function request(path: string, call: RequestOptions = {}): Promise<Response> {
    const dispatch = dispatchOf(path, call);
    const repeatable = call.repeatable ?? (dispatch.method === "GET" || dispatch.method === "HEAD");
    const until = clock.monotonic() + (call.timeoutMs ?? requestTimeoutMs);
    for (let attempt = 1; ; attempt++) {
      let answer: Answer;
      try {
        answer = await once(dispatch, until - clock.monotonic(), call);
      } catch (error) {
        if (call.signal?.aborted === true) throw error;
        if (attempt === 1 && repeatable && isBrokenConnection(error)) continue; // a kept-alive connection that the server had closed
        throw networkError(error, host);
      }
      const response = readBody(answer, host);
      if (answer.status < 300 || answer.status === 304) return response;
      const error = answerError({ ...response, method: dispatch.method, path: dispatch.path, host, secret: config.token });
      const delayMs = retryDelayMs(error, attempt, { repeatable, random });
      if (delayMs === undefined || clock.monotonic() + delayMs >= until) throw error;
      await clock.sleep(delayMs, call.signal);
    }
  }

  async function upgrade(path: string, call: Parameters<Transport["upgrade"]>[1]): Promise<Upgraded> {
    const timeoutMs = call.timeoutMs ?? requestTimeoutMs;
    const cut = new AbortController();
    using _deadline = clock.after(timeoutMs, () => cut.abort(late(timeoutMs)));
    const signal = call.signal === undefined ? cut.signal : AbortSignal.any([call.signal, cut.signal]);
    const dispatch = dispatchOf(path, { ...call, headers: { accept: "*/*", ...call.headers } }); // kubelets answer 406 to anything narrower
    try {
      return await openWebSocket(pools.streams, dispatch, { host, protocols: call.protocols, signal, secret: config.token });
    } catch (error) {
      throw call.signal?.aborted === true ? (call.signal.reason as Error) : networkError(error, host);
    }
  }

  return {
    host,
    request,
    upgrade,
    raw: (path, call = {}) => {
      const timeoutMs = call.timeoutMs ?? requestTimeoutMs;
      return openRaw(pools.streams, dispatchOf(path, call), { host, clock, timeoutMs, late: () => late(timeoutMs), signal: call.signal, secret: config.token });
    },
    [Symbol.asyncDispose]: () => pools[Symbol.asyncDispose](),
  };
}

function encodeBody(body: unknown): string | Uint8Array | null {
  if (body === undefined) return null;
  return typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
}
