export { openStore, type Store, type StoreOptions, type WorkStore } from "./store.ts";
export type { ObjectStore } from "./object-store.ts";
export {
  openMemoryStore,
  openMemoryWorkStore,
  type MemoryStore,
  type MemoryStoreOptions,
  type MemoryWorkStore,
  type SavedStore,
} from "./memory/memory-store.ts";
export { openDatabase, type ConnectionOptions, type Database } from "./database.ts";
export { migrate } from "./migrate.ts";
export { backup, restore, type BackupReport } from "./backup.ts";
export type { Claim, Completion, Queue, QueueDepth } from "./queue.ts";
export type { Inventory, InventoryEntry } from "./inventory.ts";
export { listBytesMax, listTooLarge } from "./list-text.ts";
export type { Reader, ListPage, ListInput } from "./reader.ts";
export type { Writer } from "./writer.ts";
export type { Feed, Subscription } from "./feed.ts";
export type { References, Referrer } from "./references.ts";
export { localKeys, type KeyEncryption } from "./keys/key-encryption.ts";
export { rewrapDataKeys } from "./keys/data-keys.ts";
export { dataKeyStatus, resealQueue, rotateDataKey, type Reseal } from "./keys/rotation.ts";
export type { SharedSecrets } from "./keys/shared-secrets.ts";
export type { Sealer } from "./keys/sealer.ts";
export type { User } from "./credentials.ts";
export { blobKind, type Blobs } from "./blobs.ts";
export {
  fanoutQueue,
  formatKey,
  parseKey,
  parseWorkKey,
  workKey,
  type Change,
  type Fence,
  type Guard,
  type ObjectKey,
  type Priority,
  type ReferenceRow,
  type Version,
  type Write,
  type WriteResult,
} from "./types.ts";
