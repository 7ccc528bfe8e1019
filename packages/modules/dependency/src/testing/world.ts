// A control plane with one simulated cluster, and what tests of dependencies do with it.
import { until } from "@threeport/engine/testing";
import { systemRandom } from "@threeport/platform";
import type { KubeObject, StoredObject } from "@threeport/resource";
import { environment, instance, instances, openTestControlPlane, runtimes, type Kind, type TestControlPlane } from "@threeport/server/testing";
import { startSimulation, workloadControllers } from "@threeport/sim";

const group = "threeport.io/v1alpha1";
export const dependencies: Kind = { apiVersion: group, kind: "Dependency", namespaced: true };
export const claims: Kind = { apiVersion: group, kind: "DependencyClaim", namespaced: true };
export const fresh = (prefix: string): string => `${prefix}-${systemRandom.suffix(5)}`;

export type Live = StoredObject & { spec: Record<string, unknown>; data?: Record<string, string> };

export interface App {
  readonly resources: object;
  readonly variables: Readonly<Record<string, string>>;
}

export interface World extends AsyncDisposable {
  readonly plane: TestControlPlane;
  /** An environment on the cluster; its name. */
  place(): Promise<string>;
  deploy(name: string, env: string, app: App, spec?: object): Promise<void>;
  remove(name: string): Promise<void>;
  /** What a deployment says of what it waits for, once that holds these words. */
  waits(name: string, words: string): Promise<string>;
  /** An object in the cluster. */
  live(apiVersion: string, kind: string, at: { readonly namespace: string; readonly name: string }): Promise<Live | undefined>;
  /** Variables of the only container of a workload; those from Secrets as the cluster has them. */
  variables(env: string, name: string): Promise<Record<string, string>>;
}

export function definitionOf(name: string, { resources, variables }: App): KubeObject {
  const document = { apiVersion: "score.dev/v1b1", metadata: { name }, containers: { app: { image: "example.com/app:1", variables } }, resources };
  return { apiVersion: group, kind: "WorkloadDefinition", metadata: { name, namespace: "default" }, spec: { source: { score: { document } } } } as KubeObject;
}

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef: { readonly name: string; readonly key: string } };
}

export async function openWorld(): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const simulation = stack.use(await startSimulation({ factor: 20, controllers: workloadControllers }));
  const plane = stack.use(await openTestControlPlane());
  await plane.addRuntime("one", (await simulation.addCluster("one")).kubeconfig);
  await plane.ready(runtimes, "one");
  const live: World["live"] = async (apiVersion, kind, { namespace, name }) =>
    simulation.clusters.get("one")?.objects.get<Live>({ apiVersion, kind, namespace, name });
  const owned = stack.move();
  return {
    plane,
    live,
    async place() {
      const name = fresh("env");
      await plane.create(environment(name, "one"));
      return name;
    },
    async deploy(name, env, app, spec = {}) {
      await plane.create(definitionOf(name, app));
      await plane.create(instance(name, name, { environment: env, ...spec }));
    },
    async remove(name) {
      await plane.delete(instances, name);
      await plane.gone(instances, name);
    },
    waits: (name, words) =>
      until(`${name} to say ${words}`, async () => {
        const { message } = await plane.reason(instances, name, "WaitingForDependency");
        if (message.includes(words)) return message;
        throw new Error(`it says ${message}`);
      }),
    async variables(env, name) {
      const namespace = `default-${env}`;
      const deployment = await live("apps/v1", "Deployment", { namespace, name });
      const { containers } = (deployment?.spec as { template: { spec: { containers: { env?: Variable[] }[] } } }).template.spec;
      const pairs = (containers[0]?.env ?? []).map(async ({ name: key, value = "", valueFrom }): Promise<[string, string]> => {
        if (valueFrom === undefined) return [key, value];
        const secret = await live("v1", "Secret", { namespace, name: valueFrom.secretKeyRef.name });
        return [key, Buffer.from(secret?.data?.[valueFrom.secretKeyRef.key] ?? "", "base64").toString()];
      });
      return Object.fromEntries(await Promise.all(pairs));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
