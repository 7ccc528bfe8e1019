import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { buildConnector, Dispatcher } from "undici";
import type { ConnectionConfig, Endpoint } from "../connection.ts";
import { tlsOptions } from "./tls.ts";
import { Pool } from "./undici.ts";

/** Opens a connection to the origin in place of a socket, with no TLS in between: to a server in the same process. Throws when there is none. */
export type Dial = (origin: string) => Duplex;

export interface Pools extends AsyncDisposable {
  /** Bounded: short requests. */
  readonly requests: Dispatcher;
  /** Unbounded: watches and logs keep a connection for minutes, and must never take one from a short request. */
  readonly streams: Dispatcher;
}

interface PoolsOptions {
  readonly connectTimeoutMs: number;
  readonly connectionsMax: number;
  readonly dial: Dial | undefined;
}

/** Shorter than the 90 s after which kube-apiserver closes an idle connection, so that we are the one who closes. */
const keepAliveMs = 60_000;

/** The connections of one client. HTTP/1.1 only: over HTTP/2 one slow stream's window and one lost packet hold up all requests to that cluster. */
export function createPools(config: ConnectionConfig, endpoint: Endpoint, options: PoolsOptions): Pools {
  const common = {
    allowH2: false,
    pipelining: 1,
    keepAliveTimeout: keepAliveMs,
    keepAliveMaxTimeout: keepAliveMs,
    headersTimeout: 0, // deadlines are ours: they come from the injected clock and cover the whole call
    bodyTimeout: 0,
    connect:
      options.dial === undefined
        ? { ...(endpoint.secure ? tlsOptions(config) : {}), timeout: options.connectTimeoutMs }
        : connectorOf(options.dial, endpoint.origin),
  };
  const requests = new Pool(endpoint.origin, { ...common, connections: options.connectionsMax });
  const streams = new Pool(endpoint.origin, common);
  return {
    requests,
    streams,
    async [Symbol.asyncDispose]() {
      await Promise.all([requests.destroy(), streams.destroy()]);
    },
  };
}

function connectorOf(dial: Dial, origin: string): buildConnector.connector {
  return (_options, callback) => {
    const connect = (): void => {
      let connection: Duplex;
      try {
        connection = dial(origin);
      } catch (error) {
        return callback(error as Error, null);
      }
      callback(null, connection as Socket); // undici takes any Duplex
    };
    queueMicrotask(connect); // never before this returns: undici takes the connection for one that is still to come
  };
}
