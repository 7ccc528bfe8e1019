import type { TestApi } from "./test-api.ts";

export interface SeenEvent {
  readonly type: string;
  readonly object: {
    readonly kind?: string;
    readonly metadata: { readonly name?: string; readonly resourceVersion?: string; readonly annotations?: Record<string, string> };
    readonly [field: string]: unknown;
  };
}

/** A watch that collects what it sees. */
export interface Watching extends AsyncDisposable {
  readonly events: readonly SeenEvent[];
  /** `TYPE name` of each event, bookmarks left out. */
  readonly seen: readonly string[];
  /** Waits for that many events, or for what is asked of them, at most ten seconds. */
  until(wanted: number | ((events: readonly SeenEvent[]) => boolean)): Promise<readonly SeenEvent[]>;
  /** The stream has ended; says how. */
  readonly ended: Promise<"closed" | "cut">;
}

const deadlineMs = 10_000;

export interface WatchingOptions {
  readonly headers?: Readonly<Record<string, string>>;
}

/** Opens a watch and reads it as fast as it comes. `path` has the query, without `watch`. */
export async function watching(api: TestApi, path: string, options: WatchingOptions = {}): Promise<Watching> {
  const abort = new AbortController();
  const { body } = await api.client.raw(`${path}${path.includes("?") ? "&" : "?"}watch=true`, { signal: abort.signal, ...options });
  const events: SeenEvent[] = [];
  const waiting = new Set<() => void>();
  const ended = (async () => {
    let rest = "";
    const decoder = new TextDecoder();
    try {
      for await (const chunk of body) {
        const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) events.push(JSON.parse(line) as SeenEvent);
        for (const look of waiting) look();
      }
      return "closed" as const;
    } catch {
      return "cut" as const;
    }
  })();
  return {
    events,
    get seen() {
      return events.filter((event) => event.type !== "BOOKMARK").map((event) => `${event.type} ${event.object.metadata.name ?? ""}`);
    },
    until(wanted) {
      const enough = typeof wanted === "number" ? () => events.length >= wanted : () => wanted(events);
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`waited for ${String(wanted)}, saw ${events.length} events: ${JSON.stringify(events).slice(0, 500)}`));
        }, deadlineMs);
        const look = () => {
          if (!enough()) return;
          clearTimeout(timer);
          waiting.delete(look);
          resolve(events);
        };
        waiting.add(look);
        look();
      });
    },
    ended,
    async [Symbol.asyncDispose]() {
      abort.abort(new Error("the test is over"));
      await ended;
    },
  };
}
