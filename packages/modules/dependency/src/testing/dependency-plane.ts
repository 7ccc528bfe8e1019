// A control plane with one simulated cluster, and what tests of dependencies do there.
import { systemRandom } from "@threeport/platform";
import type { KubeObject, StoredObject } from "@threeport/resource";
import { environment, instance, openTestControlPlane, runtimes, type Kind, type TestControlPlane } from "@threeport/server/testing";
import { startSimulation, workloadControllers } from "@threeport/sim";

const group = "threeport.io/v1alpha1";
export const dependencies: Kind = { apiVersion: group, kind: "Dependency", namespaced: true };
export const claims: Kind = { apiVersion: group, kind: "DependencyClaim", namespaced: true };

type Live = StoredObject & { readonly spec: Record<string, unknown>; readonly data?: Record<string, string> };

export interface DependencyPlane extends AsyncDisposable {
  readonly plane: TestControlPlane;
  /** An environment with a name of its own. */
  place(spec?: object): Promise<string>;
  /** A workload of one container, and its deployment, of one name. */
  deploy(name: string, env: string, app: { readonly resources: object; readonly variables: Readonly<Record<string, string>> }): Promise<void>;
  profile(name: string, spec: object): Promise<void>;
  /** Changes fields of the spec of a Dependency, once. */
  ask(name: string, spec: object): Promise<unknown>;
  /** An object in the cluster. */
  live(apiVersion: string, kind: string, namespace: string, name: string): Promise<Live | undefined>;
  /** uids of the pods that live in a namespace, by what made them and their place in it. */
  pods(namespace: string, prefix: string): Promise<string[]>;
  /** A value of a Secret in the cluster. */
  secretValue(namespace: string, name: string, key: string): Promise<string>;
}

export const fresh = (prefix: string): string => `${prefix}-${systemRandom.suffix(5)}`;

export async function openDependencyPlane(): Promise<DependencyPlane> {
  await using stack = new AsyncDisposableStack();
  const simulation = stack.use(await startSimulation({ factor: 20, controllers: workloadControllers }));
  const plane = stack.use(await openTestControlPlane());
  await plane.addRuntime("one", (await simulation.addCluster("one")).kubeconfig);
  await plane.ready(runtimes, "one");
  const cluster = simulation.clusters.get("one");
  if (cluster === undefined) throw new Error("the cluster was not added");
  const live: DependencyPlane["live"] = (apiVersion, kind, namespace, name) => cluster.objects.get<Live>({ apiVersion, kind, namespace, name });
  const owned = stack.move();
  return {
    plane,
    async place(spec = {}) {
      const name = fresh("env");
      const made = environment(name, "one");
      await plane.create({ ...made, spec: { ...(made["spec"] as object), ...spec } } as KubeObject);
      return name;
    },
    async deploy(name, env, { resources, variables }) {
      const document = { apiVersion: "score.dev/v1b1", metadata: { name }, containers: { app: { image: "example.com/app:1", variables } }, resources };
      await plane.create({
        apiVersion: group,
        kind: "WorkloadDefinition",
        metadata: { name, namespace: "default" },
        spec: { source: { score: { document } } },
      } as KubeObject);
      await plane.create(instance(name, name, { environment: env }));
    },
    async profile(name, spec) {
      await plane.create({ apiVersion: group, kind: "DependencyProfile", metadata: { name }, spec } as KubeObject);
    },
    ask: (name, spec) => plane.client.patch({ apiVersion: group, kind: "Dependency", namespace: "default", name }, { spec }),
    live,
    async pods(namespace, prefix) {
      const found = await cluster.objects.list<Live>({ apiVersion: "v1", kind: "Pod" }, { namespace });
      return found
        .filter(({ metadata }) => metadata.name.startsWith(`${prefix}-`) && metadata.deletionTimestamp === undefined)
        .map(({ metadata }) => metadata.uid ?? "")
        .toSorted();
    },
    async secretValue(namespace, name, key) {
      return Buffer.from((await live("v1", "Secret", namespace, name))?.data?.[key] ?? "", "base64").toString();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
