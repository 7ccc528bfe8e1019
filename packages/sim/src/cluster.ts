import {
  coreKinds,
  coreReconcilers,
  createApiService,
  createObjects,
  createRegistry,
  defaultRoles,
  followDefinitions,
  openAuth,
  type ApiContext,
  type ApiService,
  type Flow,
  type GeneralDocuments,
} from "@threeport/apiserver";
import { definitionsReconciler, gcReconciler, namespaceReconciler, type ObjectReconciler } from "@threeport/engine";
import type { Clock, Logger, Random } from "@threeport/platform";
import type { Objects } from "@threeport/resource";
import { openMemoryStore, workKey, type Change, type ObjectStore } from "@threeport/store";
import { createAdmission } from "./admission/admission.ts";
import type { AutoscalerMemory } from "./autoscaling/memory.ts";
import type { Controller } from "./controller.ts";
import { usualClass } from "./controllers/claims.ts";
import { serviceAccountController } from "./controllers/service-accounts.ts";
import type { ClusterFaults } from "./inside-faults.ts";
import { kubernetesKinds } from "./kinds/kubernetes-kinds.ts";
import { createLogs, type Logs } from "./kubelet/logs.ts";
import { podSubresources } from "./kubelet/pod-subresources.ts";
import { makeNode, type NodeShape } from "./nodes/make-node.ts";
import { createRoom, type Room } from "./nodes/room.ts";
import type { ClusterUsage } from "./usage.ts";
import { createRunner, type Runnable, type Runner } from "./run-controllers.ts";
import type { SimTime } from "./time.ts";

/** A simulated cluster, as its controllers see it. */
export interface SimCluster {
  readonly name: string;
  /** What controllers read and write by, with the same admission as requests. */
  readonly objects: Objects;
  /** Bodies as stored, for who reads much. */
  readonly reader: ObjectStore["reader"];
  readonly time: SimTime;
  /** Seeded by the simulation's seed and the cluster's name. */
  readonly random: Random;
  readonly log: Logger;
  /** What is taken on its nodes. */
  readonly room: Room;
  /** Pods that wait for a ConfigMap or a Secret. */
  readonly unstarted: Set<string>;
  /** What its containers wrote. */
  readonly logs: Logs;
  /** What was asked to go wrong in it. */
  readonly faults: ClusterFaults;
  /** What its pods are said to use, and what autoscalers remember of it, by their keys. */
  readonly usage: ClusterUsage;
  readonly autoscaling: Map<string, AutoscalerMemory>;
  /** Has a controller look at a key soon. */
  wake(controller: string, key: string): void;
}

export interface OpenCluster extends SimCluster, AsyncDisposable {
  /** Of a member of `system:masters`. */
  readonly token: string;
  readonly serve: ApiService["serve"];
}

export interface ClusterOptions {
  readonly name: string;
  readonly time: SimTime;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: Random;
  readonly controllers: readonly Controller[];
  readonly nodes: readonly NodeShape[];
  readonly faults: ClusterFaults;
  readonly usage: ClusterUsage;
  /** `v1.36.4`: what `/version` says. */
  readonly gitVersion: string;
  /** What all clusters share: limits of the process, and documents of the built-in kinds. */
  readonly shared: { readonly flow: Flow; readonly documents: GeneralDocuments };
}

/** What discovery tells of beside kinds, the same in all clusters. */
export const offeredSubresources = podSubresources(() => {
  throw new Error("what is only told of is not called");
});

/** Every kind that a new cluster serves. Made once: kinds never change. */
export function builtInKinds() {
  return [...coreKinds, ...kubernetesKinds()];
}

const bodyBytesMax = 3 * 1024 * 1024;
/** Who controllers are, and what they manage fields as. */
const controllerUser = { user: { name: "system:kube-controller-manager", groups: ["system:masters"] }, author: { priority: 1, fence: undefined } } as const;
const controllerManager = "kube-controller-manager";
const firstNamespaces = ["default", "kube-system", "kube-public", "kube-node-lease"];

export async function openCluster(options: ClusterOptions): Promise<OpenCluster> {
  const { name, time, random, log, shared } = options;
  await using stack = new AsyncDisposableStack();
  const clock: Clock = { ...options.clock, now: () => time.now() };
  let runner: Runner | undefined;
  const admission = createAdmission();
  const onChange = (change: Change): void => {
    const counted = admission.onChange(change);
    runner?.onChange(change);
    if (counted !== undefined) runner?.wake("resource-quotas", workKey(counted, ""));
  };
  const store = stack.use(await openMemoryStore({ clock, log, onChange, onWork: ({ queue, key }) => runner?.wake(queue, key) }));
  const auth = stack.use(await openAuth({ store, clock, random, log, issuer: "https://kubernetes.default.svc.cluster.local" }));
  const registry = createRegistry(builtInKinds());
  const builtInRevision = registry.revision;
  const definitions = stack.use(await followDefinitions({ registry, store, clock, log }));
  const { garbage, namespaces, definitions: judging } = coreReconcilers({ registry, store });
  const own: readonly ObjectReconciler[] = [gcReconciler(garbage), namespaceReconciler(namespaces), definitionsReconciler(judging)];
  const controlled = new Set(own.map(({ queue }) => queue));
  const context: ApiContext = {
    registry,
    store,
    clock,
    random,
    log,
    authorizer: auth.authorizer,
    controlled: (resource) => controlled.has(resource),
    catchUp: definitions.catchUp,
    admit: (write) => admission.admit(objects, write),
  };
  const objects = createObjects(context, controllerUser, controllerManager);
  const stopping = new AbortController();
  const cluster: SimCluster = {
    name,
    objects,
    reader: store.reader,
    time,
    random,
    log,
    room: createRoom(),
    unstarted: new Set(),
    logs: createLogs(),
    faults: options.faults,
    usage: options.usage,
    autoscaling: new Map(),
    wake: (controller, key) => runner?.wake(controller, key),
  };
  const running = createRunner(
    [
      ...own.map((reconciler) => asRunnable(reconciler, { objects, clock, signal: stopping.signal })),
      ...[serviceAccountController, ...options.controllers].map((controller) => ({
        name: controller.name,
        watches: controller.watches,
        run: (key: Parameters<Runnable["run"]>[0]) => controller.reconcile(cluster, key),
      })),
    ],
    { time, log },
  );
  runner = running;
  stack.defer(() => {
    stopping.abort();
    running.stop();
  });
  for (const namespace of firstNamespaces) await objects.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  for (const [index, node] of options.nodes.entries()) await makeNode(objects, node, { nowMs: time.now(), number: index + 1, gitVersion: options.gitVersion });
  if (options.nodes.length > 0) await objects.create(usualClass);
  await auth.keepRoles(objects, defaultRoles(registry.all(), offeredSubresources));
  const token = Buffer.from(random.bytes(24)).toString("base64url");
  await store.credentials.put(token, { name: "kubernetes-admin", groups: ["system:masters"] });
  const service = stack.use(
    createApiService(
      {
        context,
        authenticate: auth.authenticate,
        computed: auth.computed,
        subresources: podSubresources(() => cluster),
        documents: auth.documents,
        ready: async () => ({ ok: true, text: "ok" }),
        metrics: async () => "",
        version: { gitVersion: options.gitVersion },
      },
      { flow: shared.flow, bodyBytesMax, sharedDocuments: () => (registry.revision === builtInRevision ? shared.documents : undefined) },
    ),
  );
  const owned = stack.move();
  return { ...cluster, token, serve: service.serve, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function asRunnable(reconciler: ObjectReconciler, context: Parameters<ObjectReconciler["reconcile"]>[1]): Runnable {
  return {
    name: reconciler.queue,
    watches: [],
    async run(key) {
      const { recheckAfterMs } = await reconciler.reconcile(key, context);
      return recheckAfterMs === undefined ? undefined : { afterMs: recheckAfterMs };
    },
  };
}
