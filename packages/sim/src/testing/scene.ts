import type { KubeObject, StoredObject } from "@threeport/resource";
import { workloadControllers } from "../controllers/index.ts";
import { fieldsOf } from "../controllers/owned.ts";
import type { NodeShape } from "../nodes/make-node.ts";
import { startSimulation, type SimulatedCluster, type Simulation } from "../simulation.ts";

/** One cluster with everything that it does by itself, and time that goes when it is told. */
export interface Scene extends AsyncDisposable {
  readonly simulation: Simulation;
  readonly cluster: SimulatedCluster;
  create(object: KubeObject): Promise<StoredObject>;
  get(kind: string, name: string): Promise<StoredObject | undefined>;
  events(reason: string): Promise<readonly StoredObject[]>;
  pods(): Promise<readonly StoredObject[]>;
  change(kind: string, name: string, spec: object): Promise<void>;
  seconds(count: number): Promise<void>;
}

const groups: Readonly<Record<string, string>> = {
  Deployment: "apps/v1",
  StatefulSet: "apps/v1",
  DaemonSet: "apps/v1",
  ReplicaSet: "apps/v1",
  Job: "batch/v1",
  EndpointSlice: "discovery.k8s.io/v1",
};

export interface SceneOptions {
  readonly seed?: string;
  readonly nodes?: readonly NodeShape[];
}

export async function openScene(options: string | SceneOptions = {}): Promise<Scene> {
  const { seed = "a", nodes } = typeof options === "string" ? { seed: options } : options;
  const simulation = await startSimulation({ startMs: Date.parse("2026-01-01T00:00:00Z"), seed, controllers: workloadControllers });
  const cluster = await simulation.addCluster("one", nodes === undefined ? {} : { nodes });
  const target = (kind: string, name: string) => ({ apiVersion: groups[kind] ?? "v1", kind, namespace: "default", name });
  await simulation.time.settle();
  return {
    simulation,
    cluster,
    create: (object) => cluster.objects.create(object),
    get: (kind, name) => cluster.objects.get(target(kind, name)),
    events: async (reason) => (await cluster.objects.list({ apiVersion: "v1", kind: "Event" })).filter((event) => event["reason"] === reason),
    pods: () => cluster.objects.list({ apiVersion: "v1", kind: "Pod" }, { namespace: "default" }),
    async change(kind, name, spec) {
      const found = await cluster.objects.get(target(kind, name));
      if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
      await cluster.objects.commit<StoredObject>(found, { ...found, spec: { ...fieldsOf(found["spec"]), ...spec } });
    },
    seconds: (count) => simulation.time.advance(count * 1_000),
    [Symbol.asyncDispose]: () => simulation[Symbol.asyncDispose](),
  };
}

export const template = (app: string, image = "example.com/app:1", pod: object = {}) => ({
  metadata: { labels: { app } },
  spec: { ...pod, containers: [{ name: "main", image }] },
});
export const workload = (kind: string, name: string, spec: object): KubeObject => ({
  apiVersion: groups[kind] ?? "v1",
  kind,
  metadata: { name, namespace: "default" },
  spec,
});
export const deployment = (name: string, spec: object = {}, image?: string) =>
  workload("Deployment", name, { replicas: 3, selector: { matchLabels: { app: name } }, template: template(name, image), ...spec });
