import { once } from "node:events";
import { Agent, createServer, request as forward } from "node:https";
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { systemClock } from "@threeport/platform";
import { issue } from "@threeport/platform/pki";
import type { ConnectionConfig } from "@threeport/client";
import { kubeconfigOf, type TestApiServer } from "./api-server.ts";

/** A request as a rule sees it; `path` without its query. */
export interface Call {
  readonly method: string;
  readonly path: string;
}

/** A request that arrived, and whom it asked to act as. */
export interface Seen extends Call {
  readonly user: string | undefined;
}

/** What happens on the way to a cluster: answers get lost, requests are held up, nobody is there at all. */
export interface FaultProxy extends AsyncDisposable {
  readonly kubeconfig: string;
  readonly connection: ConnectionConfig;
  /** Tokens that were sent; the proxy takes any. */
  readonly tokens: ReadonlySet<string>;
  /** All requests that arrived, in order. */
  readonly calls: readonly Seen[];
  /** Paths of the watches that are open now. */
  readonly watched: Iterable<string>;
  /** Writes that arrived, `METHOD path`, in order. */
  readonly writes: readonly string[];
  /** The cluster acts on the next `times` matching requests, and their answers never come: the connection breaks. Resolves after the last. */
  loseAnswers(match: (call: Call) => boolean, times: number): Promise<void>;
  /** Matching requests get this answer in place of the cluster's, until it is disposed. */
  answer(match: (call: Call) => boolean, given: { readonly status: number; readonly headers?: Readonly<Record<string, string>> }): Disposable;
  /** Matching requests reach the cluster this much later, until it is disposed. */
  slow(match: (call: Call) => boolean, delayMs: number): Disposable;
  /** The next matching request waits before it reaches the cluster. */
  hold(match: (call: Call) => boolean): Held;
  /** Nobody listens any more, and open connections break. */
  down(): Promise<void>;
  /** Listens again, at the same address. */
  up(): Promise<void>;
}

export interface Held {
  /** The request has arrived and waits. */
  readonly arrived: Promise<void>;
  /** `forward` lets it go on, even when nobody waits for its answer any more; `drop` breaks its connection, and the cluster never hears of it. */
  release(how: "forward" | "drop"): void;
}

interface Rule {
  readonly match: (call: Call) => boolean;
  readonly run: (call: Call, exchange: Exchange) => Promise<void>;
}

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

const dayMs = 86_400_000;

/** A TLS server in front of a real API server; whoever connects acts as its administrator. */
export async function openFaultProxy(server: TestApiServer): Promise<FaultProxy> {
  const own = await issue(server.authority, {
    subject: { commonName: "fault-proxy" },
    usages: ["server"],
    hosts: ["127.0.0.1"],
    nowMs: systemClock.now(),
    validForMs: dayMs,
  });
  const agent = new Agent({ keepAlive: true, ca: server.connection.caData, cert: server.connection.clientCertificate, key: server.connection.clientKey });
  const sockets = new Set<Socket>();
  const rules: Rule[] = [];
  const writes: string[] = [];
  const calls: Seen[] = [];
  const watches = new Set<{ readonly path: string }>();
  const tokens = new Set<string>();

  function handle(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const call: Call = { method: incoming.method ?? "GET", path: (incoming.url ?? "").split("?")[0] ?? "" };
    tokens.add((incoming.headers.authorization ?? "").replace("Bearer ", ""));
    calls.push({ ...call, user: incoming.headers["impersonate-user"] as string | undefined });
    if (new URL(incoming.url ?? "/", "https://proxy").searchParams.has("watch")) {
      const watch = { path: call.path };
      watches.add(watch);
      outgoing.on("close", () => watches.delete(watch));
    }
    if (call.method !== "GET") writes.push(`${call.method} ${call.path}`);
    const rule = rules.find((candidate) => candidate.match(call));
    if (rule === undefined) pass({ incoming, outgoing }, "answer");
    else void rule.run(call, { incoming, outgoing });
  }

  function send({ incoming }: Exchange): ClientRequest {
    const { authorization: _, host: __, ...headers } = incoming.headers;
    return forward({ host: "127.0.0.1", port: server.port, method: incoming.method, path: incoming.url, headers, agent });
  }

  function pass(exchange: Exchange, then: "answer" | "break", done: () => void = () => {}): void {
    const { incoming, outgoing } = exchange;
    const sent = send(exchange);
    incoming.pipe(sent);
    sent.on("error", () => outgoing.destroy());
    outgoing.on("close", () => sent.destroy());
    sent.on("response", (answer) => {
      if (then === "answer") {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
        return;
      }
      answer.resume().on("end", () => {
        incoming.socket.destroy();
        done();
      });
    });
  }

  const during = (rule: Rule): Disposable => {
    rules.push(rule);
    return { [Symbol.dispose]: () => void rules.splice(rules.indexOf(rule), 1) };
  };

  const listener = createServer({ key: own.privateKeyPem, cert: own.certificatePem }, handle);
  listener.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => {});
  });
  const listen = async (port: number): Promise<number> => {
    listener.listen(port, "127.0.0.1");
    await once(listener, "listening");
    return (listener.address() as { port: number }).port;
  };
  const down = async (): Promise<void> => {
    if (!listener.listening) return;
    const closed = once(listener, "close");
    listener.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  const port = await listen(0);
  const connection: ConnectionConfig = {
    server: `https://127.0.0.1:${port}`,
    ...(server.connection.caData === undefined ? {} : { caData: server.connection.caData }),
    token: "the-proxy-does-not-look-at-it",
  };

  return {
    connection,
    kubeconfig: kubeconfigOf(connection),
    tokens,
    calls,
    get watched() {
      return [...watches].map(({ path }) => path);
    },
    writes,
    loseAnswers(match, times) {
      const { promise, resolve } = Promise.withResolvers<void>();
      let left = times;
      const rule: Rule = {
        match,
        async run(_call, exchange) {
          if (--left <= 0) rules.splice(rules.indexOf(rule), 1);
          pass(exchange, "break", () => {
            if (left <= 0) resolve();
          });
        },
      };
      rules.push(rule);
      return promise;
    },
    answer: (match, { status, headers = {} }) =>
      during({
        match,
        async run(_call, { incoming, outgoing }) {
          incoming.resume();
          outgoing.writeHead(status, { "content-type": "application/json", ...headers });
          outgoing.end(JSON.stringify({ apiVersion: "v1", kind: "Status", metadata: {}, status: "Failure", message: "too busy", code: status }));
        },
      }),
    slow: (match, delayMs) =>
      during({
        match,
        async run(_call, exchange) {
          await systemClock.sleep(delayMs);
          pass(exchange, "answer");
        },
      }),
    hold(match) {
      const arrived = Promise.withResolvers<void>();
      const released = Promise.withResolvers<"forward" | "drop">();
      const rule: Rule = {
        match,
        async run(_call, exchange) {
          rules.splice(rules.indexOf(rule), 1);
          const body = await buffer(exchange.incoming);
          arrived.resolve();
          if ((await released.promise) === "drop") return void exchange.incoming.socket.destroy();
          send(exchange)
            .on("error", () => exchange.outgoing.destroy())
            .on("response", (answer) => {
              if (exchange.outgoing.destroyed) return void answer.resume();
              exchange.outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
              answer.pipe(exchange.outgoing);
            })
            .end(body);
        },
      };
      rules.push(rule);
      return { arrived: arrived.promise, release: (how) => released.resolve(how) };
    },
    down,
    async up() {
      await listen(port);
    },
    async [Symbol.asyncDispose]() {
      await down();
      agent.destroy();
    },
  };
}
