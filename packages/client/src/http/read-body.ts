import { PlatformError } from "@threeport/resource";
import type { Response } from "./send-options.ts";
import type { Answer } from "./exchange.ts";

/** The body of an answer: parsed where it says JSON, text otherwise. A failed answer is never lost to bad JSON: it stays text. */
export function readBody(answer: Answer, host: string): Response {
  return { status: answer.status, headers: answer.headers, body: parse(answer, host) };
}

function parse(answer: Answer, host: string): unknown {
  if (answer.text === "") return undefined;
  const type = answer.headers["content-type"];
  if (typeof type !== "string" || !type.startsWith("application/json")) return answer.text;
  try {
    return JSON.parse(answer.text);
  } catch (error) {
    if (answer.status >= 300) return answer.text;
    throw new PlatformError("TP_RUNTIME_ANSWER_INVALID", {
      message: `${host} sent JSON that cannot be read; something between us and the server cuts or changes answers`,
      detail: { host },
      cause: error,
    });
  }
}
