import type { ServerResponse } from "node:http";
import { PlatformError, toPlatformError, toStatus } from "@threeport/resource";
import type { ApiContext } from "../api.ts";
import { startWatch } from "../pipeline/watch.ts";
import { joinBytes } from "./join-bytes.ts";
import { readListOptions } from "./list-options.ts";
import { presentationOf } from "./present.ts";
import { selectionOf, type ResourceRequest } from "./resource-request.ts";
import { warningHeaders } from "./warnings.ts";
import { watchFormat } from "./watch-format.ts";
import { createWatchOutput } from "./watch-output.ts";

const bookmarkEveryMs = 60_000;
/** A watch without timeoutSeconds ends after 30 to 60 minutes, as upstream, so that clients spread over replicas. */
const timeoutSecondsMin = 1_800;
/** A client that does not take the end of its watch is cut after this time. */
const lingerMs = 10_000;

export interface StreamOptions {
  readonly signal: AbortSignal;
  /** Called when the answer begins; from then on the watch only waits, for changes or for its reader. */
  readonly onOpen: () => void;
}

/**
 * Answers a watch: one JSON line for each event until the client leaves, the time is over, or the watcher is too slow.
 * What must be refused is thrown before anything is sent.
 */
export async function streamWatch(context: ApiContext, request: ResourceRequest, response: ServerResponse, { signal, onOpen }: StreamOptions): Promise<void> {
  const { query } = request;
  const { clock } = context;
  const selection = selectionOf(request);
  const presentation = presentationOf(request);
  const format = watchFormat(context, request, presentation);
  const options = readListOptions(query, "watch");
  const bookmarks = options.allowWatchBookmarks;
  const asked = options.timeoutSeconds ?? 0;
  const timeoutMs = 1000 * (asked > 0 ? asked : timeoutSecondsMin * (1 + context.random.float()));
  const until = clock.monotonic() + timeoutMs;
  const output = createWatchOutput(response);
  const over = new AbortController();
  const cut = clock.after(timeoutMs + lingerMs, () => response.destroy());
  response.on("close", () => cut[Symbol.dispose]());
  const open = (): void => {
    if (response.headersSent || response.destroyed) return;
    const deprecation = selection.kind.custom?.deprecation;
    response.writeHead(200, {
      "content-type": "application/json",
      "cache-control": "no-cache, private",
      ...(deprecation === undefined ? {} : { warning: warningHeaders([deprecation]).join() }),
    });
    response.flushHeaders();
    onOpen();
    output.open();
  };

  using watch = await startWatch(context, selection, options, {
    async initial(events) {
      open();
      await output.send(Buffer.concat(events.map(format.event))); // the next page is read when this one has left
    },
    ...(presentation.form === "object"
      ? {
          async initialText(bodies: readonly Buffer[]) {
            open();
            await output.send(addedLines(bodies));
          },
        }
      : {}),
    initialEnd(rv) {
      if (bookmarks) output.push([format.bookmark(rv, { "k8s.io/initial-events-end": "true" })]);
    },
    events: (events) => output.push(events.map(format.event)),
    end(error) {
      output.push([Buffer.from(errorEvent(error))]);
      over.abort();
    },
  });
  using _retired = context.registry.onRetired(selection.kind, () => over.abort());
  open();
  for (let left = timeoutMs; left > 0; left = until - clock.monotonic()) {
    try {
      await clock.sleep(Math.min(left, bookmarkEveryMs), AbortSignal.any([signal, over.signal]));
    } catch {
      break; // the client left, the server stops, the feed lost its place, or the kind is no longer what it was
    }
    if (bookmarks) output.push([format.bookmark(watch.rv)]);
  }
  if (!signal.aborted) await output.drained();
  response.end();
}

/** Objects as ADDED events of the plain form. */
function addedLines(bodies: readonly Buffer[]): Buffer {
  return joinBytes('{"type":"ADDED","object":', bodies, "}\n", '}\n{"type":"ADDED","object":');
}

/** An error after the stream began goes into the stream, as clients of Kubernetes expect. */
export function errorEvent(error: unknown): string {
  return `${JSON.stringify({ type: "ERROR", object: toStatus(toPlatformError(error)) })}\n`;
}

/** `watch` asks for changes of a collection; a GET of one object knows no such thing and ignores it, as upstream. */
export function isWatch(request: Pick<ResourceRequest, "method" | "query" | "route">): boolean {
  if (request.route.name !== undefined || request.query.flag("watch") !== true) return false;
  if (request.method !== "GET") throw new PlatformError("TP_METHOD_NOT_ALLOWED", { message: "watch is a GET" });
  return true;
}
