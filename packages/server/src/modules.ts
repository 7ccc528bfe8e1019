import { createClusters, type Cluster, type ClustersOptions, resourceSetKind, resourceSetReconciler } from "@threeport/cluster";
import type { Reconciler } from "@threeport/engine";
import {
  claimReconciler,
  computeMatch,
  computeProfileRendering,
  dependencyAdmission,
  dependencyClaimKind,
  dependencyKind,
  dependencyProfileKind,
  dependencyReconciler,
  keepBuiltInProfiles,
  type WriterRights as SecretRights,
  profileMatchKind,
  profileRenderingKind,
  computeUpdate,
  dependencyRenderingKind,
  type DependencyRendering,
  type ProfileMatch,
  type ProfileRendering,
} from "@threeport/module-dependency";
import { createFetcher, type Fetcher } from "@threeport/client";
import type { Helm } from "@threeport/module-helm";
import { keepBuiltInDefinitions, supportReconciler, supportServiceDefinitionKind, supportServiceInstanceKind } from "@threeport/module-support";
import { clusterFor, runtimeKind, runtimeReconciler, type RuntimeOptions } from "@threeport/module-runtime";
import type { ComputedKinds, Subresource, SubresourceAnswer, SubresourceRequest, Subresources } from "@threeport/apiserver";
import { environmentAdmission, environmentKind, environmentReconciler, type Rights } from "@threeport/module-environment";
import {
  computeRendering,
  copyDeployments,
  definitionReconciler,
  dependencyTree,
  instanceEvents,
  instanceLogs,
  instanceReconciler,
  instanceStream,
  instanceTree,
  instanceWhy,
  releaseKind,
  setInventory,
  workloadAdmission,
  workloadDefinitionKind,
  workloadInstanceKind,
  workloadRenderingKind,
  type InsightOptions,
  type WorkloadRendering,
} from "@threeport/module-workload";
import { PlatformError, type Kind, type KubeObject, type Objects } from "@threeport/resource";
import { workKey, type WorkStore } from "@threeport/store";
import type { Tools } from "./tools.ts";

export interface ModulesInput extends Pick<ClustersOptions, "dial"> {
  readonly controlPlaneId: string;
  readonly tools: Pick<Tools, "clock" | "random" | "log">;
  readonly store: Pick<WorkStore, "queue" | "inventory" | "sealer" | "blobs">;
  /** How runtimes are made, by `spec.provider`. */
  readonly providers: RuntimeOptions["providers"];
  /** Opens addresses that users supply; nothing of this machine and its networks unless said. */
  readonly fetcher?: Fetcher;
  /** Renders charts; without it nothing that is a chart can be deployed. */
  readonly helm?: Helm;
}

/** What the writer of an object may do, as the rules of modules ask it. */
export type WriterRights = SecretRights & Rights;

/** By resource; each throws when an object may not be written in place of what was there before. */
export type AdmissionRules = ReadonlyMap<string, AdmissionRule>;
type AdmissionRule = (object: KubeObject, old: KubeObject | undefined, rights: WriterRights) => Promise<void>;

/** All domains, put together. */
export interface Modules extends AsyncDisposable {
  readonly kinds: readonly Kind[];
  readonly reconcilers: readonly Reconciler[];
  readonly clusterFor: ReturnType<typeof clusterFor>;
  /** What is served beside the verbs: tree and log of instances, inventory of sets. */
  readonly subresources: (objects: Objects) => Subresources;
  /** Rules that writes of people are held to, by resource. */
  readonly admission: (objects: Objects) => AdmissionRules;
  /** Questions that are answered and not kept. */
  readonly computed: (objects: Objects) => ComputedKinds;
  /** Looks at every cluster and every set once: what changed in a cluster while no control plane ran is noticed now, not an hour later. */
  resume(objects: Objects): Promise<void>;
}

/** A question waits this long for a chart that has to be had first. */
const renderingMs = 30_000;

/** Of a digest that only has to differ from the one before. */
const digestLength = 16;

export function assembleModules(input: ModulesInput): Modules {
  const { controlPlaneId, store, tools, providers } = input;
  const { clock, random, log } = tools;
  const clusters = createClusters({
    controlPlaneId,
    clock,
    random,
    log,
    ...(input.dial === undefined ? {} : { dial: input.dial }),
    onChange: (keys) => store.queue.enqueue(keys.map((key) => ({ queue: resourceSetKind.resource, key, priority: 1, mask: 0, delayMs: 0 }))),
  });
  const connect = clusterFor(clusters);
  const helm = input.helm ?? withoutHelm;
  // Without the name of its algorithm, which would be most of it.
  const digest = (content: string): string => store.sealer.digest(content).replace(/^.*:/, "").slice(0, digestLength);
  return {
    kinds: [
      runtimeKind,
      environmentKind,
      supportServiceDefinitionKind,
      supportServiceInstanceKind,
      dependencyProfileKind,
      dependencyKind,
      dependencyClaimKind,
      profileMatchKind,
      profileRenderingKind,
      dependencyRenderingKind,
      workloadDefinitionKind,
      releaseKind,
      workloadInstanceKind,
      workloadRenderingKind,
      resourceSetKind,
    ],
    reconcilers: [
      runtimeReconciler({ controlPlaneId, clusters, providers }),
      resourceSetReconciler({ controlPlaneId, clusterFor: connect, digest: (content) => store.sealer.digest(content) }),
      environmentReconciler({ copyDeployments }),
      supportReconciler({ clusterFor: connect, fetcher: input.fetcher ?? createFetcher(), helm, digest }),
      dependencyReconciler({ digest, helm }),
      claimReconciler(),
      definitionReconciler({ helm }),
      instanceReconciler({ digest, helm }),
    ],
    clusterFor: connect,
    subresources: (objects) =>
      subresourcesOf(
        { objects, inventory: (owner) => store.inventory.list(owner), cluster: (runtime) => reachable(connect, runtime, objects), nowMs: () => clock.now() },
        clock,
      ),
    admission: (objects) =>
      together([
        [environmentKind.resource, environmentAdmission({ objects })],
        ...workloadAdmission({ objects, blobs: store.blobs, digest, helm }),
        ...dependencyAdmission({ objects }),
      ]),
    computed: (objects) =>
      new Map([
        [
          workloadRenderingKind.resource,
          {
            kind: workloadRenderingKind,
            compute: ({ object, namespace }) =>
              computeRendering(object as WorkloadRendering, namespace, { objects }, { digest, helm, signal: AbortSignal.timeout(renderingMs) }),
          },
        ],
        [profileMatchKind.resource, { kind: profileMatchKind, compute: ({ object }) => computeMatch(object as ProfileMatch, { objects }) }],
        [
          dependencyRenderingKind.resource,
          {
            kind: dependencyRenderingKind,
            compute: ({ object, namespace }) =>
              computeUpdate(object as DependencyRendering, namespace, { objects, helm, digest, signal: AbortSignal.timeout(renderingMs) }),
          },
        ],
        [
          profileRenderingKind.resource,
          {
            kind: profileRenderingKind,
            compute: ({ object, namespace }) =>
              computeProfileRendering(object as ProfileRendering, namespace, { objects, helm, signal: AbortSignal.timeout(renderingMs) }),
          },
        ],
      ]),
    async resume(objects) {
      await keepBuiltInDefinitions(objects);
      await keepBuiltInProfiles(objects);
      for (const kind of [runtimeKind, resourceSetKind]) {
        const found = await objects.list(kind);
        const rows = found.map((object) => ({
          queue: kind.resource,
          key: workKey(object.metadata.namespace ?? "", object.metadata.name),
          priority: 2,
          mask: 0,
          delayMs: 0,
        }));
        if (rows.length > 0) await store.queue.enqueue(rows);
      }
    },
    [Symbol.asyncDispose]: () => clusters[Symbol.asyncDispose](),
  };
}

const noHelm = (): Promise<never> => Promise.reject(new PlatformError("TP_TOOL_MISSING", { message: "this control plane has no helm, which renders charts" }));
const withoutHelm: Helm = { pin: noHelm, render: noHelm };

/** Several domains may have a rule for one kind: all of them hold, in this order. */
function together(rules: readonly (readonly [string, AdmissionRule])[]): AdmissionRules {
  const all = new Map<string, AdmissionRule>();
  for (const [resource, rule] of rules) {
    const before = all.get(resource);
    const both: AdmissionRule = async (...write) => {
      await before?.(...write);
      await rule(...write);
    };
    all.set(resource, both);
  }
  return all;
}

function subresourcesOf(options: InsightOptions, clock: Tools["clock"]): Subresources {
  return new Map<string, Subresource>([
    [
      `${workloadInstanceKind.resource}/tree`,
      { verbs: ["get"], answers: "json", serve: async ({ namespace, name }) => ({ kind: "json", value: await instanceTree(options, { namespace, name }) }) },
    ],
    [
      `${dependencyKind.resource}/tree`,
      { verbs: ["get"], answers: "json", serve: async ({ namespace, name }) => ({ kind: "json", value: await dependencyTree(options, { namespace, name }) }) },
    ],
    [
      `${workloadInstanceKind.resource}/why`,
      { verbs: ["get"], answers: "json", serve: async ({ namespace, name }) => ({ kind: "json", value: await instanceWhy(options, { namespace, name }) }) },
    ],
    [
      `${workloadInstanceKind.resource}/events`,
      {
        verbs: ["get"],
        answers: "json",
        serve: async ({ namespace, name, signal }) => ({ kind: "json", value: await instanceEvents(options, { namespace, name, signal }) }),
      },
    ],
    ...(["exec", "portforward"] as const).map((subresource): [string, Subresource] => [
      `${workloadInstanceKind.resource}/${subresource}`,
      { verbs: ["create"], answers: "stream", serve: (request) => streamOf(options, subresource, request) },
    ]),
    [
      `${workloadInstanceKind.resource}/log`,
      {
        verbs: ["get"],
        answers: "text",
        serve: async ({ namespace, name, query, signal }) => ({
          kind: "text",
          pieces: await instanceLogs(
            options,
            {
              namespace,
              name,
              pod: query.text("pod"),
              container: query.text("container"),
              follow: query.flag("follow") === true,
              previous: query.flag("previous") === true,
              tailLines: query.integer("tail"),
              signal,
            },
            clock,
          ),
        }),
      },
    ],
    [
      `${resourceSetKind.resource}/inventory`,
      { verbs: ["get"], answers: "json", serve: async ({ namespace, name }) => ({ kind: "json", value: await setInventory(options, { namespace, name }) }) },
    ],
  ]);
}

/** Parameters that the pod is asked with, as upstream names them. */
const streamParameters = { exec: ["container", "command", "stdin", "stdout", "stderr", "tty"], portforward: ["ports"] } as const;

async function streamOf(options: InsightOptions, subresource: "exec" | "portforward", request: SubresourceRequest): Promise<SubresourceAnswer> {
  const { namespace, name, query, protocols, signal } = request;
  if (protocols.length === 0)
    throw new PlatformError("TP_BAD_REQUEST", {
      message: `${subresource} is a stream: ask for it with a WebSocket that names its subprotocol, such as v5.channel.k8s.io`,
    });
  const passed = Object.fromEntries(streamParameters[subresource].map((key) => [key, query.all(key)]));
  const { socket, protocol } = await instanceStream(options, { namespace, name, pod: query.text("pod"), subresource, query: passed, protocols, signal });
  return { kind: "stream", socket, protocol };
}

/** Undefined while the runtime cannot be used: what is read then is what is known without it. */
async function reachable(connect: ReturnType<typeof clusterFor>, runtime: string, objects: Objects): Promise<Cluster | undefined> {
  try {
    const cluster = await connect(runtime, { objects });
    return cluster === "gone" ? undefined : cluster;
  } catch (error) {
    if (error instanceof PlatformError) return undefined;
    throw error;
  }
}
