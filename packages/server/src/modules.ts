import { join } from "node:path";
import { createClusters, resourceSetKind, resourceSetReconciler } from "@threeport/cluster";
import type { Reconciler } from "@threeport/engine";
import { clusterFor, kubeconfigProvider, localProvider, runtimeKind, runtimeReconciler } from "@threeport/module-runtime";
import { definitionReconciler, environmentKind, instanceReconciler, releaseKind, workloadDefinitionKind, workloadInstanceKind } from "@threeport/module-workload";
import type { Kind, Objects } from "@threeport/resource";
import { workKey, type Store } from "@threeport/store";
import type { Tools } from "./control-plane.ts";
import type { Home } from "./home.ts";

export interface ModulesInput {
  readonly controlPlaneId: string;
  readonly home: Home;
  readonly tools: Tools;
  readonly store: Store;
}

/** All domains, put together. */
export interface Modules extends AsyncDisposable {
  readonly kinds: readonly Kind[];
  readonly reconcilers: readonly Reconciler[];
  readonly clusterFor: ReturnType<typeof clusterFor>;
  /** Looks at every cluster and every set once: what changed in a cluster while no control plane ran is noticed now, not an hour later. */
  resume(objects: Objects): Promise<void>;
}

export function assembleModules(input: ModulesInput): Modules {
  const { controlPlaneId, store, tools, home } = input;
  const { clock, random, log, exec, environment } = tools;
  const clusters = createClusters({
    controlPlaneId,
    clock,
    random,
    log,
    // A lost wake-up is made good by the periodic check of the set.
    onChange: (keys) => void store.queue.enqueue(keys.map((key) => ({ queue: resourceSetKind.resource, key, priority: 1, mask: 0, delayMs: 0 }))).catch((error: unknown) => log.debug("a change in a cluster could not be noted", { error: String(error) })),
  });
  const local = localProvider({
    exec,
    folder: home.runtimes,
    cacheDir: environment["XDG_CACHE_HOME"] === undefined ? undefined : join(environment["XDG_CACHE_HOME"], "threeport"),
    binariesFolder: environment["THREEPORT_KUBERNETES_BIN"],
  });
  const connect = clusterFor(clusters);
  return {
    kinds: [runtimeKind, environmentKind, workloadDefinitionKind, releaseKind, workloadInstanceKind, resourceSetKind],
    reconcilers: [
      runtimeReconciler({ controlPlaneId, clusters, providers: { kubeconfig: kubeconfigProvider, local } }),
      resourceSetReconciler({ controlPlaneId, clusterFor: connect, digest: (content) => store.sealer.digest(content) }),
      definitionReconciler(),
      instanceReconciler(),
    ],
    clusterFor: connect,
    async resume(objects) {
      for (const kind of [runtimeKind, resourceSetKind]) {
        const found = await objects.list(kind);
        const rows = found.map((object) => ({ queue: kind.resource, key: workKey(object.metadata.namespace ?? "", object.metadata.name), priority: 2, mask: 0, delayMs: 0 }));
        if (rows.length > 0) await store.queue.enqueue(rows);
      }
    },
    [Symbol.asyncDispose]: () => clusters[Symbol.asyncDispose](),
  };
}
