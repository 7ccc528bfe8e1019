import { createHmac } from "node:crypto";
import { z } from "zod";
import { silentLogger, systemClock, systemRandom, type Logger } from "@threeport/platform";
import { defineKind, PlatformError, type Condition, type KubeObject } from "@threeport/resource";
import { houseReconcilers, openTestPlane, until, type Replica, type TestPlane } from "@threeport/engine/testing";
import { createClusters, resourceSetKind, resourceSetReconciler, type Clusters, type ResourceSet } from "../index.ts";
import { readEntry, type Entry } from "../apply/entry.ts";

/** Stands in for the kind of the runtime module, which this package does not know: sets only refer to it. */
const runtimeKind = defineKind({
  group: "threeport.io",
  version: "v1alpha1",
  kind: "KubernetesRuntimeInstance",
  plural: "kubernetesruntimeinstances",
  scope: "Cluster",
  description: "A cluster.",
  fields: { spec: z.object({ note: z.string().optional().describe("Anything.") }).describe("A cluster.") },
  references: [],
});

/** The whole way of a ResourceSet: store, API pipeline, engine and cluster engine, with clusters by name. */
export interface SetPlane extends AsyncDisposable {
  readonly plane: TestPlane;
  readonly controlPlaneId: string;
  /** Another process; without any, nothing is reconciled. */
  startReplica(options?: { readonly leaseMs?: number; readonly log?: Logger }): Promise<SetReplica>;
  create(name: string, objects: readonly object[], spec?: Partial<ResourceSet["spec"]>, metadata?: object): Promise<ResourceSet>;
  /** Replaces what is wanted; retries when a reconciler wrote in between. */
  change(name: string, change: (set: ResourceSet) => Partial<ResourceSet["spec"]>): Promise<ResourceSet>;
  get(name: string): Promise<ResourceSet | undefined>;
  delete(name: string): Promise<void>;
  /** Waits until the set says Ready of its present generation. */
  ready(name: string): Promise<ResourceSet>;
  /** Waits for a reason in its Ready condition. */
  reason(name: string, reason: string): Promise<Condition>;
  gone(name: string): Promise<void>;
  inventory(set: ResourceSet): Promise<readonly Entry[]>;
}

export interface SetReplica extends Replica {
  readonly clusters: Clusters;
}

export interface SetPlaneOptions {
  /** Kubeconfigs by the name of the runtime. */
  readonly runtimes: Readonly<Record<string, string>>;
  /** Default true. */
  readonly impersonates?: boolean;
}

const target = (name: string) => ({ apiVersion: resourceSetKind.apiVersion, kind: resourceSetKind.kind, namespace: "default", name });

export async function openSetPlane(options: SetPlaneOptions): Promise<SetPlane> {
  await using stack = new AsyncDisposableStack();
  const plane = stack.use(await openTestPlane({ kinds: [resourceSetKind, runtimeKind], controlled: [resourceSetKind.resource] }));
  const controlPlaneId = `t${systemRandom.suffix(8)}`;
  for (const name of Object.keys(options.runtimes))
    await plane.objects.create({ apiVersion: runtimeKind.apiVersion, kind: runtimeKind.kind, metadata: { name }, spec: {} });
  const get = (name: string): Promise<ResourceSet | undefined> => plane.objects.get<ResourceSet>(target(name));
  const readyCondition = async (name: string): Promise<Condition | undefined> =>
    (await get(name))?.status?.conditions?.find((condition) => condition.type === "Ready") as Condition | undefined;
  const owned = stack.move();
  return {
    plane,
    controlPlaneId,
    get,
    async startReplica({ leaseMs, log } = {}) {
      let enqueue: (keys: readonly string[]) => Promise<void> = async () => {};
      const clusters = createClusters({
        controlPlaneId,
        clock: systemClock,
        random: systemRandom,
        log: log ?? silentLogger,
        onChange: (keys) => enqueue(keys),
      });
      const replica = await plane.startReplica({
        ...(leaseMs === undefined ? {} : { leaseMs }),
        ...(log === undefined ? {} : { log }),
        reconcilers(tools) {
          enqueue = (keys) => tools.store.queue.enqueue(keys.map((key) => ({ queue: resourceSetKind.resource, key, priority: 1, mask: 0, delayMs: 0 })));
          return [
            ...houseReconcilers(tools),
            resourceSetReconciler({
              controlPlaneId,
              digest: (content) => createHmac("sha256", "test").update(content).digest("hex"),
              async clusterFor(runtime) {
                const kubeconfig = options.runtimes[runtime];
                if (kubeconfig === undefined) throw new PlatformError("TP_NOT_FOUND", { message: `the test has no runtime ${runtime}` });
                return clusters.get(runtime, { kubeconfig, uid: runtime, impersonates: options.impersonates ?? true });
              },
            }),
          ];
        },
      });
      return {
        ...replica,
        get engine() {
          return replica.engine;
        },
        clusters,
        async kill() {
          await replica.kill();
          await clusters[Symbol.asyncDispose]();
        },
        async [Symbol.asyncDispose]() {
          await replica[Symbol.asyncDispose]();
          await clusters[Symbol.asyncDispose]();
        },
      };
    },
    create: (name, objects, spec = {}, metadata = {}) =>
      plane.objects.create<ResourceSet>({
        apiVersion: resourceSetKind.apiVersion,
        kind: resourceSetKind.kind,
        metadata: { name, namespace: "default", ...metadata },
        spec: { runtime: "one", objects, ...spec },
      } as unknown as KubeObject),
    async change(name, change) {
      return until(`the change of ${name}`, async () => {
        const set = await get(name);
        return set === undefined ? undefined : plane.objects.commit<ResourceSet>(set, { ...set, spec: { ...set.spec, ...change(set) } });
      });
    },
    delete: (name) => plane.objects.delete(target(name)),
    ready: (name) =>
      until(`${name} to be ready`, async () => {
        const set = await get(name);
        const ready = set?.status?.conditions?.find((condition) => condition.type === "Ready");
        if (ready?.status === "True" && ready.observedGeneration === set?.metadata.generation) return set;
        throw new Error(`it says ${JSON.stringify(ready)} of generation ${set?.metadata.generation}`);
      }),
    reason: (name, reason) =>
      until(`${name} to say ${reason}`, async () => {
        const ready = await readyCondition(name);
        if (ready?.reason === reason) return ready;
        throw new Error(`it says ${JSON.stringify(ready)}`);
      }),
    gone: async (name) => {
      await until(`${name} to go`, async () => {
        const set = await get(name);
        if (set === undefined) return true;
        throw new Error(`it says ${JSON.stringify(set.status?.conditions)}`);
      });
    },
    inventory: async (set) => (await plane.store.inventory.list(set.metadata.uid ?? "")).map(readEntry),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
