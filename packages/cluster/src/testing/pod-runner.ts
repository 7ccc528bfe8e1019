import { createReflector, type KubeClient } from "@threeport/client";
import { rfc3339, systemClock } from "@threeport/platform";
import type { StoredObject } from "@threeport/resource";

/** Stands in for the nodes of a cluster that has none: says of pods that they run. */
export interface PodRunner extends AsyncDisposable {
  /** Pods of which `which` is true stay as they are until it is called again; by default none. */
  holdBack(which: (pod: StoredObject) => boolean): Promise<void>;
}

export function runPods(client: KubeClient): PodRunner {
  const waiting = new Map<string, StoredObject>();
  let held: (pod: StoredObject) => boolean = () => false;

  async function run(pod: StoredObject): Promise<void> {
    const { uid, name, namespace, deletionTimestamp } = pod.metadata;
    if (deletionTimestamp !== undefined || isReady(pod)) {
      waiting.delete(uid);
      return;
    }
    waiting.set(uid, pod);
    if (held(pod)) return;
    waiting.delete(uid);
    const now = rfc3339(systemClock.now());
    const containers = (pod["spec"] as { containers: { name: string; image: string }[] }).containers;
    const status = {
      phase: "Running",
      conditions: ["Initialized", "ContainersReady", "Ready", "PodScheduled"].map((type) => ({ type, status: "True", lastTransitionTime: now })),
      containerStatuses: containers.map((container) => ({
        name: container.name,
        image: container.image,
        imageID: "",
        ready: true,
        started: true,
        restartCount: 0,
        state: { running: { startedAt: now } },
      })),
    };
    await client
      .patch({ apiVersion: "v1", kind: "Pod", name, ...(namespace === undefined ? {} : { namespace }), subresource: "status" }, { status })
      .catch(() => {}); // it went meanwhile
  }

  const reflector = createReflector<StoredObject>({
    client,
    source: { apiVersion: "v1", kind: "Pod" },
    handlers: {
      async replace(items) {
        waiting.clear();
        for (const pod of items) await run(pod);
      },
      upsert: run,
      remove: (pod) => void waiting.delete(pod.metadata.uid),
    },
  });
  return {
    async holdBack(which) {
      held = which;
      for (const pod of [...waiting.values()]) await run(pod);
    },
    [Symbol.asyncDispose]: () => reflector[Symbol.asyncDispose](),
  };
}

function isReady(pod: StoredObject): boolean {
  const conditions = (pod["status"] as { conditions?: { type: string; status: string }[] } | undefined)?.conditions ?? [];
  return conditions.some((condition) => condition.type === "Ready" && condition.status === "True");
}
