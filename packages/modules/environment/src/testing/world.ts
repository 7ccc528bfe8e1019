// A control plane with simulated clusters, whose clock can be set forward, and what tests of environments do with it.
import { until } from "@threeport/engine/testing";
import { systemClock, systemRandom } from "@threeport/platform";
import type { KubeObject, StoredObject } from "@threeport/resource";
import { environments, instance, instances, openTestControlPlane, runtimes, type Kind, type TestControlPlane } from "@threeport/server/testing";
import { startSimulation, workloadControllers } from "@threeport/sim";
import type { Environment } from "../environment-kind.ts";

const group = "threeport.io/v1alpha1";
export const dependencies: Kind = { apiVersion: group, kind: "Dependency", namespaced: true };
export const fresh = (prefix: string): string => `${prefix}-${systemRandom.suffix(5)}`;

export interface World extends AsyncDisposable {
  readonly plane: TestControlPlane;
  /** Sets the clock of the control plane forward. */
  pass(ms: number): void;
  place(spec?: object, metadata?: object): Promise<string>;
  /** Lets its reconciler look at an environment now: its own timer runs by the clock of the database. */
  look(name: string): Promise<void>;
  deploy(name: string, env: string, options?: Deployed): Promise<void>;
  /** An object in a cluster. */
  live(apiVersion: string, kind: string, at: { readonly namespace: string; readonly name: string; readonly cluster?: string }): Promise<Live | undefined>;
}

export type Live = StoredObject & { readonly spec: Record<string, unknown>; readonly data?: Record<string, string> };

export interface Deployed {
  readonly resources?: object;
  readonly variables?: Readonly<Record<string, string>>;
  /** Of the only container. */
  readonly amounts?: object;
  /** More of the instance's spec. */
  readonly spec?: object;
  readonly project?: string;
  /** Name of the instance; as of its definition unless said. */
  readonly as?: string;
}

export function definitionOf(name: string, { resources = {}, variables = {}, amounts, project = "default" }: Deployed): KubeObject {
  const app = { image: "example.com/app:1", variables, ...(amounts === undefined ? {} : { resources: amounts }) };
  const document = { apiVersion: "score.dev/v1b1", metadata: { name }, containers: { app }, resources };
  return { apiVersion: group, kind: "WorkloadDefinition", metadata: { name, namespace: project }, spec: { source: { score: { document } } } } as KubeObject;
}

export function instanceOf(name: string, env: string, { spec = {}, project = "default", as = name }: Deployed): KubeObject {
  const made = instance(as, name, { environment: env, ...spec });
  return { ...made, metadata: { ...made.metadata, namespace: project } };
}

export async function openWorld(clusters: readonly string[] = ["one"]): Promise<World> {
  await using stack = new AsyncDisposableStack();
  let passedMs = 0;
  const simulation = stack.use(await startSimulation({ factor: 20, controllers: workloadControllers }));
  const plane = stack.use(await openTestControlPlane({ clock: { ...systemClock, now: () => systemClock.now() + passedMs } }));
  for (const name of clusters) {
    await plane.addRuntime(name, (await simulation.addCluster(name)).kubeconfig);
    await plane.ready(runtimes, name);
  }
  const owned = stack.move();
  return {
    plane,
    pass: (ms) => void (passedMs += ms),
    async place(spec = {}, metadata = {}) {
      const name = fresh("env");
      await plane.create({ apiVersion: group, kind: "Environment", metadata: { name, ...metadata }, spec: { runtime: "one", ...spec } } as KubeObject);
      return name;
    },
    async look(name) {
      await plane.change<Environment>(environments, name, ({ metadata }) => void (metadata.annotations = { ...metadata.annotations, look: fresh("look") }));
    },
    async deploy(name, env, options = {}) {
      await plane.create(definitionOf(name, options));
      await plane.create(instanceOf(name, env, options));
      if (options.project === undefined) await plane.ready(instances, options.as ?? name);
    },
    live: async (apiVersion, kind, { namespace, name, cluster = "one" }) =>
      simulation.clusters.get(cluster)?.objects.get<Live>({ apiVersion, kind, namespace, name }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** What a write that is refused says. */
export function refusal(write: Promise<unknown>): Promise<Error & { readonly code?: string }> {
  return write.then(
    () => Promise.reject(new Error("it was taken")),
    (error: Error) => error,
  );
}

/** The environment, once it is as wanted. */
export function environmentWhen(plane: TestControlPlane, name: string, wanted: (environment: Environment) => boolean): Promise<Environment> {
  return until(`environment ${name}`, async () => {
    const found = await plane.get<Environment>(environments, name);
    if (found !== undefined && wanted(found)) return found;
    throw new Error(`it is ${JSON.stringify(found)}`);
  });
}
