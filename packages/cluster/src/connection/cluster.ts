// One connection to one runtime, shared by all its sets (design.md C4).
//   C4  Watches: our labelled objects of each kind in use, and in namespaces that hold workloads of ours what these own.
//       A dead cluster fails fast for everybody who asks, and holds up no other cluster.
import type { Clock, Logger, Random } from "@threeport/platform";
import { createClient, createReflector, type ConnectionConfig, type KubeClient, type Reflector } from "@threeport/client";
import type { KubeObject, StoredObject } from "@threeport/resource";
import { controlPlaneLabel, setKeyOf } from "../marks.ts";
import { createBreaker } from "./breaker.ts";
import { createWatchCache, type WatchCache } from "./watch-cache.ts";

export interface Cluster extends AsyncDisposable {
  readonly runtime: string;
  /** Whether we act as ServiceAccounts there, where a set is confined. */
  readonly impersonates: boolean;
  readonly client: KubeClient;
  readonly cache: WatchCache;
  /** Runs a call; after one that could not reach the cluster, later ones fail at once for a short time, and a slow cluster is given up on early. */
  call<T>(run: (client: KubeClient) => Promise<T>): Promise<T>;
  /** Watches our objects of a kind. Resolves to whether what is known of them is complete, after waiting for it a little. */
  follow(kind: { readonly apiVersion: string; readonly kind: string }, signal: AbortSignal): Promise<boolean>;
  /** Watches what workloads in a namespace own. */
  followChildren(namespace: string): void;
  /** Whether a watch of the kind is complete now. */
  synced(kind: { readonly apiVersion: string; readonly kind: string }): boolean;
  /** What an apply answered: it may be newer than what the watch has told, and then counts until the watch tells more. */
  note(object: StoredObject): void;
}

export interface ClusterOptions {
  readonly runtime: string;
  readonly impersonates: boolean;
  readonly connection: ConnectionConfig;
  readonly controlPlaneId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Something of a set changed in the cluster; `<namespace>/<name>` of the set. */
  readonly onChange: (setKey: string) => void;
}

/** How long a run waits for a new watch to be complete: a healthy cluster lists a kind in milliseconds. */
const syncWaitMs = 2_000;
const requestTimeoutMs = 20_000;
const connectTimeoutMs = 5_000;

/** What workloads own; watched in namespaces that hold workloads. */
const childKinds = [
  { apiVersion: "v1", kind: "Pod" },
  { apiVersion: "apps/v1", kind: "ReplicaSet" },
  { apiVersion: "batch/v1", kind: "Job" },
  { apiVersion: "v1", kind: "PersistentVolumeClaim" },
] as const;

export function openCluster(options: ClusterOptions): Cluster {
  const { clock, random, log } = options;
  const client = createClient(options.connection, { clock, requestTimeoutMs, connectTimeoutMs });
  const cache = createWatchCache();
  const reflectors = new Map<string, Reflector>();
  /** By key of the reflector: what it has told, and what was noted in its place. */
  const told = new Map<string, Map<string, StoredObject>>();
  const breaker = createBreaker(client.host, clock);
  let closed = false;

  /** The set that an object, or the nearest of its owners that we know, belongs to. */
  const setOf = (object: KubeObject): string | undefined => {
    let current: KubeObject | undefined = object;
    for (let depth = 0; depth < 6 && current !== undefined; depth++) {
      const key = setKeyOf(current);
      if (key !== undefined) return key;
      const owner: string | undefined = (current.metadata.ownerReferences ?? [])[0]?.uid;
      current = owner === undefined ? undefined : cache.byUid(owner);
    }
    return undefined;
  };
  const changed = (object: KubeObject): void => {
    const key = setOf(object);
    if (key !== undefined) options.onChange(key);
  };

  function reflect(key: string, source: { apiVersion: string; kind: string; namespace?: string }, labelSelector: string | undefined): void {
    if (reflectors.has(key) || closed) return;
    const mine = new Map<string, StoredObject>();
    told.set(key, mine);
    const put = (object: StoredObject): void => {
      const full = { ...object, apiVersion: source.apiVersion, kind: source.kind };
      mine.set(full.metadata.uid, full);
      cache.put(full);
      changed(full);
    };
    const drop = (object: StoredObject): void => {
      const known = mine.get(object.metadata.uid);
      if (known === undefined) return;
      mine.delete(object.metadata.uid);
      changed(known); // before it leaves the cache, which knows its owners
      cache.remove(known);
    };
    reflectors.set(
      key,
      createReflector<StoredObject>({
        client,
        source,
        clock,
        random,
        log,
        ...(labelSelector === undefined ? {} : { labelSelector }),
        handlers: {
          replace(items) {
            const now = new Set(items.map((item) => item.metadata.uid));
            for (const known of [...mine.values()]) if (!now.has(known.metadata.uid)) drop(known);
            for (const item of items) if (mine.get(item.metadata.uid)?.metadata.resourceVersion !== item.metadata.resourceVersion) put(item);
          },
          upsert: put,
          remove: drop,
        },
      }),
    );
  }

  const kindKey = (kind: { apiVersion: string; kind: string }): string => `${kind.apiVersion}/${kind.kind}`;
  return {
    runtime: options.runtime,
    impersonates: options.impersonates,
    client,
    cache,
    call: (run) => breaker.call(() => run(client)),
    async follow(kind, signal) {
      const key = kindKey(kind);
      reflect(key, { apiVersion: kind.apiVersion, kind: kind.kind }, `${controlPlaneLabel}=${options.controlPlaneId}`);
      const reflector = reflectors.get(key);
      if (reflector === undefined || reflector.state.phase === "unreachable") return false;
      if (reflector.state.phase !== "synced" && breaker.troubled) return false;
      const waited = new AbortController();
      await Promise.race([reflector.synced.catch(() => {}), clock.sleep(syncWaitMs, AbortSignal.any([signal, waited.signal])).catch(() => {})]);
      waited.abort();
      return reflector.state.phase === "synced";
    },
    followChildren(namespace) {
      for (const kind of childKinds) reflect(`${kindKey(kind)}@${namespace}`, { ...kind, namespace }, `!${controlPlaneLabel}`);
    },
    synced: (kind) => reflectors.get(kindKey(kind))?.state.phase === "synced",
    note(object) {
      const known = cache.byUid(object.metadata.uid);
      if (known !== undefined && !isOlder(known.metadata.resourceVersion, object.metadata.resourceVersion)) return;
      const noted = structuredClone(object);
      // The reflector takes it for its own: a list without it removes it again.
      told.get(kindKey(object))?.set(noted.metadata.uid, noted);
      cache.put(noted);
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      await Promise.all([...reflectors.values()].map((reflector) => reflector[Symbol.asyncDispose]()));
      await client[Symbol.asyncDispose]();
    },
  };
}

/** Whether version `a` came before `b`: decimals that grow, as Kubernetes says since 1.35. What cannot be compared counts as older. */
function isOlder(a: string, b: string): boolean {
  return a.length === b.length ? a < b : a.length < b.length;
}
