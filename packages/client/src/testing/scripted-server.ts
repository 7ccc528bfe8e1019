import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  /** Counts connections: two requests with the same number shared one. */
  readonly connection: number;
}

export type Script = (request: SeenRequest, answer: ServerResponse) => void | Promise<void>;

/** An API server that does what a test says, on loopback; `script` may be replaced while it runs. */
export interface ScriptedServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly seen: SeenRequest[];
  script: Script;
  /** Cuts every connection, as a server that is killed does, and stops listening. */
  stop(): Promise<void>;
  /** Listens again on the same port. */
  restart(): Promise<void>;
}

export async function scriptedServer(script: Script, tls?: { readonly key: string; readonly cert: string; readonly ca?: string }): Promise<ScriptedServer> {
  const sockets = new Map<Socket, number>();
  const seen: SeenRequest[] = [];
  let connections = 0;
  let http: Server;
  let port = 0;

  async function listen(): Promise<void> {
    const handler = (request: IncomingMessage, answer: ServerResponse) => void handle(request, answer);
    http =
      tls === undefined
        ? createServer(handler)
        : createSecureServer({ ...tls, ...(tls.ca === undefined ? {} : { requestCert: true, rejectUnauthorized: true }) }, handler);
    http.on("connection", (socket: Socket) => {
      sockets.set(socket, ++connections);
      socket.once("close", () => sockets.delete(socket));
    });
    http.on("secureConnection", (socket: Socket) => sockets.set(socket, connections));
    http.listen(port, "127.0.0.1");
    await once(http, "listening");
    port = (http.address() as AddressInfo).port;
  }

  async function handle(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://x");
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const entry = {
      method: request.method ?? "",
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
      connection: sockets.get(request.socket) ?? 0,
    };
    seen.push(entry);
    await server.script(entry, answer);
  }

  const server: ScriptedServer = {
    get url() {
      return `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`;
    },
    get port() {
      return port;
    },
    seen,
    script,
    async stop() {
      for (const socket of sockets.keys()) socket.destroy();
      if (http.listening) await new Promise((resolve) => http.close(resolve));
    },
    restart: listen,
    async [Symbol.asyncDispose]() {
      await server.stop();
    },
  };
  await listen();
  return server;
}

export function json(answer: ServerResponse, status: number, body: unknown, headers: Record<string, string | string[]> = {}): void {
  answer.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

export function failure(code: number, reason: string, message: string, details?: object): object {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code, ...(details === undefined ? {} : { details }) };
}

/** Waits until `check` is true; fails after `deadlineMs` with what was waited for. */
export async function until(what: string, check: () => boolean, deadlineMs = 5_000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!check()) {
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
