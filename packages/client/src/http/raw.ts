import type { Clock } from "@threeport/platform";
import type { PlatformError } from "@threeport/resource";
import type { Dispatcher } from "undici";
import { answerError } from "./answer-error.ts";
import { networkError } from "./network-error.ts";
import { readBody } from "./read-body.ts";
import type { RawResponse } from "./send-options.ts";
import type { Dispatch } from "./dispatch.ts";
import { request } from "./undici.ts";

interface RawContext {
  readonly host: string;
  readonly clock: Clock;
  /** Until the answer's headers are there; the body has no deadline. */
  readonly timeoutMs: number;
  readonly late: () => PlatformError;
  readonly signal: AbortSignal | undefined;
  readonly secret: string | undefined;
}

/** Longest error body that is read of a stream request: a Status, or a proxy's page. */
const errorBytesMax = 64 * 1024;

/** Opens a stream: an answer whose body is read as it comes. @throws PlatformError when the server refuses or cannot be reached */
export async function openRaw(pool: Dispatcher, dispatch: Dispatch, context: RawContext): Promise<RawResponse> {
  const { signal, host, clock } = context;
  signal?.throwIfAborted();
  const cut = new AbortController();
  const onAbort = () => cut.abort(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  const translate = (error: unknown): unknown => (signal?.aborted === true ? signal.reason : networkError(error, host));
  try {
    using _deadline = clock.after(context.timeoutMs, () => cut.abort(context.late()));
    const answer = await request.call(pool, { ...dispatch, signal: cut.signal });
    answer.body.once("close", () => signal?.removeEventListener("abort", onAbort));
    answer.body.on("error", () => {}); // an abort before the body is read; readers get it from the iterator
    const { statusCode: status, headers } = answer;
    if (status < 300) return { status, headers, body: chunks(answer.body, translate) };
    const text = await readStart(answer.body);
    throw answerError({ ...readBody({ status, headers, text }, host), method: dispatch.method, path: dispatch.path, host, secret: context.secret });
  } catch (error) {
    signal?.removeEventListener("abort", onAbort);
    throw translate(error);
  }
}

async function* chunks(body: Dispatcher.ResponseData["body"], translate: (error: unknown) => unknown): AsyncIterable<Uint8Array> {
  try {
    for await (const chunk of body) yield chunk as Uint8Array;
  } catch (error) {
    throw translate(error);
  }
}

async function readStart(body: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    parts.push(part);
    bytes += part.length;
    if (bytes >= errorBytesMax) break;
  }
  return Buffer.concat(parts).toString("utf8");
}
