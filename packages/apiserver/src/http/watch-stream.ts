import type { ServerResponse } from "node:http";
import { PlatformError, toPlatformError, toStatus } from "@threeport/resource";
import type { ApiContext } from "../api.ts";
import { startWatch, type WatchEvent } from "../pipeline/watch.ts";
import { partialText, selectionOf, type ResourceRequest } from "./handler.ts";
import { acceptedForm, includeObject } from "./negotiation.ts";
import { table, tableRow } from "./table.ts";

/** Bytes that may wait for a slow watcher; beyond, it is cut and lists again, so that it costs nobody else memory. */
const bufferedBytesMax = 8 * 1024 * 1024;
const bookmarkEveryMs = 60_000;
/** A watch without timeoutSeconds ends after 30 to 60 minutes, as upstream, so that clients spread over replicas. */
const timeoutSecondsMin = 1_800;

/** Answers a watch: one JSON line for each event until the client leaves, the time is over, or the watcher is too slow. */
export async function streamWatch(context: ApiContext, request: ResourceRequest, response: ServerResponse, signal: AbortSignal): Promise<void> {
  const { query, route } = request;
  const selection = selectionOf(request);
  const format = formatter(context, request);
  const bookmarks = query.flag("allowWatchBookmarks") === true;
  const timeoutSeconds = query.integer("timeoutSeconds") ?? timeoutSecondsMin * (1 + context.random.float());
  let open = false;
  let waiting: string[] = [];
  const write = (text: string): void => {
    if (!open) {
      waiting.push(text);
      return;
    }
    response.write(text);
    if (response.writableLength > bufferedBytesMax) response.destroy();
  };
  const bookmark = (rv: number, annotations?: Record<string, string>): string =>
    `${JSON.stringify({ type: "BOOKMARK", object: format.bookmark({ kind: route.kind.kind, apiVersion: route.kind.apiVersion, metadata: { resourceVersion: String(rv), creationTimestamp: null, ...(annotations === undefined ? {} : { annotations }) } }) })}\n`;

  using watch = await startWatch(
    context,
    selection,
    { resourceVersion: query.text("resourceVersion"), sendInitialEvents: query.flag("sendInitialEvents"), resourceVersionMatch: query.oneOf("resourceVersionMatch", ["Exact", "NotOlderThan"]) },
    {
      events: (events) => write(events.map(format.event).join("")),
      initialEnd: (rv) => write(bookmark(rv, { "k8s.io/initial-events-end": "true" })),
    },
  );
  if (signal.aborted) return;
  response.writeHead(200, { "content-type": "application/json", "cache-control": "no-cache, private", "transfer-encoding": "chunked" });
  response.flushHeaders();
  open = true;
  write(waiting.join(""));
  waiting = [];

  const until = context.clock.monotonic() + timeoutSeconds * 1000;
  for (;;) {
    const left = until - context.clock.monotonic();
    if (left <= 0) break;
    try {
      await context.clock.sleep(Math.min(left, bookmarkEveryMs), signal);
    } catch {
      return; // the client left, or the server stops
    }
    if (bookmarks) write(bookmark(watch.rv));
  }
  response.end();
}

/** An error after the stream began goes into the stream, as clients of Kubernetes expect. */
export function errorEvent(error: unknown): string {
  return `${JSON.stringify({ type: "ERROR", object: toStatus(toPlatformError(error)) })}\n`;
}

interface Formatter {
  event(event: WatchEvent): string;
  bookmark(object: object): object;
}

/** Lines that all watchers of one form share are made once. */
const plainLines = new WeakMap<WatchEvent, string>();

function formatter(context: ApiContext, request: ResourceRequest): Formatter {
  const form = acceptedForm(request.accept);
  const { kind } = request.route;
  if (form.kind === "table") {
    const include = includeObject(request.query.text("includeObject"));
    let first = true; // column definitions are sent once
    const wrap = (rows: readonly object[], rv: string): object => {
      const columns = first;
      first = false;
      return table(kind, { rows, rv, columns });
    };
    return {
      event: (event) => `${JSON.stringify({ type: event.type, object: wrap([tableRow(kind, event.body, { include, nowMs: context.clock.now() })], String(event.rv)) })}\n`,
      bookmark: (object) => wrap([{ cells: kind.columns.map(() => null), object }], ""),
    };
  }
  if (form.kind === "partial") {
    return {
      event: (event) => `{"type":"${event.type}","object":${partialText(event.body)}}\n`,
      bookmark: (object) => ({ ...object, kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1" }),
    };
  }
  return {
    event(event) {
      const known = plainLines.get(event);
      if (known !== undefined) return known;
      const line = `{"type":"${event.type}","object":${event.body}}\n`;
      plainLines.set(event, line);
      return line;
    },
    bookmark: (object) => object,
  };
}

export function isWatch(request: Pick<ResourceRequest, "method" | "query" | "route">): boolean {
  if (request.query.flag("watch") !== true) return false;
  if (request.method !== "GET") throw new PlatformError("TP_METHOD_NOT_ALLOWED", { message: "watch is a GET" });
  return true;
}
