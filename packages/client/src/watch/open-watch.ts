import { PlatformError, fromStatus, type StoredObject } from "@threeport/resource";
import type { CallOptions, Transport } from "../http/send-options.ts";
import { callOptions, type Selection } from "../objects/options.ts";
import { splitLines } from "./split-lines.ts";

/** A change as the server tells it. A BOOKMARK's object has only a resourceVersion: everything up to it has been sent. */
export interface WatchEvent<T = StoredObject> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  readonly object: T;
}

export interface WatchOptions extends CallOptions, Selection {
  /** Changes after this version. Unset or "0": the server's present objects come first, as ADDED. */
  readonly resourceVersion?: string;
  readonly allowWatchBookmarks?: boolean;
  /** The server ends the watch after this many seconds. */
  readonly timeoutSeconds?: number;
  /** With `resourceVersionMatch: NotOlderThan`: the present objects, then a bookmark that says so, then changes. */
  readonly sendInitialEvents?: boolean;
}

/** Longest event. etcd takes objects of 1.5 MiB; JSON escapes and managed fields can make several times that of it. */
const eventBytesMax = 16 * 1024 * 1024;

/** Opens a watch; resolves when the server has accepted it. The events end when the server ends them. */
export async function openWatch<T = StoredObject>(transport: Transport, path: string, options: WatchOptions = {}): Promise<AsyncIterable<WatchEvent<T>>> {
  const { resourceVersion, labelSelector, fieldSelector, allowWatchBookmarks, timeoutSeconds, sendInitialEvents } = options;
  const query = {
    watch: true,
    resourceVersion,
    labelSelector,
    fieldSelector,
    allowWatchBookmarks,
    timeoutSeconds,
    sendInitialEvents,
    resourceVersionMatch: sendInitialEvents === true ? "NotOlderThan" : undefined,
  };
  const { body } = await transport.raw(path, { ...callOptions(options), query });
  return events<T>(body, transport.host);
}

async function* events<T>(body: AsyncIterable<Uint8Array>, host: string): AsyncIterable<WatchEvent<T>> {
  const onRest = () => {
    throw new PlatformError("TP_RUNTIME_UNREACHABLE", { message: `${host} ended the watch in the middle of an event`, detail: { host, code: "half-line" } });
  };
  for await (const line of splitLines(body, { lineBytesMax: eventBytesMax, onRest })) {
    if (line === "" || line === "\r") continue;
    yield parseEvent<T>(line, host);
  }
}

function parseEvent<T>(line: string, host: string): WatchEvent<T> {
  const event = parseLine(line, host);
  switch (event.type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
    case "BOOKMARK":
      if (typeof event.object === "object" && event.object !== null) return event as WatchEvent<T>;
      break;
    case "ERROR":
      throw fromStatus(event.object, (event.object as { code?: number } | undefined)?.code ?? 500);
  }
  throw new PlatformError("TP_RUNTIME_ANSWER_INVALID", {
    message: `${host} sent an event that is none`,
    detail: { host, type: String(event.type).slice(0, 40) },
  });
}

function parseLine(line: string, host: string): { type?: unknown; object?: unknown } {
  try {
    const event: unknown = JSON.parse(line);
    if (typeof event === "object" && event !== null) return event;
  } catch {
    // answered below: a line that is no JSON and a line that is no object mean the same
  }
  throw new PlatformError("TP_RUNTIME_ANSWER_INVALID", { message: `${host} sent a line in a watch that is no event`, detail: { host } });
}
