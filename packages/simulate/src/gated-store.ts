import { PlatformError } from "@threeport/resource";
import { formatKey, type Change, type MemoryWorkStore, type ObjectKey, type WorkStore } from "@threeport/store";
import type { Fate } from "./fates.ts";

/** What a process lets through, to and from the world. */
export interface Gate {
  /** A call that only reads: its answer waits while the process stands still, and never comes when it has ended. */
  read<T>(call: () => Promise<T>): Promise<T>;
  /** A call that writes. `onFailure`: what the caller hears when the call fails. */
  write<T>(what: string, call: () => Promise<T>): Promise<T>;
  /** Runs something that the world tells the process; not at all when that has ended. */
  tell(listener: () => void): void;
  deaf(): boolean;
}

/** The store as one process sees it, which may end, stand still, and lose answers. Others go on with the store itself. */
export function gatedStore(store: MemoryWorkStore, gate: Gate): WorkStore {
  const { reader, writer, feed, queue, references, inventory, blobs, credentials } = store;
  const nameOf = (key: ObjectKey): string => formatKey(key);
  return {
    reader: {
      get: (key) => gate.read(() => reader.get(key)),
      list: (input) => gate.read(() => reader.list(input)),
      countBehind: (input) => gate.read(() => reader.countBehind(input)),
      changes: (input) => gate.read(() => reader.changes(input)),
      currentRv: () => gate.read(() => reader.currentRv()),
    },
    listText: (...input) => gate.read(() => store.listText(...input)),
    writer: { write: (write) => gate.write(`write ${nameOf(write.key)}`, () => writer.write(write)) },
    feed: {
      get lastRv() {
        return feed.lastRv;
      },
      start: async () => {},
      // What a write is judged by stands in the store; a process that was away has heard of nothing.
      newest: () => undefined,
      offer: () => {},
      hint: () => {},
      restart: () => {},
      subscribe: (scope, afterRv, listener, onEnd) =>
        feed.subscribe(
          scope,
          afterRv,
          (changes: readonly Change[]) => gate.tell(() => listener(changes)),
          (error) => gate.tell(() => onEnd?.(error)),
        ),
      [Symbol.asyncDispose]: async () => {},
    },
    queue: {
      // A look at the queue that finds nothing changes nothing.
      claim: async (input) => ((await queue.nextDueMs(input.queues)) === 0 ? gate.write("claim", () => queue.claim(input)) : gate.read(async () => [])),
      renew: (fences, leaseMs) => gate.read(() => queue.renew(fences, leaseMs)),
      complete: (fence, generation, completion) =>
        gate.write(`complete ${fence.queue}|${fence.key} ${completion.kind}`, () => queue.complete(fence, generation, completion)),
      advance: (fence, cursor) => gate.write(`advance ${fence.key}`, () => queue.advance(fence, cursor)),
      enqueue: (rows) => gate.write(`enqueue ${rows.map((row) => `${row.queue}|${row.key}`).join(" ")}`, () => queue.enqueue(rows)),
      releaseAll: () => gate.read(() => queue.releaseAll()),
      releaseForgotten: (owner, held) => gate.read(() => queue.releaseForgotten(owner, held)),
      nextDueMs: (queues) => gate.read(() => queue.nextDueMs(queues)),
      depth: () => gate.read(() => queue.depth()),
    },
    references: {
      referrers: (target, limit) => gate.read(() => references.referrers(target, limit)),
      users: (target, limit) => gate.read(() => references.users(target, limit)),
      referrersOfKind: (target, kind) => gate.read(() => references.referrersOfKind(target, kind)),
      dependents: (target, after, limit) => gate.read(() => references.dependents(target, after, limit)),
      expand: (claim, limit) => gate.write(`expand ${claim.fence.key}`, () => references.expand(claim, limit)),
    },
    inventory: {
      list: (owner) => gate.read(() => inventory.list(owner)),
      record: (owner, change, fence) => gate.write(`record ${owner}`, () => inventory.record(owner, change, fence)),
    },
    blobs: { put: (content) => gate.write("put blob", () => blobs.put(content)), get: (digest) => gate.read(() => blobs.get(digest)) },
    credentials: {
      put: (token, user) => gate.read(() => credentials.put(token, user)),
      find: (token) => gate.read(() => credentials.find(token)),
    },
    sealer: store.sealer,
    onWork: (listener) =>
      store.onWork(() => {
        if (!gate.deaf()) gate.tell(listener);
      }),
  };
}

/** What a caller hears when its call to the database failed, whether or not it was acted on. */
export function databaseFailure(fate: Extract<Fate, "refused" | "lost">): PlatformError {
  return new PlatformError("TP_DATABASE_UNAVAILABLE", { message: `the connection to the database broke (${fate})` });
}
