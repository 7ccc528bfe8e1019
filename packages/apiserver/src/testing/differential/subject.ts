import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import type { Json } from "./json.ts";

/** One of the two servers that are compared. */
export interface Subject extends Disposable {
  readonly name: string;
  send(call: SubjectCall): Promise<SubjectAnswer>;
  /** Opens a watch; events are collected until it is ended. */
  watch(path: string): Promise<SubjectWatch>;
}

export interface SubjectCall {
  readonly method: string;
  readonly path: string;
  readonly contentType?: string;
  readonly accept?: string;
  readonly body?: string | Uint8Array;
}

export interface SubjectAnswer {
  /** 0 when the server cut the connection instead of answering. */
  readonly status: number;
  readonly warnings: readonly string[];
  readonly contentType: string;
  /** Undefined when the body is no JSON. */
  readonly body: Json | undefined;
}

export interface SubjectWatch {
  readonly status: number;
  readonly events: readonly Json[];
  /** Waits until an event of this object's version came, or the deadline. */
  sees(resourceVersion: string): Promise<void>;
  end(): void;
}

export interface SubjectOptions {
  readonly name: string;
  readonly port: number;
  readonly ca: string;
  readonly token?: string;
  readonly cert?: string;
  readonly key?: string;
}

const watchDeadlineMs = 5_000;
/** Far beyond what any answer takes: who needs longer hangs. */
const answerDeadlineMs = 10_000;

export function openSubject(options: SubjectOptions): Subject {
  const agent = new Agent({
    keepAlive: true,
    ca: options.ca,
    ...(options.cert === undefined || options.key === undefined ? {} : { cert: options.cert, key: options.key }),
  });
  const begin = async ({ method, path, contentType, accept, body }: SubjectCall): Promise<IncomingMessage> => {
    const sent = request({
      host: "127.0.0.1",
      port: options.port,
      method,
      path,
      agent,
      headers: {
        ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
        ...(contentType === undefined ? {} : { "content-type": contentType }),
        ...(accept === undefined ? {} : { accept }),
        ...(body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) }),
      },
    });
    sent.setTimeout(answerDeadlineMs, () => void sent.destroy(new Error(`${options.name} does not answer ${method} ${path} ${String(body)}`)));
    sent.on("error", () => {}); // after an answer: the server did not want the rest of the body
    sent.end(body);
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    sent.setTimeout(0);
    return answer;
  };
  return {
    name: options.name,
    async send(call) {
      const answer = await begin(call).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ECONNRESET") return undefined;
        throw error;
      });
      if (answer === undefined) return { status: 0, contentType: "", warnings: [], body: undefined };
      const chunks: Buffer[] = [];
      const timer = setTimeout(() => answer.destroy(new Error(`${options.name} does not end its answer to ${JSON.stringify(call)}`)), answerDeadlineMs);
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      clearTimeout(timer);
      return {
        status: answer.statusCode ?? 0,
        contentType: (answer.headers["content-type"] ?? "").split(";", 1)[0] ?? "",
        warnings: warningsOf(answer.headers["warning"]),
        body: parse(Buffer.concat(chunks).toString("utf8")),
      };
    },
    async watch(path) {
      const answer = await begin({ method: "GET", path });
      const events: Json[] = [];
      const waiting = new Set<() => void>();
      let rest = "";
      answer.setEncoding("utf8");
      answer.on("error", () => {});
      answer.on("data", (chunk: string) => {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) if (line !== "") events.push(JSON.parse(line) as Json);
        for (const look of waiting) look();
      });
      return {
        status: answer.statusCode ?? 0,
        events,
        async sees(resourceVersion) {
          const seen = () =>
            events.some((event) => (event as { object?: { metadata?: { resourceVersion?: string } } }).object?.metadata?.resourceVersion === resourceVersion);
          const { promise, resolve } = Promise.withResolvers<void>();
          const look = () => void (seen() && resolve());
          const timer = setTimeout(resolve, watchDeadlineMs); // what did not come is told by the comparison
          waiting.add(look);
          look();
          await promise;
          clearTimeout(timer);
          waiting.delete(look);
        },
        end: () => void answer.destroy(),
      };
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

/** `299 - "text"`, several of them parted by commas; quotes inside are escaped. */
function warningsOf(header: string | undefined): string[] {
  return [...(header ?? "").matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)].map((found) => (found[1] ?? "").replaceAll(/\\(.)/g, "$1")).sort();
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
