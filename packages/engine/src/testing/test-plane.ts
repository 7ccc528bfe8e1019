import { coreKinds, coreReconcilers, createObjects, createRegistry, mastersOnly, type ApiContext } from "@threeport/apiserver";
import { silentLogger, systemClock, systemRandom, type Clock, type Logger } from "@threeport/platform";
import type { Kind, Objects } from "@threeport/resource";
import { migrate, openDatabase, openStore, type ConnectionOptions, type QueueDepth, type Store } from "@threeport/store";
import { createTestDatabase } from "@threeport/store/testing";
import {
  createEngine,
  engineUser,
  fanoutReconciler,
  gcReconciler,
  createMetrics,
  namespaceReconciler,
  type Engine,
  type EngineMetrics,
  type Reconciler,
} from "../index.ts";

/** A control plane without HTTP over a database of its own: what a person does goes through `objects`, what controllers do through replicas. */
export interface TestPlane extends AsyncDisposable {
  readonly connection: ConnectionOptions;
  readonly store: Store;
  readonly context: ApiContext;
  /** As a person: priority 0. */
  readonly objects: Objects;
  /** Rows of a queue: keys that are due, leased, or wait for a time. */
  rows(queue: string): Promise<QueueDepth>;
  /** Another process over the same database, as far as one process can be two: a store and an engine of its own. */
  startReplica(options: ReplicaOptions): Promise<Replica>;
}

export interface ReplicaOptions {
  readonly reconcilers: (tools: { readonly store: Store; readonly context: ApiContext }) => readonly Reconciler[];
  readonly clock?: Clock;
  readonly workers?: number;
  readonly leaseMs?: number;
  readonly pollMs?: number;
  /** Neither hears nor sends hints: everything is found by looking. */
  readonly deaf?: boolean;
  readonly log?: Logger;
  /** The store as the engine meets it. */
  readonly meets?: (store: Store) => Store;
}

export interface Replica extends AsyncDisposable {
  readonly engine: Engine;
  readonly store: Store;
  readonly metrics: EngineMetrics;
  /** From now on it cannot reach its database. */
  cut(): Promise<void>;
  /** Ends it as a kill does: no lease is given back, and nothing that it does afterwards reaches the database. */
  kill(): Promise<void>;
}

export interface TestPlaneOptions {
  readonly kinds: readonly Kind[];
  /** Kinds whose keys become work. Default: all of `kinds`. */
  readonly controlled?: readonly string[];
}

const keyEncryptionKey = new Uint8Array(32).fill(7);
const pollMs = 200;

export async function openTestPlane(options: TestPlaneOptions): Promise<TestPlane> {
  await using stack = new AsyncDisposableStack();
  const database = stack.use(await createTestDatabase({ templateKey: "engine", migrate: migrateTemplate }));
  const connection = database.connectionOptions as ConnectionOptions;
  const controlled = new Set([...(options.controlled ?? options.kinds.map((kind) => kind.resource)), "namespaces"]);
  const contextOf = (store: Store): ApiContext => ({
    registry: createRegistry([...coreKinds, ...options.kinds]),
    store,
    clock: systemClock,
    random: systemRandom,
    log: silentLogger,
    authorizer: mastersOnly,
    controlled: (resource) => controlled.has(resource),
  });
  const store = stack.use(await openStore({ connection, keyEncryptionKey, clock: systemClock, log: silentLogger, connectionsMax: 4 }));
  const context = contextOf(store);
  const objects = createObjects(context, { user: engineUser, author: { priority: 0, fence: undefined } });
  await objects.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } });
  let replicas = 0;

  async function startReplica(wanted: ReplicaOptions): Promise<Replica> {
    await using parts = new AsyncDisposableStack();
    const clock = wanted.clock ?? systemClock;
    const log = wanted.log ?? silentLogger;
    const own = await openStore({ connection, keyEncryptionKey, clock: systemClock, log, connectionsMax: 4, notify: wanted.deaf !== true });
    let closed = false;
    const cut = async (): Promise<void> => {
      if (closed) return;
      closed = true;
      await own[Symbol.asyncDispose]();
    };
    parts.defer(cut);
    const inside = contextOf(own);
    const metrics = createMetrics(own.queue);
    const met = wanted.meets?.(own) ?? own;
    const engine = createEngine({
      store: wanted.deaf === true ? { ...met, onWork: () => ({ [Symbol.dispose]: () => {} }) } : met,
      objectsFor: (author) => createObjects(inside, { user: engineUser, author }),
      reconcilers: wanted.reconcilers({ store: own, context: inside }),
      clock,
      random: systemRandom,
      log,
      metrics,
      owner: `replica-${++replicas}`,
      pollMs: wanted.pollMs ?? pollMs,
      ...(wanted.workers === undefined ? {} : { workers: wanted.workers }),
      ...(wanted.leaseMs === undefined ? {} : { leaseMs: wanted.leaseMs }),
    });
    parts.use(engine);
    engine.start();
    const owned = parts.move();
    return {
      engine,
      store: own,
      metrics,
      cut,
      async kill() {
        await cut();
        await engine[Symbol.asyncDispose]();
      },
      [Symbol.asyncDispose]: () => owned.disposeAsync(),
    };
  }

  const owned = stack.move();
  const rows = async (queue: string) => (await store.queue.depth()).find((row) => row.queue === queue) ?? { queue, rows: 0, due: 0, leased: 0, failing: 0 };
  return { connection, store, context, objects, rows, startReplica, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** The engine's own reconcilers, as the server wires them. */
export function houseReconcilers({ store, context }: { readonly store: Store; readonly context: ApiContext }): Reconciler[] {
  const core = coreReconcilers({ registry: context.registry, store });
  return [fanoutReconciler(store.references, store.queue), gcReconciler(core.garbage), namespaceReconciler(core.namespaces)];
}

async function migrateTemplate(connection: ConnectionOptions): Promise<void> {
  await using database = openDatabase(connection);
  await migrate(database);
}
