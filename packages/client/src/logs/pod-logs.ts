import type { CallOptions, Transport } from "../http/send-options.ts";
import { resourcePath } from "../discovery/resource-path.ts";
import { callOptions } from "../objects/options.ts";

export interface LogOptions extends CallOptions {
  readonly container?: string;
  /** Goes on until the container ends or the signal aborts. */
  readonly follow?: boolean;
  /** The container's run before the present one. */
  readonly previous?: boolean;
  readonly timestamps?: boolean;
  readonly tailLines?: number;
  readonly sinceSeconds?: number;
  readonly sinceTime?: string;
  readonly limitBytes?: number;
}

const pods = { group: "", version: "v1", resource: "pods", namespaced: true };

/**
 * The text that a container wrote, as it comes: pieces of any size, with their line ends, UTF-8 never cut in the middle of a character.
 * @throws PlatformError when the server refuses or the connection breaks
 */
export async function* podLogs(
  transport: Transport,
  pod: { readonly namespace: string; readonly name: string },
  options: LogOptions = {},
): AsyncIterable<string> {
  const { container, follow, previous, timestamps, tailLines, sinceSeconds, sinceTime, limitBytes } = options;
  const query = { container, follow, previous, timestamps, tailLines, sinceSeconds, sinceTime, limitBytes };
  const path = resourcePath(pods, { ...pod, subresource: "log" });
  const { body } = await transport.raw(path, { ...callOptions(options), headers: { accept: "*/*", ...options.headers }, query });
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    const text = decoder.decode(chunk, { stream: true });
    if (text !== "") yield text;
  }
  const rest = decoder.decode();
  if (rest !== "") yield rest;
}
