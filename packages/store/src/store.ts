import type { Clock, Logger } from "@threeport/platform";
import { createBlobs, type Blobs } from "./blobs.ts";
import { createCredentials } from "./credentials.ts";
import { openDatabase, type ConnectionOptions, type Database, type DatabaseOptions } from "./database.ts";
import { createFeed } from "./feed.ts";
import { createInventory, type Inventory } from "./inventory.ts";
import { checkDataKeys } from "./keys/data-keys.ts";
import { readerWithFreshKeys, watchKeys } from "./keys/fresh-keys.ts";
import { localKeys, type KeyEncryption } from "./keys/key-encryption.ts";
import { askForResealing, createReseal, type Reseal } from "./keys/rotation.ts";
import { openSealer, type Sealer } from "./keys/sealer.ts";
import { createSharedSecrets, type SharedSecrets } from "./keys/shared-secrets.ts";
import { createListTexts } from "./list-text.ts";
import { createMaintenance, type Maintenance } from "./maintenance.ts";
import { migrate } from "./migrate.ts";
import { createNotifier, type Notifier } from "./notifier.ts";
import type { ObjectStore } from "./object-store.ts";
import { keepPresence } from "./presence.ts";
import { createQueue, type Queue } from "./queue.ts";
import { createReader } from "./reader.ts";
import { createReferences, type References } from "./references.ts";
import { createWriter } from "./writer.ts";

/** What a control plane works with: objects, and the work that they cause. */
export interface WorkStore extends ObjectStore {
  readonly queue: Queue;
  readonly references: References;
  readonly inventory: Inventory;
  /** Called when work may be waiting: a hint, never a promise (D3). */
  onWork(listener: () => void): Disposable;
}

export interface Store extends WorkStore, AsyncDisposable {
  readonly database: Database;
  readonly blobs: Blobs;
  readonly maintenance: Maintenance;
  readonly sealer: Sealer;
  /** One step of resealing what older data keys sealed (S7). */
  readonly reseal: Reseal;
  readonly sharedSecrets: SharedSecrets;
  /** Says that the process that leases under this name lives, and ends what dead ones left, until disposed. For a database that several processes share. */
  presence(owner: string): AsyncDisposable;
}

export interface StoreOptions extends DatabaseOptions {
  readonly connection: ConnectionOptions;
  /** Who wraps data keys (S7); 32 bytes stand for a key at hand. */
  readonly keyEncryptionKey: KeyEncryption | Uint8Array;
  readonly clock: Clock;
  readonly log: Logger;
  readonly pollMs?: number;
  readonly ringBytesMax?: number;
  /** Tell other processes of changes, and hear of theirs. Off: they notice by polling. */
  readonly notify?: boolean;
  /** Nobody else serves from this database, so there is nobody to tell of changes; others are still heard. */
  readonly alone?: boolean;
}

/** Opens the store: schema brought up to date, feed running. */
export async function openStore(options: StoreOptions): Promise<Store> {
  let onOtherHistory = (): void => {};
  const database = openDatabase(options.connection, { ...options, onOtherHistory: () => onOtherHistory() });
  try {
    const keyEncryption = options.keyEncryptionKey instanceof Uint8Array ? localKeys([options.keyEncryptionKey]) : options.keyEncryptionKey;
    await checkDataKeys(database, keyEncryption);
    await migrate(database);
    const sealer = await openSealer(database, keyEncryption);
    const reader = readerWithFreshKeys(createReader(database, sealer), sealer);
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
    const listTexts = createListTexts(database);
    onOtherHistory = () => {
      options.log.info("the database has another history than before (a failover, or a copy in its place): commits may be lost, everybody lists again", {});
      listTexts.forget();
      feed.restart();
    };
    let notifier: Notifier | undefined;
    const keyWatch = watchKeys(sealer, {
      clock: options.clock,
      log: options.log,
      onLate: async () => {
        await askForResealing(database);
        wakeWorkers();
      },
    });
    if (options.notify !== false) {
      notifier = createNotifier({ database, clock: options.clock, log: options.log, onHint: () => (feed.hint(), wakeWorkers()), onKeys: keyWatch.hint });
    }
    const onEnqueued = () => {
      wakeWorkers();
      if (options.alone !== true) notifier?.announce();
    };
    const writer = createWriter(database, sealer, (group) => {
      feed.offer(group);
      if (group.changes.length > 0 && options.alone !== true) notifier?.announce();
      if (group.work) wakeWorkers();
    });
    return {
      database,
      reader,
      listText: listTexts.read,
      writer,
      feed,
      queue: createQueue(database, onEnqueued),
      references: createReferences(database, onEnqueued),
      inventory: createInventory(database),
      blobs: createBlobs(database, sealer),
      credentials: createCredentials(database),
      maintenance: createMaintenance(database),
      sealer,
      reseal: createReseal(database, sealer),
      sharedSecrets: createSharedSecrets(database, sealer),
      presence: (owner) => keepPresence({ database, clock: options.clock, log: options.log, owner, onEnded: onEnqueued }),
      onWork(listener) {
        workListeners.add(listener);
        return { [Symbol.dispose]: () => workListeners.delete(listener) };
      },
      async [Symbol.asyncDispose]() {
        keyWatch[Symbol.dispose]();
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
