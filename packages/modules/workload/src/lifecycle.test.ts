import type { Environment } from "@threeport/module-environment";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemRandom } from "@threeport/platform";
import { isErrorCode, type KubeObject, type StoredObject } from "@threeport/resource";
import { configMap, describeWithKubernetes, openFaultProxy, startApiServer, type FaultProxy, type TestApiServer } from "@threeport/cluster/testing";
import { until } from "@threeport/engine/testing";
import {
  anywhere,
  conditionOf,
  definition,
  definitions,
  environment,
  environments,
  instance,
  instances,
  openTestControlPlane,
  releases,
  resourceSets,
  runtimes,
  type TestControlPlane,
} from "@threeport/server/testing";
import type { Release, WorkloadDefinition, WorkloadInstance } from "./index.ts";

const group = "threeport.io/v1alpha1";

describeWithKubernetes("workloads come, share, and go", () => {
  let server: TestApiServer;
  let proxy: FaultProxy;
  let plane: TestControlPlane;
  beforeAll(async () => {
    server = await startApiServer({ controllers: ["namespace", "clusterrole-aggregation"] });
    proxy = await openFaultProxy(server);
    plane = await openTestControlPlane();
    await plane.addRuntime("one", server.kubeconfig);
    await plane.ready(runtimes, "one");
    await plane.create(environment("dev", "one"));
  });
  afterAll(async () => {
    await plane?.[Symbol.asyncDispose]();
    await proxy?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  const fresh = (prefix: string): string => `${prefix}-${systemRandom.suffix(5)}`;
  const settings = (name: string, value = "1"): KubeObject => anywhere(configMap("", name, { value }));
  async function live(kind: string, name: string, namespace?: string): Promise<StoredObject | undefined> {
    return server.client.get<StoredObject>({ apiVersion: "v1", kind, name, ...(namespace === undefined ? {} : { namespace }) }).catch((error: unknown) => {
      if (isErrorCode(error, "TP_NOT_FOUND")) return undefined;
      throw error;
    });
  }

  test(
    "two workloads of one project share their environment's namespace: it stays with the first to go, and goes with the last",
    { timeout: 90_000 },
    async () => {
      const env = fresh("env");
      const namespace = `default-${env}`;
      await plane.create(environment(env, "one"));
      const [first, second] = [fresh("first"), fresh("second")];
      for (const name of [first, second]) {
        await plane.create(definition(name, [settings(name)]));
        await plane.create(instance(name, name, { environment: env }));
      }
      await plane.ready(instances, first);
      await plane.ready(instances, second);
      const shared = await live("Namespace", namespace);
      expect(shared?.metadata.labels).toMatchObject({ "threeport.io/project": "default", "threeport.io/environment": env });
      // Also by the propagation that tools ask for when they want everything below gone first.
      await plane.client.delete({ apiVersion: group, kind: "WorkloadInstance", namespace: "default", name: first }, { propagationPolicy: "Foreground" });
      await plane.gone(instances, first);
      await until("its object to go", async () => (await live("ConfigMap", first, namespace)) === undefined);
      expect((await live("Namespace", namespace))?.metadata).toMatchObject({ uid: shared?.metadata.uid });
      expect((await live("Namespace", namespace))?.metadata.deletionTimestamp).toBeUndefined();
      expect(await live("ConfigMap", second, namespace)).toBeDefined();
      await plane.ready(instances, second);
      await plane.delete(instances, second);
      await plane.gone(instances, second);
      await until("the namespace to be asked to go", async () => {
        const now = await live("Namespace", namespace);
        return now === undefined || now.metadata.deletionTimestamp !== undefined;
      });
      // Deployed again while the namespace is still going: it waits for that, and comes.
      await plane.create(instance(second, second, { environment: env }));
      await plane.ready(instances, second);
      expect((await live("Namespace", namespace))?.metadata.uid).not.toBe(shared?.metadata.uid);
    },
  );

  test("§5.7: a definition in use accepts deletion, stays and names its users; it goes with the last of them", async () => {
    const name = fresh("used");
    await plane.create(definition(name, [settings(name)]));
    await plane.create(instance(`${name}-a`, name, { targetNamespace: `${name}-a` }));
    await plane.create(instance(`${name}-b`, name, { targetNamespace: `${name}-b` }));
    await plane.ready(instances, `${name}-a`);
    await plane.ready(instances, `${name}-b`);
    await plane.delete(definitions, name);
    const told = await plane.reason(definitions, name, "InUse");
    expect(told.message).toContain(`${name}-a, ${name}-b`);
    await expect(plane.create(instance(`${name}-c`, name)), "K6: nothing new refers to it").rejects.toMatchObject({ code: "TP_INVALID" });
    await plane.delete(instances, `${name}-a`);
    await plane.gone(instances, `${name}-a`);
    await until("the message to follow", async () => conditionOf(await plane.get(definitions, name), "Ready")?.message?.includes(`${name}-a`) === false);
    expect(await live("ConfigMap", name, `${name}-b`), "what runs, runs on").toBeDefined();
    await plane.delete(instances, `${name}-b`);
    await plane.gone(definitions, name);
    await until("its releases to go with it", async () => (await plane.get(releases, `${name}-1`)) === undefined);
  });

  test("§5.7: an environment in use and its runtime are kept: 409 that names the users", async () => {
    const name = fresh("held");
    const env = fresh("env");
    await plane.create(environment(env, "one"));
    await plane.create(definition(name, [settings(name)]));
    await plane.create(instance(name, name, { environment: env }));
    await plane.ready(instances, name);
    await expect(plane.delete(environments, env)).rejects.toMatchObject({
      message: expect.stringContaining(`workloadinstances.threeport.io/default/${name}`),
      detail: { httpStatus: 409 },
    });
    await expect(plane.delete(runtimes, "one")).rejects.toMatchObject({ message: expect.stringContaining("is in use by"), detail: { httpStatus: 409 } });
    expect((await plane.get(runtimes, "one"))?.metadata.deletionTimestamp).toBeUndefined();
    await plane.delete(instances, name);
    await plane.gone(instances, name);
    await plane.delete(environments, env);
    await plane.gone(environments, env);
  });

  test("§5.6: what is deployed stays on its runtime when the environment moves to another; what is deployed later goes there", async () => {
    const env = fresh("env");
    const [stays, moves] = [fresh("stays"), fresh("moves")];
    const other = fresh("two");
    await plane.addRuntime(other, proxy.kubeconfig);
    await plane.create(environment(env, "one"));
    for (const name of [stays, moves]) await plane.create(definition(name, [settings(name)]));
    await plane.create(instance(stays, stays, { environment: env }));
    await plane.ready(instances, stays);
    await plane.change(environments, env, (object) => {
      (object["spec"] as { runtime: string }).runtime = other;
    });
    await plane.change<WorkloadDefinition & StoredObject>(definitions, stays, (object) => {
      object.spec.source.manifests = { objects: [settings(stays, "2")] as never };
    });
    await until(
      "the change to arrive",
      async () => ((await live("ConfigMap", stays, `default-${env}`))?.["data"] as { value?: string } | undefined)?.value === "2",
    );
    const bound = await plane.ready<WorkloadInstance & StoredObject>(instances, stays);
    expect(bound.spec.runtime).toBe("one");
    // A manifest that says nothing of the runtime does not unbind it; one that says another is refused.
    await plane.client.update(
      { apiVersion: group, kind: "WorkloadInstance", namespace: "default", name: stays },
      { ...instance(stays, stays, { environment: env }), metadata: { ...bound.metadata } },
    );
    expect((await plane.get<WorkloadInstance>(instances, stays))?.spec.runtime).toBe("one");
    await expect(
      plane.client.patch({ apiVersion: group, kind: "WorkloadInstance", namespace: "default", name: stays }, { spec: { runtime: other } }),
    ).rejects.toMatchObject({ code: "TP_INVALID" });
    await plane.create(instance(moves, moves, { environment: env, targetNamespace: `${moves}-elsewhere` }));
    await until("the new one to be bound", async () => (await plane.get<WorkloadInstance>(instances, moves))?.spec.runtime === other);
    for (const name of [stays, moves]) {
      await plane.delete(instances, name);
      await plane.gone(instances, name);
    }
  });

  test("§6: the newest 20 releases are kept, and those in use however old", { timeout: 90_000 }, async () => {
    const name = fresh("many");
    await plane.create(definition(name, [settings(name, "1")]));
    await plane.create(instance(name, name, { release: `${name}-1`, targetNamespace: name }));
    await plane.ready(instances, name);
    for (let generation = 2; generation <= 25; generation++) {
      await plane.change<WorkloadDefinition & StoredObject>(definitions, name, (object) => {
        object.spec.source.manifests = { objects: [settings(name, String(generation))] as never };
      });
      await until(`release ${generation}`, async () => (await plane.get<WorkloadDefinition>(definitions, name))?.status?.observedGeneration === generation);
    }
    await plane.ready(definitions, name);
    const kept = (await plane.client.list<Release>({ apiVersion: group, kind: "Release", namespace: "default" })).items
      .filter((release) => release.spec.definition === name)
      .map((release) => release.spec.number);
    expect(kept.toSorted((a, b) => a - b)).toEqual([1, ...Array.from({ length: 20 }, (_, index) => index + 6)]);
    // The oldest can still be rolled back to: its documents are there.
    expect(((await live("ConfigMap", name, name))?.["data"] as { value?: string } | undefined)?.value).toBe("1");
  });

  test("C5: names that do not fit a namespace or a label are cut and stay distinct; the objects are found by their own names", async () => {
    const long = `${"long-name-".repeat(9)}${systemRandom.suffix(5)}`; // 95 characters
    const env = `${"e".repeat(57)}${systemRandom.suffix(5)}`;
    await plane.create(environment(env, "one"));
    await plane.create(definition(long, [settings("settings")]));
    await plane.create(instance(long, long, { environment: env }));
    const ready = await plane.ready<WorkloadInstance>(instances, long);
    const namespace = ready.status?.targetNamespace ?? "";
    expect(namespace.length).toBeLessThanOrEqual(63);
    expect(namespace.startsWith("default-eeee")).toBe(true);
    const found = await live("ConfigMap", "settings", namespace);
    for (const label of ["app.kubernetes.io/name", "app.kubernetes.io/instance"]) {
      expect(found?.metadata.labels?.[label]).toMatch(/^long-name-.{1,53}$/);
      expect(found?.metadata.labels?.[label]?.length).toBeLessThanOrEqual(63);
    }
    await expect(plane.create(definition("d".repeat(245), [settings("settings")]))).rejects.toMatchObject({
      code: "TP_INVALID",
      causes: [{ field: "metadata.name" }],
    });
    await plane.create(definition(`${"d".repeat(230)}.${systemRandom.suffix(5)}`, [settings("settings")]));
    await plane.ready(
      definitions,
      (await plane.client.list<StoredObject>({ apiVersion: group, kind: "WorkloadDefinition", namespace: "default" })).items.find(
        (object) => object.metadata.name.length === 236,
      )?.metadata.name ?? "",
    );
    await plane.delete(instances, long);
    await plane.gone(instances, long);
  });

  test("S7: the values of a definition's Secrets reach the cluster and nobody else; an older release still has its own", async () => {
    const [name, env] = [fresh("secret"), fresh("env")];
    const secret = (value: string): KubeObject => ({ apiVersion: "v1", kind: "Secret", metadata: { name }, stringData: { password: value } });
    const inCluster = async (): Promise<string> => {
      const data = (await live("Secret", name, `default-${env}`))?.["data"] as Record<string, string> | undefined;
      return Buffer.from(data?.["password"] ?? "", "base64").toString();
    };
    await plane.create(environment(env, "one"));
    await plane.create(definition(name, [secret("canary-one")]));
    await plane.create(instance(name, name, { environment: env }));
    await plane.ready(instances, name);
    expect(await inCluster()).toBe("canary-one");
    await plane.change<WorkloadDefinition & StoredObject>(definitions, name, (object) => {
      object.spec.source = { manifests: { objects: [secret("canary-two") as unknown as Record<string, unknown>] } };
    });
    await until("the new value", async () => (await inCluster()) === "canary-two");
    const seen = JSON.stringify([await plane.get(definitions, name), await plane.get(resourceSets, name), await plane.get(releases, `${name}-1`)]);
    expect(seen).toContain("threeport.io/secret-value:hmac-sha256:");
    expect(seen).not.toContain("canary");
    const before = (await plane.get(definitions, name))?.metadata.generation;
    await plane.change(definitions, name, () => {}); // reads the marks and writes them back
    expect((await plane.get(definitions, name))?.metadata.generation).toBe(before);
    await plane.change<WorkloadInstance & StoredObject>(instances, name, (object) => {
      object.spec.release = `${name}-1`;
    });
    await until("the old value", async () => (await inCluster()) === "canary-one");
    await plane.delete(instances, name);
    await plane.gone(instances, name);
  });

  test("P3: a workload keeps to its namespace; what its environment allows beyond that is applied as soon as it says so", async () => {
    const [name, env] = [fresh("wide"), fresh("env")];
    const namespace = `default-${env}`;
    const role: KubeObject = {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name },
      rules: [{ apiGroups: [""], resources: ["nodes"], verbs: ["get"] }],
    };
    await plane.create(definition(name, [settings(name), role]));
    await plane.create(instance(name, name, { environment: env }));
    await plane.create(environment(env, "one")); // after what is deployed there, so that nobody could say when it was written
    const told = await plane.reason(instances, name, "NotAllowed");
    expect(told.message).toContain(`ClusterRole ${name} was not applied: kind: ClusterRole concerns the whole cluster`);
    expect(told.message).toContain(`to spec.allow.kinds of Environment ${env}`);
    expect(await live("ConfigMap", name, namespace), "the rest is there").toBeDefined();
    expect((await live("Namespace", namespace))?.metadata.labels).toMatchObject({ "pod-security.kubernetes.io/enforce": "baseline" });
    expect(await live("ServiceAccount", "threeport-deployer", namespace)).toBeDefined();
    await plane.change<Environment & StoredObject>(environments, env, (object) => {
      object.spec.allow = { kinds: [{ group: "rbac.authorization.k8s.io", kind: "ClusterRole" }], podSecurity: "privileged" };
    });
    await plane.ready(instances, name);
    await until("the namespace to follow", async () => {
      const labels = (await live("Namespace", namespace))?.metadata.labels;
      return labels?.["pod-security.kubernetes.io/enforce"] === "privileged";
    });
    await plane.delete(instances, name);
    await plane.gone(instances, name);
  });

  test("P3: a namespace that was in the cluster before is nobody's own, unless the environment allows it", async () => {
    const [name, env, namespace] = [fresh("squat"), fresh("env"), fresh("before")];
    await server.client.create({ apiVersion: "v1", kind: "Namespace" }, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    await plane.create(environment(env, "one"));
    await plane.create(definition(name, [settings(name)]));
    await plane.create(instance(name, name, { environment: env, targetNamespace: namespace }));
    const told = await plane.reason(instances, name, "OwnedByAnother");
    expect(told.message).toContain(`let operations add ${namespace} to spec.allow.namespaces of Environment ${env}`);
    expect(await live("ServiceAccount", "threeport-deployer", namespace), "nothing is put into it").toBeUndefined();
    expect(await live("ConfigMap", name, namespace)).toBeUndefined();
    await plane.change<Environment & StoredObject>(environments, env, (object) => {
      object.spec.allow = { namespaces: [namespace] };
    });
    await plane.ready(instances, name);
    expect(await live("ConfigMap", name, namespace)).toBeDefined();
    await plane.delete(instances, name);
    await plane.gone(instances, name);
    expect((await live("Namespace", namespace))?.metadata.deletionTimestamp, "it was not made by us, so it stays").toBeUndefined();
  });

  test("a runtime goes right after its last workload, and waits for what is still being removed from its cluster", { timeout: 60_000 }, async () => {
    const name = fresh("brief");
    await plane.addRuntime(name, server.kubeconfig);
    await plane.ready(runtimes, name);
    await plane.create(environment(name, name));
    await plane.create(definition(name, [settings(name)]));
    await plane.create(instance(name, name, { environment: name }));
    await plane.ready(instances, name);
    await expect(plane.delete(runtimes, name), "while it is in use").rejects.toMatchObject({ detail: { httpStatus: 409 } });
    await plane.delete(instances, name);
    await plane.gone(instances, name);
    await plane.delete(environments, name);
    await plane.delete(runtimes, name);
    await plane.gone(runtimes, name);
    expect(await plane.get(resourceSets, `namespace-default-${name}.${name}`), "it did not go before its sets").toBeUndefined();
    await until("the namespace to be on its way", async () => {
      const namespace = await live("Namespace", `default-${name}`);
      return namespace === undefined || namespace.metadata.deletionTimestamp !== undefined;
    });
  });

  test("what an instance names and is not there is told, and the instance comes when it is", async () => {
    const name = fresh("early");
    const env = fresh("env");
    await plane.create(instance(name, name, { environment: env }));
    expect((await plane.reason(instances, name, "EnvironmentNotFound")).message).toContain(env);
    await plane.create(environment(env, "one"));
    expect((await plane.reason(instances, name, "DefinitionNotFound")).message).toContain(name);
    await plane.create(definition(name, [settings(name)]));
    await plane.ready(instances, name);
    await plane.change<WorkloadInstance & StoredObject>(instances, name, (object) => {
      object.spec.release = `${name}-99`;
    });
    expect((await plane.reason(instances, name, "ReleaseNotFound")).message).toContain(`${name}-99`);
    const status = (await plane.get<WorkloadInstance>(instances, name))?.status;
    expect(status, "what was deployed before is still there, and still told").toMatchObject({
      release: `${name}-1`,
      resourceSet: name,
      targetNamespace: `default-${env}`,
    });
    expect(await live("ConfigMap", name, `default-${env}`)).toBeDefined();
    await plane.delete(instances, name);
    await plane.gone(instances, name);
  });

  test("a ResourceSet of somebody's own that has an instance's name is left alone", async () => {
    const name = fresh("taken");
    await plane.create({
      apiVersion: group,
      kind: "ResourceSet",
      metadata: { name, namespace: "default" },
      spec: { runtime: "one", objects: [configMap("default", name, { from: "a person" })] },
    } as unknown as KubeObject);
    await plane.ready(resourceSets, name);
    await plane.create(definition(name, [settings(name)]));
    await plane.create(instance(name, name));
    expect((await plane.reason(instances, name, "SetNameTaken")).message).toContain(name);
    await plane.delete(instances, name);
    await plane.gone(instances, name);
    expect((await live("ConfigMap", name, "default"))?.["data"]).toEqual({ from: "a person" });
    await plane.delete(resourceSets, name);
    await plane.gone(resourceSets, name);
  });

  test("§5.7: a project is deleted with everything in it, down to the cluster, although its workloads use each other", { timeout: 90_000 }, async () => {
    const project = fresh("project");
    const within = (object: KubeObject): KubeObject => ({ ...object, metadata: { ...object.metadata, namespace: project } });
    await plane.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: project } });
    // Its own runtime's credentials are in it: they are needed to the end.
    await plane.create({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "kubeconfig", namespace: project },
      stringData: { kubeconfig: server.kubeconfig },
    });
    await plane.create({
      apiVersion: group,
      kind: "KubernetesRuntimeInstance",
      metadata: { name: project },
      spec: { provider: "kubeconfig", kubeconfig: { secretRef: { namespace: project, name: "kubeconfig" } } },
    });
    await plane.ready(runtimes, project);
    await plane.create(environment(project, project));
    await plane.create(within(definition("web", [settings("web")])));
    await plane.create(within(instance("web", "web", { environment: project })));
    await until("the workload", () => live("ConfigMap", "web", `${project}-${project}`));
    await plane.client.delete({ apiVersion: "v1", kind: "Namespace", name: project });
    await until("the project to go", async () => (await plane.get({ apiVersion: "v1", kind: "Namespace", namespaced: false }, project)) === undefined, 40_000);
    await until("the objects to go", async () => (await live("ConfigMap", "web", `${project}-${project}`)) === undefined);
  });
});
