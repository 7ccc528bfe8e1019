import type { ConnectionConfig } from "../connection.ts";
import type { RequestOptions } from "./send-options.ts";

/** Builds the flat name/value list that undici takes; the usual requests share a list made once. */
export function requestHeaders(config: ConnectionConfig, userAgent: string): (options: RequestOptions) => string[] {
  const always = ["user-agent", userAgent, ...(config.token === undefined ? [] : ["authorization", `Bearer ${config.token}`])];
  const plain = ["accept", "application/json", ...always];
  const withBody = ["content-type", "application/json", ...plain];
  return ({ headers, body }) => {
    if (headers === undefined) return body === undefined ? plain : withBody;
    const list = [...always];
    if (headers["accept"] === undefined) list.push("accept", "application/json");
    if (body !== undefined && headers["content-type"] === undefined) list.push("content-type", "application/json");
    for (const name in headers) {
      const value = headers[name] ?? [];
      for (const item of typeof value === "string" ? [value] : value) list.push(name, item);
    }
    return list;
  };
}
