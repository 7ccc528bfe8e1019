import type { ServerResponse } from "node:http";
import { PlatformError } from "@threeport/resource";

/** Bytes that may wait for a slow watcher; beyond, it is cut and lists again, so that it costs nobody else memory. */
const waitingMax = 8 * 1024 * 1024;
/** Small events leave together: one write, one TLS record, one packet. */
const batchMax = 64 * 1024;

/** The lines of one watch on their way out, in order, no faster than the client reads. */
export interface WatchOutput {
  /** Takes lines at any time; nothing leaves before `open`. A client that does not keep up is cut. */
  push(lines: readonly Buffer[]): void;
  /** Lines that the client asked for, any amount; resolves when they have left, and rejects when the client is gone. */
  send(lines: Buffer): Promise<void>;
  /** What waits by now was asked for too. */
  open(): void;
  drained(): Promise<void>;
}

export function createWatchOutput(response: ServerResponse): WatchOutput {
  let queue: Buffer[] = [];
  let waiting = 0;
  let owed = 0; // of `waiting`, what the client asked for
  let opened = false;
  let idle: PromiseWithResolvers<void> | undefined;

  function pump(): void {
    if (!opened || response.destroyed) return;
    while (queue.length > 0 && !response.writableNeedDrain) response.write(takeBatch());
    owed = Math.min(owed, waiting);
    if (queue.length > 0) return;
    idle?.resolve();
    idle = undefined;
  }

  function takeBatch(): Buffer {
    let count = 0;
    let size = 0;
    while (count < queue.length && (count === 0 || size + (queue[count]?.length ?? 0) <= batchMax)) size += queue[count++]?.length ?? 0;
    waiting -= size;
    const batch = queue.slice(0, count);
    queue = queue.slice(count);
    // One line is what all its watchers share; it is not copied for any of them.
    return batch.length === 1 && batch[0] !== undefined ? batch[0] : Buffer.concat(batch);
  }

  response.on("drain", pump);
  response.on("close", () => {
    queue = [];
    idle?.reject(new Error("the watcher left"));
  });

  function push(lines: readonly Buffer[]): void {
    if (lines.length === 0 || response.destroyed) return;
    for (const line of lines) {
      queue.push(line);
      waiting += line.length;
    }
    if (opened && waiting > owed + waitingMax) response.destroy();
    else pump();
  }

  async function drained(): Promise<void> {
    if (response.destroyed) throw new PlatformError("TP_UNAVAILABLE", { message: "the watcher left" });
    if (queue.length === 0) return;
    idle ??= Promise.withResolvers();
    await idle.promise;
  }

  return {
    push,
    send(lines) {
      owed += lines.length;
      push([lines]);
      return drained();
    },
    open() {
      opened = true;
      owed = waiting;
      pump();
    },
    drained,
  };
}
