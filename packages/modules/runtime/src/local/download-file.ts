import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { backoffMs, type Clock, type Random } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import { type HttpsGet, unavailable } from "./https-get.ts";

export interface DownloadTools {
  readonly https: HttpsGet;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal?: AbortSignal;
}

export interface FileDownload {
  readonly url: URL;
  /** What is there already is continued, also after a process that died. */
  readonly path: string;
  /** Hexadecimal. */
  readonly sha256: string;
  /** Called with each piece; `total` is undefined while the server does not say it. */
  readonly onBytes?: (bytes: number, total: number | undefined) => void;
}

const attemptsMax = 5;
const retryPolicy = { baseMs: 500, capMs: 10_000 };
/** A list of sums is a few KB. */
const textBytesMax = 1_048_576;

/**
 * Brings the file of `url` to `path`, whole and with the sum that it must have. A connection that breaks is continued where it stopped; a file with
 * another sum is thrown away and had once more from the beginning.
 * @throws PlatformError TP_TOOL_MISSING when the server does not have it or its sum is another; TP_UNAVAILABLE when it could not be had whole
 */
export async function downloadFile(file: FileDownload, tools: DownloadTools): Promise<void> {
  await persistently(tools, () => continueFile(file, tools));
  if ((await sha256Of(file.path)) === file.sha256) return;
  await rm(file.path);
  await persistently(tools, () => continueFile(file, tools));
  const sum = await sha256Of(file.path);
  if (sum === file.sha256) return;
  await rm(file.path);
  throw new PlatformError("TP_TOOL_MISSING", {
    message: `${file.url.href} has the SHA-256 ${sum}, and ${file.sha256} is published for it; it was thrown away`,
    detail: { url: file.url.href, sum, published: file.sha256 },
  });
}

/** A short text. @throws as {@link downloadFile} */
export async function downloadText(url: URL, tools: DownloadTools): Promise<string> {
  return persistently(tools, async () => {
    const answer = await accepted(url, await open(url, 0, tools));
    let text = "";
    try {
      for await (const chunk of answer) {
        text += String(chunk);
        if (text.length > textBytesMax) throw new PlatformError("TP_TOOL_MISSING", { message: `${url.href} is longer than a list of sums` });
      }
    } catch (error) {
      throw error instanceof PlatformError ? error : unavailable(url, error);
    }
    return text;
  });
}

/** Tries again what may work in a moment. */
async function persistently<T>({ clock, random, signal }: DownloadTools, attempt: () => Promise<T>): Promise<T> {
  for (let number = 1; ; number++) {
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      if (number === attemptsMax || !(error instanceof PlatformError) || error.detail["again"] !== true) throw error;
      await clock.sleep(backoffMs(number, retryPolicy, random), signal);
    }
  }
}

async function continueFile({ url, path, onBytes }: FileDownload, tools: DownloadTools): Promise<void> {
  const there = await sizeOf(path);
  const answer = await open(url, there, tools);
  if (answer.statusCode === 416) {
    answer.resume(); // as long as the server's file, or longer: the sum tells which
    return;
  }
  await accepted(url, answer);
  const continued = answer.statusCode === 206 && answer.headers["content-range"]?.startsWith(`bytes ${there}-`) === true;
  let bytes = continued ? there : 0;
  const length = answer.headers["content-length"];
  const total = length === undefined ? undefined : bytes + Number(length);
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      onBytes?.(bytes, total);
      done(null, chunk);
    },
  });
  try {
    await pipeline(answer, counter, createWriteStream(path, { flags: continued ? "a" : "w" }), ...signalOf(tools));
  } catch (error) {
    tools.signal?.throwIfAborted();
    if ((error as NodeJS.ErrnoException).syscall === "write") throw error; // the disk, not the network
    throw unavailable(url, error);
  }
}

function open(url: URL, from: number, { https, signal }: DownloadTools): Promise<IncomingMessage> {
  return https.open(url, { from, ...(signal === undefined ? {} : { signal }) });
}

/** The answer, when it carries the file. */
async function accepted(url: URL, answer: IncomingMessage): Promise<IncomingMessage> {
  const { statusCode = 0 } = answer;
  if (statusCode === 200 || statusCode === 206) return answer;
  answer.resume();
  if (statusCode === 429 || statusCode >= 500)
    throw new PlatformError("TP_UNAVAILABLE", { message: `${url.href} cannot be had: the server answers ${statusCode}`, detail: { again: true } });
  throw new PlatformError("TP_TOOL_MISSING", {
    message: statusCode === 404 ? `there is no ${url.href}` : `${url.href} is refused: the server answers ${statusCode}`,
  });
}

function signalOf({ signal }: DownloadTools): [] | [{ readonly signal: AbortSignal }] {
  return signal === undefined ? [] : [{ signal }];
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
