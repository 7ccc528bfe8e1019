import { createHash } from "node:crypto";
import { backoffMs, type Clock, type Logger, type Random } from "@threeport/platform";
import { parseKubeconfig, type ClientOptions } from "@threeport/client";
import { setKeyOf } from "../marks.ts";
import { openCluster, type Cluster } from "./cluster.ts";

/** How to reach a runtime and what we may do there. */
export interface RuntimeAccess {
  readonly kubeconfig: string;
  /** Identity of the runtime object: a runtime of the same name that was made anew gets a connection of its own. */
  readonly uid: string;
  /** False where operations switched it off: confined sets are then held to their namespace by our rules alone. */
  readonly impersonates: boolean;
}

/** All connections of this process, one a runtime. Owned here: made on first use, replaced when the credentials change, dropped with the runtime. */
export interface Clusters extends AsyncDisposable {
  get(runtime: string, access: RuntimeAccess): Promise<Cluster>;
  /** The connection if there is one; reads only. */
  peek(runtime: string): Cluster | undefined;
  drop(runtime: string): Promise<void>;
}

export interface ClustersOptions extends Pick<ClientOptions, "dial"> {
  readonly controlPlaneId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Sets that changed in a cluster, gathered for {@link gatherMs}. Told again, later each time, when it rejects: the next periodic check is an hour away. */
  readonly onChange: (setKeys: readonly string[]) => Promise<void>;
}

/** Changes of one rollout come in bursts; one look at a set in this time is enough, and well inside what people notice. */
const gatherMs = 50;
const tellAgain = { baseMs: 500, capMs: 30_000 };

export function createClusters(options: ClustersOptions): Clusters {
  const open = new Map<string, { readonly identity: string; readonly cluster: Cluster }>();
  let gathered = new Set<string>();
  let telling = false;
  let failures = 0;
  let closed = false;
  const tell = async (): Promise<void> => {
    const keys = [...gathered];
    gathered = new Set();
    try {
      await options.onChange(keys);
      failures = 0;
    } catch (error) {
      options.log.debug("changes in clusters could not be noted and are again", { sets: keys.length, error: String(error) });
      for (const key of keys) gathered.add(key);
      failures++;
    }
    telling = false;
    if (gathered.size > 0) later(failures === 0 ? gatherMs : backoffMs(failures, tellAgain, options.random));
  };
  const later = (ms: number): void => {
    if (telling || closed) return;
    telling = true;
    options.clock.after(ms, () => void tell());
  };
  const onChange = (setKey: string): void => {
    gathered.add(setKey);
    later(gatherMs);
  };
  const drop = async (runtime: string): Promise<void> => {
    const known = open.get(runtime);
    open.delete(runtime);
    await known?.cluster[Symbol.asyncDispose]();
  };
  return {
    async get(runtime, access) {
      const identity = createHash("sha256").update(`${access.uid}\n${access.impersonates}\n${access.kubeconfig}`).digest("hex");
      const known = open.get(runtime);
      if (known?.identity === identity) return known.cluster;
      const connection = parseKubeconfig(access.kubeconfig);
      const cluster = openCluster({ ...options, runtime, connection, impersonates: access.impersonates, onChange });
      open.set(runtime, { identity, cluster });
      // The new connection watches nothing yet: the sets that the old one knew of are looked at, and begin its watches.
      for (const object of known?.cluster.cache.all() ?? []) {
        const setKey = setKeyOf(object);
        if (setKey !== undefined) onChange(setKey);
      }
      await known?.cluster[Symbol.asyncDispose]();
      return cluster;
    },
    peek: (runtime) => open.get(runtime)?.cluster,
    drop,
    async [Symbol.asyncDispose]() {
      closed = true;
      await Promise.all([...open.keys()].map(drop));
    },
  };
}
