import { randomUUID } from "node:crypto";
import type { Clock, Logger } from "@threeport/platform";
import type { Database } from "./database.ts";
import { keysChannel } from "./keys/rotation.ts";

/** Hints between the processes of one database. Losing every one of them costs latency only (D3). */
export interface Notifier extends AsyncDisposable {
  /** Something was committed here. Sent at once, then at most every `quietMs`. */
  announce(): void;
}

export interface NotifierOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onHint: () => void;
  /** Another process made a new data key. */
  readonly onKeys: () => void;
}

/** NOTIFY inside the write transaction costs more than half of its throughput; one from a side connection per this time does not. */
const quietMs = 20;
const reconnectMs = 1_000;
const channel = "threeport_changes";

export function createNotifier(options: NotifierOptions): Notifier {
  const { database, clock } = options;
  const self = randomUUID();
  let stopped = false;
  let listening: AsyncDisposable | undefined;
  let retry: Disposable | undefined;
  let quiet = false;
  let pending = false;

  async function connect(): Promise<void> {
    if (stopped) return;
    try {
      listening = await database.listen(
        [channel, keysChannel],
        (from, payload) => {
          if (from === keysChannel) options.onKeys();
          else if (payload !== self) options.onHint();
        },
        () => again(),
      );
      if (stopped) await listening[Symbol.asyncDispose]();
      else options.onHint(); // what was announced while nobody listened
    } catch (error) {
      options.log.debug("cannot listen for hints; polling instead", { error: String(error) });
      again();
    }
  }
  function again(): void {
    listening = undefined;
    if (!stopped) retry = clock.after(reconnectMs, () => void connect());
  }
  async function send(): Promise<void> {
    quiet = true;
    pending = false;
    await database.query({ name: "announce", text: "SELECT pg_notify($1, $2)" }, [channel, self]).catch(() => {});
    clock.after(quietMs, () => {
      quiet = false;
      if (pending && !stopped) void send();
    });
  }
  void connect();
  return {
    announce() {
      if (quiet) pending = true;
      else if (!stopped) void send();
    },
    async [Symbol.asyncDispose]() {
      stopped = true;
      retry?.[Symbol.dispose]();
      await listening?.[Symbol.asyncDispose]();
    },
  };
}
