import { createHash } from "node:crypto";
import { silentLogger, systemClock } from "@threeport/platform";
import { openDatabase, type ConnectionOptions } from "../database.ts";
import { migrate } from "../migrate.ts";
import { openStore, type Store, type StoreOptions } from "../store.ts";
import { createTestDatabase } from "../testing/index.ts";
import type { ObjectKey, Write } from "../types.ts";

/** The key-encryption key of all labs. */
export const labKey: Uint8Array = createHash("sha256").update("lab").digest();

export type LabStoreOptions = Partial<Omit<StoreOptions, "connection">>;

/** A migrated database of one test's own, and stores on it. Disposing closes the stores, then drops the database. */
export interface Lab extends AsyncDisposable {
  readonly connection: ConnectionOptions;
  /** A store as one replica would open it; without options it hears of other replicas by polling only. */
  open(options?: LabStoreOptions): Promise<Store>;
  /** One statement of the test's own, outside any store. */
  sql<Row extends Record<string, unknown> = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

export async function openLab(): Promise<Lab> {
  const stack = new AsyncDisposableStack();
  const created = stack.use(
    await createTestDatabase({
      templateKey: "store",
      migrate: async (connection) => {
        await using database = openDatabase(connection);
        await migrate(database);
      },
    }),
  );
  const connection: ConnectionOptions = created.connectionOptions;
  const side = stack.use(openDatabase(connection, { connectionsMax: 2 }));
  return {
    connection,
    open: async (options) => stack.use(await openLabStore(connection, options)),
    sql: (text, values = []) => side.query({ name: "", text }, values),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

export function openLabStore(connection: ConnectionOptions, options: LabStoreOptions = {}): Promise<Store> {
  return openStore({ connection, keyEncryptionKey: labKey, clock: systemClock, log: silentLogger, notify: false, pollMs: 20, connectionsMax: 6, ...options });
}

export function keyOf(name: string, kind = "things", namespace = "ns"): ObjectKey {
  return { kind, namespace, name };
}

/** A create of `key`; whatever is given replaces the default. `data` becomes the body's. */
export function writeOf(key: ObjectKey, change: Partial<Write> & { readonly data?: string } = {}): Write {
  const { data = "", ...given } = change;
  return {
    key,
    uid: `uid-${key.kind}-${key.namespace}-${key.name}`,
    expectRv: 0,
    remove: false,
    terminating: false,
    schemaVersion: "v1",
    body: [`{"metadata":{"name":${JSON.stringify(key.name)},"resourceVersion":"`, `"},"data":${JSON.stringify(data)}}`],
    sensitive: false,
    prevBody: undefined,
    references: undefined,
    guards: [],
    wake: [],
    changes: 0,
    priority: 1,
    fence: undefined,
    ...given,
  };
}

/** Writes and expects success; returns the number. */
export async function put(store: Store, key: ObjectKey, change: Partial<Write> & { readonly data?: string } = {}): Promise<number> {
  const result = await store.writer.write(writeOf(key, change));
  if (result.outcome !== "written") throw new Error(`${key.name} was not written: ${JSON.stringify(result)}`);
  return result.rv;
}

/** Waits until `probe` holds. The deadline only bounds a failing test. */
export async function until(what: string, probe: () => boolean | Promise<boolean>, deadlineMs = 45_000): Promise<void> {
  const end = systemClock.monotonic() + deadlineMs;
  while (!(await probe())) {
    if (systemClock.monotonic() > end) throw new Error(`${what} did not come about within ${deadlineMs} ms`);
    await systemClock.sleep(5);
  }
}
