// Watches (design.md §5.3 S3, S4): each later change of the selection exactly once and in order.
import type { Kind, KubeObject, PlatformError } from "@threeport/resource";
import type { Change } from "@threeport/store";
import type { ApiContext } from "../api.ts";
import { isServedAsStored, parseBody, serialize, servedBody } from "./body.ts";
import { keptForATurn } from "./kept-for-a-turn.ts";
import { listObjects, listTextOf, parseVersion } from "./list.ts";
import type { Selection } from "./selection.ts";

export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly rv: number;
  /** JSON text of the object. */
  readonly body: string;
}

export interface WatchQuery {
  readonly resourceVersion?: string | undefined;
  readonly sendInitialEvents?: boolean | undefined;
}

export interface WatchSink {
  /** A page of the state that the watch begins with, as ADDED; the next one is read when this resolves. */
  initial(events: readonly WatchEvent[]): Promise<void>;
  /** The same where the form that is sent is the stored one: JSON in UTF-8, which nobody looks into. Not there where the form is another. */
  readonly initialText?: (bodies: readonly Buffer[]) => Promise<void>;
  /** The initial state was sent whole (`sendInitialEvents`). */
  initialEnd(rv: number): void;
  /** Changes, in order; must not block. */
  events(events: readonly WatchEvent[]): void;
  /** The watch cannot go on without a gap: the client has to list again. */
  end(error: PlatformError): void;
}

export interface Watch extends Disposable {
  /** Everything up to here was given to the sink. */
  readonly rv: number;
}

/** Starts a watch; what must be refused (410, 504) is thrown before anything is sent. */
export async function startWatch(context: ApiContext, selection: Selection, query: WatchQuery, sink: WatchSink): Promise<Watch> {
  const version = query.resourceVersion ?? "";
  const newest = version === "" || version === "0";
  let from = parseVersion(version);
  if (query.sendInitialEvents ?? newest) {
    from = await sendInitial(context, selection, newest ? "" : version, sink);
    if (query.sendInitialEvents === true) sink.initialEnd(from);
  } else if (newest) from = await context.store.reader.currentRv();
  const subscription = await context.store.feed.subscribe(
    { kind: selection.kind.resource, namespace: selection.namespace, name: selection.name },
    from,
    (changes) => {
      const seen = changes.flatMap((change) => toEvent(selection, asServed(selection.kind, change)) ?? []);
      if (seen.length > 0) sink.events(seen);
    },
    (error) => sink.end(error),
  );
  return {
    get rv() {
      return subscription.rv;
    },
    [Symbol.dispose]: () => subscription[Symbol.dispose](),
  };
}

/** Objects of one page of the initial state: bounds what is held for a client that reads slowly. */
const initialPage = 1_000;

/** Objects whose bodies are read together: what most watches begin with comes from the bodies that lists keep, and not through the database again. */
const initialTextMax = 5_000;

/** Sends the state of one snapshot; returns its number. */
async function sendInitial(context: ApiContext, selection: Selection, version: string, sink: WatchSink): Promise<number> {
  let continueToken: string | undefined;
  const { initialText } = sink;
  if (initialText !== undefined) {
    const first = await listTextOf(context, selection, { limit: initialTextMax, resourceVersion: version, resourceVersionMatch: "NotOlderThan" });
    const bodies = first?.bodies ?? [];
    for (let start = 0; start < bodies.length; start += initialPage) await initialText(bodies.slice(start, start + initialPage));
    if (first !== undefined && first.continueToken === undefined) return first.rv;
    continueToken = first?.continueToken;
  }
  for (;;) {
    const page = await listObjects(context, selection, {
      limit: initialPage,
      ...(continueToken === undefined ? { resourceVersion: version, resourceVersionMatch: "NotOlderThan" } : { continue: continueToken }),
    });
    if (page.items.length > 0) await sink.initial(page.items.map((item) => ({ type: "ADDED", rv: item.rv, body: item.body })));
    if (page.continueToken === undefined) return page.rv;
    continueToken = page.continueToken;
  }
}

/** Changes in the form that is watched; made once for all watchers of it. */
const servedChanges = keptForATurn<Change, Map<Kind, Change>>(() => new Map());

function asServed(kind: Kind, change: Change): Change {
  if (isServedAsStored(kind)) return change;
  const known = servedChanges(change);
  const made = known.get(kind) ?? {
    ...change,
    body: servedBody(kind, change.body),
    prevBody: change.prevBody === undefined ? undefined : servedBody(kind, change.prevBody),
  };
  known.set(kind, made);
  return made;
}

/**
 * A change as this selection sees it: an object that leaves the selection is DELETED, one that enters it is ADDED. Watchers who see the same are given
 * the same event, so that what they are sent is made once.
 */
function toEvent(selection: Selection, change: Change): WatchEvent | undefined {
  const { deleted, prevBody } = change;
  if (selection.byPlace) return eventOf(change, deleted ? "DELETED" : change.prevRv === 0 ? "ADDED" : "MODIFIED");
  const before = prevBody !== undefined && selection.matches(parsed(change, "prevBody", prevBody));
  const now = !deleted && selection.matches(parsed(change, "body", change.body));
  if (now) return eventOf(change, before ? "MODIFIED" : "ADDED");
  return before ? eventOf(change, deleted ? "DELETED" : "LEFT") : undefined;
}

/** `LEFT`: still there, but no longer in the selection. */
type Seen = WatchEvent["type"] | "LEFT";

const eventsOf = keptForATurn<Change, Partial<Record<Seen, WatchEvent>>>(() => ({}));

function eventOf(change: Change, seen: Seen): WatchEvent {
  const known = eventsOf(change);
  return (known[seen] ??= seen === "LEFT" ? leaving(change) : { type: seen, rv: change.rv, body: change.body });
}

/** The last state that the watcher could see, under the number of the change that took it away. */
function leaving(change: Change): WatchEvent {
  const [head, tail] = serialize(parsed(change, "prevBody", change.prevBody ?? change.body));
  return { type: "DELETED", rv: change.rv, body: `${head}${change.rv}${tail}` };
}

/** Bodies are parsed once for all watchers of a change. */
const bodiesOf = keptForATurn<Change, { body?: KubeObject; prevBody?: KubeObject }>(() => ({}));

function parsed(change: Change, which: "body" | "prevBody", text: string): KubeObject {
  const known = bodiesOf(change);
  return (known[which] ??= parseBody(text));
}
