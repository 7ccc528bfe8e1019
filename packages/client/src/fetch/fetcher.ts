// The one way to addresses that users supply (design.md P5): resolved once, checked, pinned; redirects, size and time have bounds.
import { createHash } from "node:crypto";
import { lookup as systemLookup, type LookupAddress } from "node:dns";
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request as plainRequest, Agent as PlainAgent } from "node:http";
import { Agent, request } from "node:https";
import { isIP, type BlockList, type LookupFunction } from "node:net";
import { join, normalize } from "node:path";
import { PlatformError } from "@threeport/resource";
import { blockList, isPublicAddress } from "./addresses.ts";

export interface FetcherOptions {
  /** Ranges in CIDR form that may be reached although they are private. */
  readonly allowedRanges?: readonly string[];
  /** A folder, or an http(s) address, in which `https://host/path` is found as `host/path`; everything is taken from there, and from nowhere else. */
  readonly mirror?: string | undefined;
  /** `HTTPS_PROXY` and its like. Who is asked by a proxy is looked up by the proxy. */
  readonly proxies?: Readonly<Record<string, string | undefined>>;
  /** PEM of authorities to trust beside those of the system. */
  readonly authorities?: string;
}

export interface AskOptions {
  readonly bytesMax: number;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Sent to the host of the address only, and not to those that it leads to. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface FetchOptions extends AskOptions {
  /** Of the content, in hexadecimal. Other content is refused. */
  readonly sha256: string;
}

/** What stands behind an address, whatever its status. */
export interface Answer {
  /** Where it came from in the end. */
  readonly from: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly content: Buffer;
}

export interface Fetcher {
  /**
   * The content behind an https address.
   * @throws PlatformError TP_NOT_ALLOWED for an address that may not be reached, TP_TOO_LARGE, TP_BAD_REQUEST when the content is another than `sha256` says,
   * TP_UNAVAILABLE when it cannot be had
   */
  fetch(address: string, options: FetchOptions): Promise<Buffer>;
  /**
   * What an https address answers now: for what has no digest of its own, such as the index of a repository. Redirects are followed.
   * @throws PlatformError TP_NOT_ALLOWED, TP_TOO_LARGE, TP_UNAVAILABLE as `fetch` does; a status of its own is no error
   */
  ask(address: string, options: AskOptions): Promise<Answer>;
}

const redirectsMax = 5;

export function createFetcher(options: FetcherOptions = {}): Fetcher {
  const way: Way = { ...options, allowed: blockList(options.allowedRanges ?? []) };
  return {
    async fetch(address, wanted) {
      const url = urlOf(address);
      const { status, from, content } = await answerOf(url, wanted, way);
      if (status !== 200) throw new PlatformError("TP_UNAVAILABLE", { message: `${from} answers with status ${status}` });
      const digest = createHash("sha256").update(content).digest("hex");
      if (digest !== wanted.sha256.toLowerCase())
        throw new PlatformError("TP_BAD_REQUEST", { message: `${url.href} has the SHA-256 ${digest}, and not ${wanted.sha256} as is written beside it` });
      return content;
    },
    ask: (address, wanted) => answerOf(urlOf(address), wanted, way),
  };
}

interface Way extends FetcherOptions {
  readonly allowed: BlockList;
}

type Wanted = AskOptions & { readonly signal: AbortSignal };

async function answerOf(url: URL, wanted: AskOptions, way: Way): Promise<Answer> {
  const signal = AbortSignal.any([AbortSignal.timeout(wanted.timeoutMs), ...(wanted.signal === undefined ? [] : [wanted.signal])]);
  try {
    return await contentOf(url, { ...wanted, signal }, way);
  } catch (error) {
    wanted.signal?.throwIfAborted();
    throw error instanceof PlatformError ? error : unavailable(url, error, signal.aborted ? `nothing came within ${wanted.timeoutMs / 1000} s` : undefined);
  }
}

async function contentOf(url: URL, wanted: Wanted, way: Way): Promise<Answer> {
  const { mirror } = way;
  if (mirror === undefined) return download(url, wanted, way);
  const path = `${url.host}${decodeURIComponent(url.pathname)}`;
  // The mirror is the operator's: it may be anywhere.
  if (/^https?:\/\//.test(mirror))
    return download(new URL(`${mirror.replace(/\/$/, "")}/${path}`), wanted, { ...way, allowed: blockList(["0.0.0.0/0", "::/0"]) });
  const file = join(mirror, normalize(`/${path}`));
  const content = await readFile(file, { signal: wanted.signal }).catch((cause: unknown) => {
    throw new PlatformError("TP_UNAVAILABLE", { message: `${url.href} is not in the mirror: there is no readable file ${path} in ${mirror}`, cause });
  });
  if (content.length > wanted.bytesMax) throw tooLarge(url, wanted);
  return { from: file, status: 200, headers: {}, content };
}

async function download(asked: URL, wanted: Wanted, way: Way): Promise<Answer> {
  let url = asked;
  for (let redirects = 0; redirects <= redirectsMax; redirects++) {
    const answer = await open(url, url.host === asked.host ? wanted : { ...wanted, headers: {} }, way);
    const { statusCode = 0, headers } = answer;
    if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
      answer.destroy();
      const next = new URL(headers.location, url);
      if (next.protocol !== url.protocol) throw new PlatformError("TP_NOT_ALLOWED", { message: `${asked.href} leads to ${next.href}, which is not https` });
      url = next;
      continue;
    }
    return { from: url.href, status: statusCode, headers, content: await read(answer, url, wanted) };
  }
  throw new PlatformError("TP_UNAVAILABLE", { message: `${asked.href} leads in circles` });
}

function open(url: URL, { signal, headers = {} }: Wanted, way: Way): Promise<IncomingMessage> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) !== 0 && !isPublicAddress(host, way.allowed)) return Promise.reject(notAllowed(url, host));
  const shared = { signal, headers: { "user-agent": "threeport", ...headers }, lookup: checkedLookup(url, way) };
  return new Promise((resolve, reject) => {
    const sent =
      url.protocol === "http:" ? plainRequest(url, { ...shared, agent: new PlainAgent() }, resolve) : request(url, { ...shared, agent: agentOf(way) }, resolve);
    sent.once("error", reject);
    sent.end();
  });
}

function agentOf({ proxies, authorities }: Way): Agent {
  return new Agent({ ...(authorities === undefined ? {} : { ca: authorities }), ...(proxies === undefined ? {} : { proxyEnv: proxies }) });
}

/**
 * What the name stands for is looked up once, and the connection goes to what was checked. A proxy is the operator's and may be anywhere; what it is asked for it
 * looks up itself. Hosts that are reached without it (NO_PROXY) are checked as any other.
 */
function checkedLookup(url: URL, { allowed, proxies = {} }: Way): LookupFunction {
  const ways = new Set(Object.values(proxies).flatMap((text) => (text !== undefined && URL.canParse(text) ? [new URL(text).hostname] : [])));
  return (host, options, done) => {
    if (host !== url.hostname && ways.has(host)) return systemLookup(host, options, done);
    systemLookup(host, { ...options, all: true }, (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => {
      if (error !== null) return done(error, "", 0);
      const refused = found.find(({ address }) => !isPublicAddress(address, allowed));
      if (refused !== undefined) return done(notAllowed(url, refused.address), "", 0);
      const [first] = found;
      if (options.all === true) done(null, found);
      else done(null, first?.address ?? "", first?.family ?? 4);
    });
  };
}

async function read(answer: IncomingMessage, url: URL, wanted: AskOptions): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > wanted.bytesMax) {
      answer.destroy();
      throw tooLarge(url, wanted);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function urlOf(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== "https:" || url.username !== "" || url.password !== "")
    throw new PlatformError("TP_NOT_ALLOWED", { message: `${JSON.stringify(address.slice(0, 200))}: must be an https address without user and password` });
  return url;
}

function notAllowed(url: URL, address: string): PlatformError {
  return new PlatformError("TP_NOT_ALLOWED", {
    message: `${url.host} stands for ${address}, which is no address of the internet; who runs the control plane may allow it with --fetch-from`,
  });
}

function tooLarge(url: URL, { bytesMax }: AskOptions): PlatformError {
  return new PlatformError("TP_TOO_LARGE", { message: `${url.href} is larger than ${bytesMax} bytes, which is the most that is read` });
}

function unavailable(url: URL, cause: unknown, told?: string): PlatformError {
  return new PlatformError("TP_UNAVAILABLE", {
    message: `${url.href} cannot be had: ${told ?? (cause instanceof Error ? cause.message : String(cause))}`,
    cause,
  });
}
