// One connection to one runtime, shared by all its sets (design.md C4).
//   C4  Watches: our labelled objects of each kind in use, and in namespaces that hold workloads of ours what these own. They end with their last user.
//       A dead cluster fails fast for everybody who asks, and holds up no other cluster.
import type { Clock, Logger, Random } from "@threeport/platform";
import { createClient, createReflector, type ClientOptions, type ConnectionConfig, type KubeClient, type Reflector } from "@threeport/client";
import type { KubeObject, StoredObject } from "@threeport/resource";
import { controlPlaneLabel, setKeyOf } from "../marks.ts";
import { createBreaker } from "./breaker.ts";
import { createUsers } from "./users.ts";
import { createWatchCache, type WatchCache } from "./watch-cache.ts";

export interface Cluster extends AsyncDisposable {
  readonly runtime: string;
  /** Whether we act as ServiceAccounts there, where a set is confined. */
  readonly impersonates: boolean;
  readonly client: KubeClient;
  readonly cache: WatchCache;
  /** Runs a call; after one that could not reach the cluster, later ones fail at once for a short time, and a slow cluster is given up on early. */
  call<T>(run: (client: KubeClient) => Promise<T>): Promise<T>;
  /** Says what a set wants watched from now on, in place of what it wanted before. What nobody wants any more is not watched any more. */
  follow(setKey: string, wants: Wants): void;
  /** Whether what is known of our objects of a kind that somebody follows is complete, after waiting for it a little. */
  complete(kind: KindName, signal: AbortSignal): Promise<boolean>;
  /** How many watches there are. */
  readonly watches: number;
  /** Whether a watch of the kind is complete now. */
  synced(kind: KindName): boolean;
  /** What an apply answered: it may be newer than what the watch has told, and then counts until the watch tells more. */
  note(object: StoredObject): void;
}

export interface KindName {
  readonly apiVersion: string;
  readonly kind: string;
}

/** What a set is interested in. */
export interface Wants {
  /** Kinds of which our objects are watched, in the whole cluster. */
  readonly kinds: readonly KindName[];
  /** Namespaces in which is watched what workloads own. */
  readonly namespaces: readonly string[];
}

export interface ClusterOptions extends Pick<ClientOptions, "dial"> {
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
  const client = createClient(options.connection, {
    clock,
    random,
    requestTimeoutMs,
    connectTimeoutMs,
    ...(options.dial === undefined ? {} : { dial: options.dial }),
  });
  const cache = createWatchCache();
  const reflectors = new Map<string, Reflector>();
  const users = createUsers(clock);
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

  /** What it told is forgotten: nobody would hear when it changes. */
  function stop(key: string): void {
    const reflector = reflectors.get(key);
    reflectors.delete(key);
    void reflector?.[Symbol.asyncDispose]();
    for (const object of told.get(key)?.values() ?? []) cache.remove(object);
    told.delete(key);
  }

  const kindKey = (kind: KindName): string => `${kind.apiVersion}/${kind.kind}`;
  return {
    runtime: options.runtime,
    impersonates: options.impersonates,
    client,
    cache,
    call: (run) => breaker.call(() => run(client)),
    follow(setKey, { kinds, namespaces }) {
      const wanted = new Set<string>();
      for (const { apiVersion, kind } of kinds) {
        const key = kindKey({ apiVersion, kind });
        wanted.add(key);
        reflect(key, { apiVersion, kind }, `${controlPlaneLabel}=${options.controlPlaneId}`);
      }
      for (const namespace of namespaces)
        for (const kind of childKinds) {
          const key = `${kindKey(kind)}@${namespace}`;
          wanted.add(key);
          reflect(key, { ...kind, namespace }, `!${controlPlaneLabel}`);
        }
      for (const key of users.want(setKey, wanted)) stop(key);
    },
    async complete(kind, signal) {
      const reflector = reflectors.get(kindKey(kind));
      if (reflector === undefined || (reflector.state.phase !== "synced" && breaker.troubled)) return false;
      const waited = new AbortController();
      // Who asks has just met the cluster: one that was away is back, and what was missed meanwhile is asked for.
      await Promise.race([reflector.renew().catch(() => {}), clock.sleep(syncWaitMs, AbortSignal.any([signal, waited.signal])).catch(() => {})]);
      waited.abort();
      return reflector.state.phase === "synced";
    },
    get watches() {
      return reflectors.size;
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
