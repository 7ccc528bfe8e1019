import { createHash } from "node:crypto";
import type { Clock, Logger } from "@threeport/platform";
import type { User } from "../credentials.ts";
import { createFeed } from "../feed.ts";
import type { ObjectStore } from "../object-store.ts";
import { parseKey, type Change, type Guard, type Write, type WriteResult } from "../types.ts";
import type { WorkStore } from "../store.ts";
import { workOf } from "../sql/commit-group.ts";
import { createMemoryInventory, type SavedInventory } from "./inventory.ts";
import { createMemoryQueue, type MemoryQueue, type SavedRow } from "./queue.ts";
import { createMemoryReferences, type SavedReferences } from "./references.ts";
import { createVersions, type SavedVersions } from "./versions.ts";

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

export interface MemoryWorkStoreOptions extends Pick<MemoryStoreOptions, "clock" | "log" | "stepsKept"> {
  /** What it begins with. */
  readonly saved?: SavedStore;
}

export interface MemoryWorkStore extends WorkStore, AsyncDisposable {
  /** All that a backup keeps. */
  save(): SavedStore;
}

/** A backup of a memory store (S9). */
export interface SavedStore {
  readonly versions: SavedVersions;
  readonly references: readonly SavedReferences[];
  readonly work: readonly SavedRow[];
  readonly inventory: readonly SavedInventory[];
  readonly blobs: readonly (readonly [digest: string, content: string])[];
}

/** As backup.ts: numbers of the new life are never taken for those of the old one. */
const leap = { rv: 2 ** 40, token: 1_000_000 };

/**
 * A store that ends with its process, for simulated clusters: what the API needs and no more. It has no work queue, so it leases nothing, and a write
 * that must prove a lease is refused. Idle it has no timer: nobody else writes to it, so there is nothing to look for.
 */
export async function openMemoryStore(options: MemoryStoreOptions): Promise<MemoryStore> {
  return (await openMemory(options)).store;
}

/**
 * The same with a work queue, for a whole control plane in one process and on any clock. Leases and fences, fan-out and inventory mean what they mean in
 * PostgreSQL; nothing is durable or encrypted.
 */
export async function openMemoryWorkStore(options: MemoryWorkStoreOptions): Promise<MemoryWorkStore> {
  const { clock, saved } = options;
  const listeners = new Set<() => void>();
  const onEnqueued = (): void => {
    for (const listener of listeners) listener();
  };
  const leaped = saved === undefined ? undefined : leapAhead(saved, clock.now());
  const work = createMemoryQueue(clock, { onEnqueued, saved: leaped?.work ?? [] });
  const { inventory, rows: inventoryRows } = createMemoryInventory(work.holds, saved?.inventory);
  const opened = await openMemory(options, { work, onEnqueued, saved: leaped });
  const { store, references, versions, blobs } = opened;
  return {
    ...store,
    queue: work.queue,
    inventory,
    references: {
      ...references.reading,
      async expand(claim, limit) {
        const { waiters, cursor } = references.waitersBehind(parseKey(claim.fence.key), claim.mask, { cursor: claim.cursor, limit });
        work.add(waiters.map(({ wakerQueue, wakerKey }) => ({ queue: wakerQueue, key: wakerKey, priority: claim.priority, mask: 0, delayMs: 0 })));
        if (waiters.length > 0) onEnqueued();
        return cursor;
      },
    },
    onWork(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    save: () => ({
      versions: { rv: versions.rv, entries: versions.entries() },
      references: references.rows(),
      work: work.rows(),
      inventory: inventoryRows(),
      blobs: [...blobs],
    }),
  };
}

function leapAhead(saved: SavedStore, nowMs: number): SavedStore {
  return {
    ...saved,
    versions: { ...saved.versions, rv: saved.versions.rv + leap.rv },
    work: saved.work.map((row) => ({ ...row, token: row.token + leap.token, dueMs: nowMs })),
  };
}

async function openMemory(
  options: MemoryStoreOptions,
  { work, onEnqueued, saved }: { readonly work?: MemoryQueue; readonly onEnqueued?: () => void; readonly saved?: SavedStore | undefined } = {},
) {
  const versions = createVersions({
    ...(options.stepsKept === undefined ? {} : { stepsKept: options.stepsKept }),
    ...(saved === undefined ? {} : { saved: saved.versions }),
  });
  const references = createMemoryReferences((key) => versions.find(key)?.terminating);
  for (const { source, rows } of saved?.references ?? []) references.replace(source, rows);
  const blobs = new Map<string, string>(saved?.blobs ?? []);
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
    const guard = await failedGuard(write);
    if (write.fence !== undefined && work?.holds(write.fence) !== true) return refuse({ outcome: "lease-lost" });
    if ((current?.rv ?? 0) !== write.expectRv) return refuse({ outcome: "conflict", currentRv: current?.rv ?? 0 });
    if (guard !== undefined) return refuse({ outcome: "refused", guard });
    const { key, uid } = write;
    const body = `${write.body[0]}${rv}${write.body[1]}`;
    const change: Change = { rv, key, uid, prevRv: write.expectRv, deleted: write.remove, body, prevBody: current?.body };
    const waiters = write.changes === 0 ? [] : references.waiters(key, write.changes);
    versions.put({ rv, key, uid, body, terminating: write.terminating }, change);
    if (write.remove) references.replace(key, []);
    else if (write.references !== undefined) references.replace(key, write.references);
    const rows = workOf(write, waiters.length > 0);
    work?.add(rows);
    feed.offer({ baseRv, lastRv: rv, changes: [change], work: rows.length > 0 });
    options.onChange?.(change);
    if (rows.length > 0) onEnqueued?.();
    if (options.onWork !== undefined) {
      for (const row of write.wake) options.onWork(row);
      for (const waiter of waiters) options.onWork({ queue: waiter.wakerQueue, key: waiter.wakerKey });
    }
    return { outcome: "written", rv, body };
  }

  /** One after another, in the order of the calls: a judgement waits for what it reads. */
  let line: Promise<unknown> = Promise.resolve();

  const store: MemoryStore = {
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
  return { store, references, versions, blobs };
}
