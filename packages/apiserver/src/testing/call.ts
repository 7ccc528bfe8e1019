import { once } from "node:events";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { Agent, request } from "node:https";

export interface CallInput {
  /** An object is sent as JSON, text and bytes as they are. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** `false` sends no token. */
  readonly token?: string | false;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Parsed JSON, or undefined when it is none. */
  readonly body: AnswerBody;
}

/** An object, a list or a Status: what a test looks into is simply expected to be there. */
export interface AnswerBody {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly continue?: string;
    readonly [field: string]: unknown;
  };
  readonly status?: unknown;
  readonly reason?: string;
  readonly message: string;
  readonly code?: number;
  readonly details?: {
    readonly causes?: readonly { readonly field?: string; readonly reason?: string; readonly message: string }[];
    readonly code?: string;
    readonly name?: string;
    readonly kind?: string;
  };
  readonly items: readonly AnswerBody[];
  readonly [field: string]: unknown;
}

export type Call = (method: string, path: string, input?: CallInput) => Promise<Answer>;

const patchTypes: Readonly<Record<string, string>> = { PATCH: "application/merge-patch+json" };

/** Requests that never throw for a status: for tests of what exactly the server answers. */
export function createCaller(options: { readonly port: number; readonly caPem: string; readonly token: string }): { readonly call: Call } & Disposable {
  const agent = new Agent({ keepAlive: true, ca: options.caPem });
  const call: Call = async (method, path, input = {}) => {
    const body =
      input.body === undefined ? undefined : typeof input.body === "string" || input.body instanceof Uint8Array ? input.body : JSON.stringify(input.body);
    const token = input.token ?? options.token;
    const sent = request({
      host: "127.0.0.1",
      port: options.port,
      method,
      path,
      agent,
      headers: {
        ...(token === false ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": patchTypes[method] ?? "application/json", "content-length": String(Buffer.byteLength(body)) }),
        ...input.headers,
      },
    });
    sent.on("error", () => {}); // after an answer: the server did not want the rest of the body
    sent.end(body);
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString("utf8");
    return { status: answer.statusCode ?? 0, headers: answer.headers, text, body: parse(text) };
  };
  return { call, [Symbol.dispose]: () => agent.destroy() };
}

function parse(text: string): AnswerBody {
  try {
    return JSON.parse(text) as AnswerBody;
  } catch {
    return undefined as unknown as AnswerBody; // a test that looks into it fails there
  }
}
