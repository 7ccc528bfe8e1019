// One feed of changes per process (design.md §5.3 S3, S4).
//   S3  A subscriber from number r gets every later change exactly once and in order, on any replica.
//   S4  Below the compacted number, or above the counter, there is an error and never a gap.
// Invariants of this file: changes are handed on in number order; the ring holds all changes in (floorRv, lastRv]; `lastRv` only grows, but for a
// feed that lost its place in the log (paused past a compaction, or a database that lost its newest commits): it ends all subscriptions and begins anew.
import type { Clock, Logger } from "@threeport/platform";
import { PlatformError, isErrorCode } from "@threeport/resource";
import { createFeedListeners, isInScope, type FeedScope } from "./feed-listeners.ts";
import type { Reader } from "./reader.ts";
import { formatKey, type Change, type ObjectKey } from "./types.ts";
import type { Committed } from "./commit.ts";

export interface FeedOptions {
  readonly reader: Reader;
  readonly clock: Clock;
  readonly log: Logger;
  /** Bytes of bodies kept for late subscribers. */
  readonly ringBytesMax?: number;
  /** How often the log is looked at when no hint came. Hints may all be lost (D3). Infinity: never, where nobody else writes. */
  readonly pollMs?: number;
}

export interface Subscription extends Disposable {
  /** All changes up to here have been handed to the listener. */
  readonly rv: number;
}

export interface Feed extends AsyncDisposable {
  /** Number up to which everything was handed on. */
  readonly lastRv: number;
  start(): Promise<void>;
  /**
   * The newest change of an object that this process has heard of and still keeps: another process may have written a later one. Good for a write,
   * which is judged by the number that it expects, and for nothing else.
   */
  newest(key: ObjectKey): Change | undefined;
  /** What this process itself committed: saves reading it back. */
  offer(group: Committed): void;
  /** Another process committed: look soon. */
  hint(): void;
  /** The database has another history now: what was heard of may not be true any more. Everybody is told to list again (S4). */
  restart(): void;
  /**
   * Hands every change of a kind, or of a part of it, above `afterRv` to `listener`, in order, beginning before this resolves.
   * `TP_EXPIRED` below the compacted number, `TP_VERSION_TOO_LARGE` above the counter. `onEnd` is called when the feed lost its place
   * (`TP_EXPIRED`): nothing more comes, and the watcher must be told to list again.
   */
  subscribe(
    scope: string | FeedScope,
    afterRv: number,
    listener: (changes: readonly Change[]) => void,
    onEnd?: (error: PlatformError) => void,
  ): Promise<Subscription>;
}

/** Some 8,000 changes of 1 KB with what they replaced: minutes of a busy control plane. Who is further behind reads the log. */
const ringBytesDefault = 16 * 1024 * 1024;
const pollMsDefault = 1_000;
const readBatch = 1_000;

export function createFeed(options: FeedOptions): Feed {
  const { reader, clock } = options;
  const ringBytesMax = options.ringBytesMax ?? ringBytesDefault;
  const listeners = createFeedListeners();
  let ring: Change[] = [];
  /** Of the ring, the last change of each object. */
  const newestOf = new Map<string, Change>();
  let ringStart = 0;
  let ringBytes = 0;
  let floorRv = 0;
  let lastRv = 0;
  let behind = false;
  /** Nothing known may be used or added to until the feed has begun anew. */
  let lost = false;
  let reading: Promise<void> | undefined;
  let stopped = false;
  let timer: Disposable | undefined;

  function hand(changes: readonly Change[], upTo: number): void {
    if (upTo <= lastRv) return;
    const fresh = changes.length > 0 && (changes[0]?.rv ?? 0) <= lastRv ? changes.filter((change) => change.rv > lastRv) : changes;
    lastRv = upTo;
    for (const change of fresh) {
      ring.push(change);
      newestOf.set(formatKey(change.key), change);
      ringBytes += change.body.length + (change.prevBody?.length ?? 0);
    }
    while (ringBytes > ringBytesMax && ringStart < ring.length) {
      const oldest = ring[ringStart++];
      if (oldest === undefined) break;
      ringBytes -= oldest.body.length + (oldest.prevBody?.length ?? 0);
      floorRv = oldest.rv;
      const key = formatKey(oldest.key);
      if (newestOf.get(key) === oldest) newestOf.delete(key);
    }
    // What has left the ring is let go of at once where bodies are large, and rarely copied where there are many small ones.
    if (ringStart * 2 > ring.length) {
      ring = ring.slice(ringStart);
      ringStart = 0;
    }
    deliver(fresh);
  }

  /** Where in the ring the changes above a number begin: most subscribers want few or none of them. */
  function firstAbove(rv: number): number {
    let [low, high] = [ringStart, ring.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((ring[middle]?.rv ?? 0) > rv) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  function deliver(changes: readonly Change[]): void {
    if (changes.length === 0) return;
    for (const [listener, part] of listeners.concerned(changes)) guarded(() => listener.onChanges(part));
  }

  /** One listener's fault is neither the others' nor the writer's whose commit is being told. */
  function guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      options.log.info("a listener of the change feed failed", { error: String(error), stack: error instanceof Error ? error.stack : undefined });
    }
  }

  /** The log no longer joins what was handed on. Nobody may be left with a gap that nothing tells (S4). */
  async function beginAnew(): Promise<void> {
    const error = new PlatformError("TP_EXPIRED", { message: `the change log no longer joins ${lastRv}; list again` });
    const newest = await reader.currentRv();
    const ended = listeners.clear();
    ring = [];
    newestOf.clear();
    ringStart = ringBytes = 0;
    lastRv = floorRv = newest;
    lost = false;
    options.log.info("the change feed lost its place in the log; all watches were told to list again", { rv: newest });
    for (const listener of ended) guarded(() => listener.onEnd(error));
  }

  /** Reads the log until nothing is left. One at a time; a hint during a read causes another. */
  function readOn(): Promise<void> {
    behind = true;
    reading ??= (async () => {
      try {
        while (behind && !stopped) {
          behind = false;
          if (lost) await beginAnew();
          for (;;) {
            const { changes, readTo, more } = await reader.changes({ afterRv: lastRv, limit: readBatch });
            if (lost) throw new PlatformError("TP_EXPIRED"); // what was read may be of either history
            hand(changes, readTo);
            if (!more) break;
          }
        }
      } catch (error) {
        if (!isErrorCode(error, "TP_EXPIRED") && !isErrorCode(error, "TP_VERSION_TOO_LARGE")) throw error;
        await beginAnew();
      } finally {
        reading = undefined;
      }
    })();
    return reading;
  }

  const pollMs = options.pollMs ?? pollMsDefault;

  function poll(): void {
    if (stopped || pollMs === Infinity) return;
    timer = clock.after(pollMs, () => {
      readOn()
        .catch((error: unknown) => options.log.debug("the change feed could not read the log", { error: String(error) }))
        .finally(poll);
    });
  }

  return {
    get lastRv() {
      return lastRv;
    },
    async start() {
      lastRv = floorRv = await reader.currentRv();
      poll();
    },
    restart() {
      lost = true;
      newestOf.clear();
      void readOn().catch(() => {}); // the poll reads again
    },
    newest: (key) => newestOf.get(formatKey(key)),
    offer(group) {
      if (lost) return;
      if (group.baseRv === lastRv && reading === undefined) hand(group.changes, group.lastRv);
      else if (group.lastRv > lastRv) void readOn().catch(() => {}); // the poll reads again
    },
    hint() {
      void readOn().catch(() => {});
    },
    async subscribe(wanted, afterRv, listener, onEnd = () => {}) {
      const scope: FeedScope = typeof wanted === "string" ? { kind: wanted } : wanted;
      const { kind } = scope;
      if (lost) await readOn();
      // Below the ring: read the log up to where the ring begins, then join it. Above: another replica is ahead; catch up first.
      if (afterRv > lastRv) await readOn();
      let from = afterRv;
      const handOf = (changes: readonly Change[], above: number): void => {
        const part = changes.filter((change) => change.rv > above && isInScope(change, scope));
        if (part.length > 0) listener(part);
      };
      if (from > lastRv) await reader.changes({ afterRv: from, kind, limit: 1 }); // throws TP_VERSION_TOO_LARGE when nobody is that far
      while (from < floorRv) {
        const { changes, readTo } = await reader.changes({ afterRv: from, kind, limit: readBatch });
        handOf(changes, from);
        from = readTo;
      }
      // From here to the end nothing awaits: no change can slip between the ring and the listener.
      handOf(ring.slice(firstAbove(from)), from);
      // `from` may be ahead of the feed, which will then hand on changes that this subscriber has read from the log.
      const entry = listeners.add(scope, {
        onEnd,
        onChanges(changes) {
          const fresh = (changes[0]?.rv ?? 0) > from ? changes : changes.filter((change) => change.rv > from);
          if (fresh.length > 0) listener(fresh);
        },
      });
      return {
        get rv() {
          return Math.max(lastRv, from);
        },
        [Symbol.dispose]: () => entry[Symbol.dispose](),
      };
    },
    async [Symbol.asyncDispose]() {
      stopped = true;
      timer?.[Symbol.dispose]();
      await reading?.catch(() => {});
    },
  };
}
