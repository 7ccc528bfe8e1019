import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { PlatformError } from "@threeport/resource";

/** GET over HTTPS, for files of any size. */
export interface HttpsGet extends Disposable {
  /** The answer to `url`, redirects followed. @throws PlatformError TP_UNAVAILABLE when there is none */
  open(url: URL, options: { readonly from: number; readonly signal?: AbortSignal }): Promise<IncomingMessage>;
}

export interface HttpsOptions {
  readonly proxies?: Readonly<Record<string, string | undefined>>;
  readonly authorities?: string;
}

/** A server that says nothing for this long has gone. */
const silenceMsMax = 30_000;
const redirectsMax = 5;
/** Nobody listens there, no way leads there, or somebody else is there: trying again at once does not help. */
const lasting = /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ERR_TLS_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/;

export function httpsGet({ proxies, authorities }: HttpsOptions): HttpsGet {
  const agent = new Agent({
    keepAlive: true,
    ...(authorities === undefined ? {} : { ca: authorities }),
    ...(proxies === undefined ? {} : { proxyEnv: proxies }),
  });
  const once = (url: URL, from: number, signal: AbortSignal | undefined) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { "user-agent": "threeport", ...(from === 0 ? {} : { range: `bytes=${from}-` }) };
      const sent = request(url, { agent, headers, ...(signal === undefined ? {} : { signal }) }, resolve);
      sent.setTimeout(silenceMsMax, () => sent.destroy(new Error(`no word for ${silenceMsMax / 1000} s`)));
      sent.once("error", reject);
      sent.end();
    });
  return {
    async open(asked, { from, signal }) {
      let url = asked;
      for (let redirects = 0; redirects <= redirectsMax; redirects++) {
        const answer = await once(url, from, signal).catch((cause: unknown) => {
          signal?.throwIfAborted();
          throw unavailable(url, cause);
        });
        const { statusCode = 0, headers } = answer;
        if (statusCode < 300 || statusCode >= 400 || headers.location === undefined) return answer;
        answer.resume();
        url = new URL(headers.location, url);
        if (url.protocol !== "https:") throw new PlatformError("TP_TOOL_MISSING", { message: `${asked.href} leads to ${url.href}, which is not https` });
      }
      throw new PlatformError("TP_TOOL_MISSING", { message: `${asked.href} leads in circles` });
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

/** `again` says whether another try in a moment makes sense. */
export function unavailable(url: URL, cause: unknown): PlatformError {
  const { code = "" } = cause as { code?: string };
  return new PlatformError("TP_UNAVAILABLE", {
    message: `${url.href} cannot be had: ${cause instanceof Error ? cause.message : String(cause)}`,
    detail: { again: !lasting.test(code) },
    cause,
  });
}
