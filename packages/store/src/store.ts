import type { Clock, Logger } from "@threeport/platform";
import { createBlobs, type Blobs } from "./blobs.ts";
import { createCredentials, type Credentials } from "./credentials.ts";
import { openDatabase, type ConnectionOptions, type Database, type DatabaseOptions } from "./database.ts";
import { createFeed, type Feed } from "./feed.ts";
import { createInventory, type Inventory } from "./inventory.ts";
import { createListTexts, type ListTexts } from "./list-text.ts";
import { createMaintenance, type Maintenance } from "./maintenance.ts";
import { migrate } from "./migrate.ts";
import { createNotifier, type Notifier } from "./notifier.ts";
import { createQueue, type Queue } from "./queue.ts";
import { createReader, type Reader } from "./reader.ts";
import { createReferences, type References } from "./references.ts";
import { openSealer, type Sealer } from "./sealer.ts";
import { createWriter, type Writer } from "./writer.ts";

export interface Store extends AsyncDisposable {
  readonly database: Database;
  readonly reader: Reader;
  /** The newest state of a kind as JSON text: for answers that nobody looks into. */
  readonly listText: ListTexts;
  readonly writer: Writer;
  readonly feed: Feed;
  readonly queue: Queue;
  readonly references: References;
  readonly inventory: Inventory;
  readonly blobs: Blobs;
  readonly credentials: Credentials;
  readonly maintenance: Maintenance;
  readonly sealer: Sealer;
  /** Called when work may be waiting: a hint, never a promise (D3). */
  onWork(listener: () => void): Disposable;
}

export interface StoreOptions extends DatabaseOptions {
  readonly connection: ConnectionOptions;
  /** 32 bytes that never enter the database (S7). */
  readonly keyEncryptionKey: Uint8Array;
  readonly clock: Clock;
  readonly log: Logger;
  readonly pollMs?: number;
  readonly ringBytesMax?: number;
  /** Tell other processes of changes, and hear of theirs. Off: they notice by polling. */
  readonly notify?: boolean;
}

/** Opens the store: schema brought up to date, feed running. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const database = openDatabase(options.connection, options);
  try {
    await migrate(database);
    const sealer = await openSealer(database, options.keyEncryptionKey);
    const reader = createReader(database, sealer);
    const workListeners = new Set<() => void>();
    const wakeWorkers = () => {
      for (const listener of workListeners) listener();
    };
    const feed = createFeed({
      reader,
      clock: options.clock,
      log: options.log,
      ...(options.pollMs === undefined ? {} : { pollMs: options.pollMs }),
      ...(options.ringBytesMax === undefined ? {} : { ringBytesMax: options.ringBytesMax }),
    });
    await feed.start();
    let notifier: Notifier | undefined;
    if (options.notify !== false) {
      notifier = createNotifier({ database, clock: options.clock, log: options.log, onHint: () => (feed.hint(), wakeWorkers()) });
    }
    const onEnqueued = () => {
      wakeWorkers();
      notifier?.announce();
    };
    const writer = createWriter(database, sealer, (group) => {
      feed.offer(group);
      if (group.changes.length > 0) notifier?.announce();
      if (group.work) wakeWorkers();
    });
    return {
      database,
      reader,
      listText: createListTexts(database),
      writer,
      feed,
      queue: createQueue(database, onEnqueued),
      references: createReferences(database, onEnqueued),
      inventory: createInventory(database),
      blobs: createBlobs(database, sealer),
      credentials: createCredentials(database),
      maintenance: createMaintenance(database),
      sealer,
      onWork(listener) {
        workListeners.add(listener);
        return { [Symbol.dispose]: () => workListeners.delete(listener) };
      },
      async [Symbol.asyncDispose]() {
        await notifier?.[Symbol.asyncDispose]();
        await feed[Symbol.asyncDispose]();
        await database[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await database[Symbol.asyncDispose]();
    throw error;
  }
}
