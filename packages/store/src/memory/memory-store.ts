import { createHash } from "node:crypto";
import type { Clock, Logger } from "@threeport/platform";
import type { User } from "../credentials.ts";
import { createFeed } from "../feed.ts";
import type { ObjectStore } from "../object-store.ts";
import type { Change, Guard, Write, WriteResult } from "../types.ts";
import { createMemoryReferences } from "./references.ts";
import { createVersions } from "./versions.ts";

export interface MemoryStoreOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Told of each change before its writer hears of it, in number order. */
  readonly onChange?: (change: Change) => void;
  /** Told of each key that a change wakes, after the change: its own and those of who waits for it (S5). */
  readonly onWork?: (row: { readonly queue: string; readonly key: string }) => void;
  /** How many changes can be read again, at least. */
  readonly stepsKept?: number;
}

export interface MemoryStore extends ObjectStore, AsyncDisposable {}

/**
 * A store that ends with its process, for simulated clusters: what the API needs and no more. It has no work queue, so it leases nothing, and a write
 * that must prove a lease is refused. Idle it has no timer: nobody else writes to it, so there is nothing to look for.
 */
export async function openMemoryStore(options: MemoryStoreOptions): Promise<MemoryStore> {
  const versions = createVersions(options.stepsKept === undefined ? {} : { stepsKept: options.stepsKept });
  const references = createMemoryReferences((key) => versions.find(key)?.terminating);
  const blobs = new Map<string, string>();
  const users = new Map<string, User>();
  // Late subscribers read the log, which is at hand: a ring beside it would hold the same once more.
  const feed = createFeed({ reader: versions.reader, clock: options.clock, log: options.log, pollMs: Infinity, ringBytesMax: 0 });
  await feed.start();
  const digest = (content: Uint8Array | string): string => `sha256:${createHash("sha256").update(content).digest("hex")}`;

  async function failedGuard(write: Write): Promise<Guard | undefined> {
    for (const guard of write.guards) {
      const target = versions.find(guard.target);
      const fails =
        (guard.mustExist && target === undefined) ||
        (guard.unreferenced === true ? (await references.reading.users(guard.target, 1)).length > 0 : target?.terminating === true);
      if (fails) return guard;
    }
    return undefined;
  }

  async function commit(write: Write): Promise<WriteResult> {
    const baseRv = versions.rv;
    const rv = versions.takeNumber();
    const nothing = { baseRv, lastRv: rv, changes: [], work: false };
    const current = versions.find(write.key);
    const refuse = (result: WriteResult): WriteResult => {
      feed.offer(nothing);
      return result;
    };
    if (write.fence !== undefined) return refuse({ outcome: "lease-lost" });
    if ((current?.rv ?? 0) !== write.expectRv) return refuse({ outcome: "conflict", currentRv: current?.rv ?? 0 });
    const guard = await failedGuard(write);
    if (guard !== undefined) return refuse({ outcome: "refused", guard });
    const { key, uid } = write;
    const body = `${write.body[0]}${rv}${write.body[1]}`;
    const change: Change = { rv, key, uid, prevRv: write.expectRv, deleted: write.remove, body, prevBody: current?.body };
    const waiters = write.changes === 0 ? [] : references.waiters(key, write.changes);
    versions.put({ rv, key, uid, body, terminating: write.terminating }, change);
    if (write.remove) references.replace(key, []);
    else if (write.references !== undefined) references.replace(key, write.references);
    feed.offer({ baseRv, lastRv: rv, changes: [change], work: false });
    options.onChange?.(change);
    if (options.onWork !== undefined) {
      for (const row of write.wake) options.onWork(row);
      for (const waiter of waiters) options.onWork({ queue: waiter.wakerQueue, key: waiter.wakerKey });
    }
    return { outcome: "written", rv, body };
  }

  /** One after another, in the order of the calls: a judgement waits for what it reads. */
  let line: Promise<unknown> = Promise.resolve();

  return {
    reader: versions.reader,
    listText: async () => undefined, // bodies are at hand: the ordinary way is as good
    writer: {
      write(write) {
        const written = line.then(() => commit(write));
        line = written.catch(() => {}); // its caller hears of it
        return written;
      },
    },
    feed,
    references: references.reading,
    blobs: {
      async put(content) {
        blobs.set(digest(content), content);
        return digest(content);
      },
      get: async (wanted) => blobs.get(wanted),
    },
    credentials: {
      async put(token, user) {
        users.set(token, user);
      },
      find: async (token) => users.get(token),
    },
    sealer: { digest },
    [Symbol.asyncDispose]: () => feed[Symbol.asyncDispose](),
  };
}
