// Quotas and `allow` of environments: told when something is written, and held when it is reconciled.
import type { Environment } from "@threeport/module-environment";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemRandom } from "@threeport/platform";
import { isErrorCode, type KubeObject } from "@threeport/resource";
import { configMap, describeWithKubernetes, startApiServer, type TestApiServer } from "@threeport/cluster/testing";
import { until } from "@threeport/engine/testing";
import {
  anywhere,
  definition,
  definitions,
  environment,
  environments,
  instance,
  instances,
  openTestControlPlane,
  runtimes,
  type Kind,
  type TestControlPlane,
} from "@threeport/server/testing";
import type { WorkloadDefinition, WorkloadInstance } from "./index.ts";

const fresh = (prefix: string): string => `${prefix}-${systemRandom.suffix(5)}`;
const app = (cpu: string | undefined, replicas = 1): KubeObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "app" },
  spec: {
    replicas,
    selector: { matchLabels: { app: "app" } },
    template: {
      metadata: { labels: { app: "app" } },
      spec: { containers: [{ name: "main", image: "example.com/app:1", ...(cpu === undefined ? {} : { resources: { requests: { cpu, memory: "1Gi" } } }) }] },
    },
  },
});
const clusterRole = (name: string): KubeObject => ({ apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: { name }, rules: [] });

describeWithKubernetes("quotas and what environments allow", () => {
  let server: TestApiServer;
  let plane: TestControlPlane;
  beforeAll(async () => {
    server = await startApiServer({ controllers: ["namespace", "clusterrole-aggregation"] });
    plane = await openTestControlPlane();
    await plane.addRuntime("one", server.kubeconfig);
    await plane.ready(runtimes, "one");
  });
  afterAll(async () => {
    await plane?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  async function place(spec: object): Promise<string> {
    const name = fresh("env");
    const made = environment(name, "one");
    await plane.create({ ...made, spec: { ...(made["spec"] as object), ...spec } } as KubeObject);
    return name;
  }
  /** A definition of its own, and its instance in the environment, each in a namespace of its own. */
  async function deploy(env: string, objects: readonly KubeObject[], spec: object = {}): Promise<string> {
    const name = fresh("app");
    await plane.create(definition(name, objects));
    await plane.create(instance(name, name, { environment: env, targetNamespace: fresh("ns"), ...spec }));
    return name;
  }
  const granted = (name: string) =>
    until(`${name} to be given what it asks for`, async () => (await plane.get<WorkloadInstance>(instances, name))?.status?.requests);
  const refusal = (write: Promise<unknown>): Promise<Error> =>
    write.then(
      () => Promise.reject(new Error("it was taken")),
      (error: Error) => error,
    );

  /** A change that is refused: why. */
  async function refusedChange<T extends KubeObject>(kind: Kind, name: string, edit: (object: T) => void): Promise<Error> {
    for (;;) {
      const object = await plane.get<T>(kind, name);
      if (object === undefined) throw new Error(`${name} is not there`);
      edit(object);
      const { apiVersion, kind: named } = kind;
      const error = await refusal(plane.client.update({ apiVersion, kind: named, name, namespace: "default" }, object));
      if (!isErrorCode(error, "TP_VERSION_CONFLICT")) return error;
    }
  }

  test("what an environment has no room for is refused when it is written, with the numbers; less is taken", async () => {
    const env = await place({ quota: { workloads: 3, cpu: "2", memory: "4Gi" } });
    const first = await deploy(env, [app("500m", 3)]);
    expect(await granted(first)).toEqual({ cpu: "1500m", memory: "3Gi" });
    const more = await refusal(deploy(env, [app("1")]));
    expect(more.message).toContain(
      `exceeded quota: Environment ${env} has 2 of cpu: 1 is asked for, and 1500m is taken by others. Ask for less, remove something, or have spec.quota of the environment raised`,
    );
    expect(more).toMatchObject({ code: "TP_QUOTA_EXCEEDED" });
    expect((await refusal(deploy(env, [app(undefined)]))).message).toContain(
      `container main of Deployment app must say resources.requests.cpu and resources.requests.memory, which the quota of Environment ${env} counts`,
    );
    const [second, third] = [await deploy(env, [app("500m")]), await deploy(env, [anywhere(configMap("", "settings"))])];
    await granted(second);
    await granted(third);
    expect((await refusal(deploy(env, [anywhere(configMap("", "settings"))]))).message).toContain(
      `Environment ${env} has room for 3 workloads, and 3 are there`,
    );
    await plane.delete(instances, third);
    await plane.gone(instances, third);
    await granted(await deploy(env, [anywhere(configMap("", "settings"))]));
  });

  test("what grows beyond the quota is refused, whichever way; what shrinks or goes on is not, even where the quota was lowered since", async () => {
    const env = await place({ quota: { cpu: "2" } });
    const name = await deploy(env, [app("1")]);
    await granted(name);
    const scaled = await refusedChange<WorkloadInstance>(instances, name, (object) => void (object.spec.replicas = 3));
    expect(scaled.message).toContain("2 of cpu: 3 is asked for, and 0 is taken by others");
    const source = (objects: KubeObject[]) => (object: WorkloadDefinition) =>
      void (object.spec.source = { manifests: { objects: objects as unknown as Record<string, unknown>[] } });
    expect((await refusedChange(definitions, name, source([app("5")]))).message).toContain(
      `exceeded quota: deployment ${name}: Environment ${env} has 2 of cpu: 5 is asked for`,
    );
    await plane.change<Environment>(environments, env, (object) => void (object.spec.quota = { cpu: "100m" }));
    await plane.change<WorkloadInstance>(instances, name, (object) => void (object.spec.restartedAt = "2026-01-01T00:00:00Z"));
    await plane.change<WorkloadDefinition>(definitions, name, source([app("500m")]));
    await until("the smaller wish", async () => (await granted(name)).cpu === "500m");
    expect((await refusedChange(definitions, name, source([app("600m")]))).message).toContain("100m of cpu: 600m is asked for");
  });

  test("a project has its own share, which others do not use up", async () => {
    const env = await place({ quota: { cpu: "3", perProject: { workloads: 1 } } });
    await granted(await deploy(env, [app("1")]));
    expect((await refusal(deploy(env, [app("1")]))).message).toContain(`project default in Environment ${env} has room for 1 workloads, and 1 is there`);
    const project = fresh("project");
    await plane.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: project } });
    const theirs = definition("app", [app("1")]);
    await plane.create({ ...theirs, metadata: { name: "app", namespace: project } });
    await plane.create({ ...instance("app", "app", { environment: env }), metadata: { name: "app", namespace: project } });
    await until("the other project", async () => (await plane.get<WorkloadInstance>(instances, "app", project))?.status?.requests);
  });

  test("of those that come at the same time no more is taken than there is room for; the others wait, say so, and come when there is more", async () => {
    const env = await place({ quota: { cpu: "3" } });
    const names = await Promise.all(Array.from({ length: 6 }, () => fresh("burst")));
    await Promise.all(names.map((name) => plane.create(instance(name, name, { environment: env, targetNamespace: fresh("ns") }))));
    // Nobody could say at admission what they would want: their definitions come later.
    await Promise.all(names.map((name) => plane.create(definition(name, [app("1")])).catch(() => undefined)));
    const states = async () => Promise.all(names.map((name) => plane.get<WorkloadInstance>(instances, name)));
    await until("all to be decided", async () =>
      (await states()).every(
        (each) =>
          each?.status?.requests !== undefined || each?.status?.conditions?.some(({ reason }) => ["QuotaExceeded", "DefinitionNotFound"].includes(reason)),
      ),
    );
    const given = async (): Promise<number> => (await states()).filter((each) => each?.status?.requests !== undefined).length;
    expect(await given()).toBeLessThanOrEqual(3);
    await plane.change<Environment>(environments, env, (object) => void (object.spec.quota = { cpu: "6" }));
    for (const name of names) if ((await plane.get(definitions, name)) === undefined) await plane.create(definition(name, [app("1")]));
    await until("all to have come", async () => (await given()) === 6);
  });

  test("what an environment does not allow is refused when it is written, by name and setting, for each deployment that would get it", async () => {
    const env = await place({});
    const name = fresh("wide");
    const refused = await refusal(deploy(env, [anywhere(configMap("", "settings")), clusterRole(name)]));
    expect(refused.message).toContain(
      `Environment ${env} does not allow this: ClusterRole ${name}: kind: ClusterRole concerns the whole cluster. Leave it out, or add {group: "rbac.authorization.k8s.io", kind: ClusterRole} to spec.allow.kinds of Environment ${env}`,
    );
    const running = await deploy(env, [anywhere(configMap("", "settings"))]);
    const grown = await refusedChange<WorkloadDefinition>(definitions, running, (object) => {
      object.spec.source = { manifests: { objects: [{ ...app("1"), spec: { template: { spec: { hostNetwork: true, containers: [] } } } }] } };
    });
    expect(grown.message).toContain(`deployment ${running}: Environment ${env} does not allow this: Deployment app: spec.template.spec.hostNetwork`);
    await plane.change<Environment>(
      environments,
      env,
      (object) => void (object.spec.allow = { kinds: [{ group: "rbac.authorization.k8s.io", kind: "ClusterRole" }] }),
    );
    await plane.ready(instances, await deploy(env, [clusterRole(name)]));
  });

  test("a quota that is none is refused with its field", async () => {
    const refused = await refusal(place({ quota: { cpu: "much", perProject: { memory: "-1Gi" } } }));
    expect(refused).toMatchObject({ causes: [{ field: "spec.quota.cpu" }, { field: "spec.quota.perProject.memory" }] });
    expect(refused.message).toContain('"much": is not a quantity; write for example 500m, 2 or 64Gi');
  });
});
