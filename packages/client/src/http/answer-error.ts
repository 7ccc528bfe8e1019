import { PlatformError, fromStatus } from "@threeport/resource";
import type { ResponseHeaders } from "./warnings.ts";

export interface FailedAnswer {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: unknown;
  readonly method: string;
  readonly path: string;
  readonly host: string;
  /** The token that was sent: an answer that echoes it is shown without it. */
  readonly secret?: string | undefined;
}

/** How much of a page that is not a Status is shown: enough for `404 page not found` or a proxy's title. */
const excerptCharactersMax = 200;

/** The error that an answer of 300 or more means. */
export function answerError(answer: FailedAnswer): PlatformError {
  if (answer.status < 400) return redirectError(answer);
  const error = fromStatus(answer.body, answer.status);
  const retryAfterSeconds = error.retryAfterSeconds ?? retryAfterOf(answer.headers);
  const isStatus = error.detail["reason"] !== undefined || (answer.body as { kind?: unknown } | undefined)?.kind === "Status";
  return new PlatformError(error.code, {
    message: withoutSecret(
      isStatus ? error.message : `${answer.host} answered ${answer.status} to ${answer.method} ${pathOnly(answer.path)}${excerpt(answer.body, answer.secret)}`,
      answer.secret,
    ),
    causes: error.causes,
    detail: { ...error.detail, host: answer.host, isStatus },
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

/** `Retry-After` in seconds; the form with a date is not used by API servers and is ignored. */
export function retryAfterOf(headers: ResponseHeaders): number | undefined {
  const value = headers["retry-after"];
  return typeof value === "string" && /^\d{1,6}$/.test(value) ? Number(value) : undefined;
}

function redirectError(answer: FailedAnswer): PlatformError {
  const location = answer.headers["location"];
  const target = typeof location === "string" && URL.canParse(location) ? ` to ${new URL(location).origin}` : "";
  return new PlatformError("TP_RUNTIME_ANSWER_INVALID", {
    message: `${answer.host} answered ${answer.status}, a redirect${target}; redirects are not followed, because credentials would go along. Write the API server's own address.`,
    detail: { host: answer.host, httpStatus: answer.status },
  });
}

function withoutSecret(text: string, secret: string | undefined): string {
  return secret === undefined ? text : text.replaceAll(secret, "…");
}

function excerpt(body: unknown, secret: string | undefined): string {
  if (typeof body !== "string" || body.trim() === "") return "";
  const plain = withoutSecret(body, secret)
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/[^\x20-\x7e…]+/g, " ")
    .replaceAll(/ +/g, " ")
    .trim();
  return `: ${plain.length <= excerptCharactersMax ? plain : `${plain.slice(0, excerptCharactersMax)}…`}`;
}

function pathOnly(path: string): string {
  const end = path.indexOf("?");
  return end < 0 ? path : path.slice(0, end);
}
