import { afterAll, beforeAll, expect, test } from "vitest";
import { systemRandom } from "@threeport/platform";
import type { KubeObject, StoredObject } from "@threeport/resource";
import {
  deployment,
  describeWithKubernetes,
  configMap,
  openFaultProxy,
  runPods,
  startApiServer,
  type FaultProxy,
  type PodRunner,
  type TestApiServer,
} from "@threeport/cluster/testing";
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

describeWithKubernetes("a workload from definition to pods", () => {
  let server: TestApiServer;
  let proxy: FaultProxy;
  let pods: PodRunner;
  let plane: TestControlPlane;
  beforeAll(async () => {
    server = await startApiServer({ controllers: ["deployment", "replicaset", "serviceaccount", "garbagecollector", "namespace", "clusterrole-aggregation"] });
    proxy = await openFaultProxy(server);
    pods = runPods(server.client);
    plane = await openTestControlPlane();
    await plane.addRuntime("one", proxy.kubeconfig);
    await plane.ready(runtimes, "one");
    await plane.create(environment("dev", "one"));
  });
  afterAll(async () => {
    await plane?.[Symbol.asyncDispose]();
    await pods?.[Symbol.asyncDispose]();
    await proxy?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  const fresh = (prefix: string): string => `${prefix}-${systemRandom.suffix(5)}`;
  const app = (name: string, image: string): KubeObject => anywhere(deployment("", name, { image, replicas: 2 }));
  const liveImage = async (name: string): Promise<string | undefined> => {
    const found = await server.client.get<StoredObject>({ apiVersion: "apps/v1", kind: "Deployment", namespace: "default-dev", name }).catch(() => undefined);
    return (found?.["spec"] as { template: { spec: { containers: { image: string }[] } } } | undefined)?.template.spec.containers[0]?.image;
  };

  test(
    "§5.8: Ready never says yes early: a new generation is Ready only when its pods are, and until then everything says Reconciling",
    { timeout: 90_000 },
    async () => {
      const name = fresh("web");
      await plane.create(definition(name, [app(name, "example.com/app:1")]));
      await plane.create(instance(name, name));
      const first = await plane.ready<WorkloadInstance>(instances, name);
      expect(first.status).toMatchObject({ release: `${name}-1`, targetNamespace: "default-dev", resourceSet: name, objects: "1/1" });
      await plane.ready(definitions, name);

      const isNew = (pod: StoredObject): boolean => JSON.stringify(pod["spec"]).includes("app:2");
      await pods.holdBack(isNew);
      const early: string[] = [];
      const looking = new AbortController();
      const changed = await plane.change<WorkloadDefinition & StoredObject>(definitions, name, (object) => {
        (object.spec.source as { manifests: { objects: unknown[] } }).manifests.objects = [app(name, "example.com/app:2")];
      });
      // Every state that a watcher could see, from the change on.
      const watchers = [
        {
          plural: "workloaddefinitions",
          from: changed.metadata.resourceVersion,
          speaksOfNew: (object: KubeObject) => conditionOf(object, "Ready")?.observedGeneration === 2,
        },
        {
          plural: "workloadinstances",
          from: changed.metadata.resourceVersion,
          speaksOfNew: (object: KubeObject) => (object as unknown as WorkloadInstance).status?.release === `${name}-2`,
        },
        {
          plural: "resourcesets",
          from: changed.metadata.resourceVersion,
          speaksOfNew: (object: KubeObject) =>
            conditionOf(object, "Ready")?.observedGeneration === object.metadata.generation && JSON.stringify(object["spec"]).includes("app:2"),
        },
      ].map(async ({ plural, from, speaksOfNew }) => {
        const path = `/apis/${group}/namespaces/default/${plural}`;
        for await (const event of plane.client.watch<StoredObject>(path, {
          resourceVersion: from,
          fieldSelector: `metadata.name=${name}`,
          signal: looking.signal,
        })) {
          if (conditionOf(event.object, "Ready")?.status === "True" && speaksOfNew(event.object))
            early.push(`${plural} at ${event.object.metadata.resourceVersion}`);
        }
      });
      const ended = Promise.allSettled(watchers);
      await until("the new pods to wait", async () =>
        (await server.client.list<StoredObject>({ apiVersion: "v1", kind: "Pod", namespace: "default-dev" })).items.some(isNew),
      );
      const rolling = await until("the instance to say what it does", async () => {
        const now = await plane.get<WorkloadInstance & StoredObject>(instances, name);
        return now?.status?.release === `${name}-2` && conditionOf(now, "Ready")?.status === "False" ? now : undefined;
      });
      expect(conditionOf(rolling, "Reconciling")?.status).toBe("True");
      await until("the definition to say so too", async () => {
        const now = await plane.get(definitions, name);
        return conditionOf(now, "Ready")?.observedGeneration === 2 && conditionOf(now, "Reconciling")?.status === "True";
      });
      expect(early).toEqual([]);
      await pods.holdBack(() => false);
      await plane.ready(definitions, name);
      const second = await plane.ready<WorkloadInstance>(instances, name);
      expect(second.status?.release).toBe(`${name}-2`);
      looking.abort(new Error("seen enough"));
      await ended;
      const running = (
        await server.client.list<StoredObject>({ apiVersion: "v1", kind: "Pod", namespace: "default-dev" }, { labelSelector: `app=${name}` })
      ).items.filter((pod) => pod.metadata.deletionTimestamp === undefined);
      expect(running.filter(isNew)).toHaveLength(2);
    },
  );

  test(
    "replicas of an instance win over the document, through /scale too, and where nobody could say what is meant it is Stalled",
    { timeout: 60_000 },
    async () => {
      const name = fresh("scaled");
      const scale = `/apis/${group}/namespaces/default/workloadinstances/${name}/scale`;
      const liveReplicas = async (): Promise<number | undefined> => {
        const found = await server.client
          .get<StoredObject>({ apiVersion: "apps/v1", kind: "Deployment", namespace: "default-dev", name })
          .catch(() => undefined);
        return (found?.["spec"] as { replicas?: number } | undefined)?.replicas;
      };
      await plane.create(definition(name, [app(name, "example.com/app:1")]));
      await plane.create(instance(name, name));
      await plane.ready(instances, name);
      expect([await liveReplicas(), ((await plane.client.request(scale)).body as { spec: object }).spec]).toEqual([2, { replicas: 2 }]);
      const headers = { "content-type": "application/merge-patch+json" };
      await plane.client.request(scale, { method: "PATCH", headers, body: { spec: { replicas: 1 } } });
      await until("one pod", async () => (await liveReplicas()) === 1);
      await until("the status to say so", async () => (await plane.get<WorkloadInstance & StoredObject>(instances, name))?.status?.replicas === 1);
      // A second Deployment: the number could be that of either.
      await plane.change<WorkloadDefinition & StoredObject>(definitions, name, (object) => {
        (object.spec.source as { manifests: { objects: unknown[] } }).manifests.objects = [
          app(name, "example.com/app:1"),
          app(`${name}-b`, "example.com/app:1"),
        ];
      });
      const stalled = await until("the instance to be stalled", async () => {
        const now = await plane.get(instances, name);
        return conditionOf(now, "Stalled")?.status === "True" ? now : undefined;
      });
      expect([conditionOf(stalled, "Ready")?.reason, await liveReplicas()]).toEqual(["NotScalable", 1]);
    },
  );

  test("K3: applying the same definition, instance and environment again writes nothing anywhere", async () => {
    const name = fresh("same");
    await plane.create(definition(name, [anywhere(configMap("", name))]));
    await plane.create(instance(name, name));
    await plane.ready(instances, name);
    await plane.ready(definitions, name);
    const kinds = [definitions, instances, resourceSets];
    const before = await Promise.all(kinds.map((kind) => plane.get(kind, name)));
    const writes = proxy.writes.length;
    const again = [definition(name, [anywhere(configMap("", name))]), instance(name, name)];
    for (const object of again) {
      // As kubectl apply does where nothing differs from the last time, and as a pipeline that replaces does.
      await plane.client.patch({ apiVersion: object.apiVersion, kind: object.kind, name, namespace: "default" }, { spec: object["spec"] });
      const current = await plane.get(object.kind === "WorkloadInstance" ? instances : definitions, name);
      await plane.client.update(
        { apiVersion: object.apiVersion, kind: object.kind, name, namespace: "default" },
        { ...object, metadata: { ...object.metadata, resourceVersion: current?.metadata.resourceVersion, finalizers: current?.metadata.finalizers } },
      );
    }
    expect(await Promise.all(kinds.map((kind) => plane.get(kind, name)))).toEqual(before);
    expect(proxy.writes.slice(writes)).toEqual([]);
    const found = await plane.client.list<Release>({ apiVersion: group, kind: "Release", namespace: "default" });
    expect(found.items.filter((release) => release.spec.definition === name)).toHaveLength(1);
  });

  test("a change makes a new release and rolls what follows it; a pinned instance stays where it is, and can be moved by hand", async () => {
    const name = fresh("pin");
    const settings = (value: string): KubeObject[] => [anywhere(configMap("", name, { value }))];
    const liveValue = async (namespace: string): Promise<string | undefined> =>
      (
        (await server.client.get<StoredObject>({ apiVersion: "v1", kind: "ConfigMap", namespace, name }).catch(() => undefined))?.["data"] as
          | { value?: string }
          | undefined
      )?.value;
    await plane.create(definition(name, settings("1")));
    await plane.create(instance(`${name}-follows`, name, { targetNamespace: `${name}-follows` }));
    await plane.create(instance(`${name}-pinned`, name, { targetNamespace: `${name}-pinned`, release: `${name}-1` }));
    await plane.ready(instances, `${name}-follows`);
    await plane.ready(instances, `${name}-pinned`);
    await plane.change<WorkloadDefinition & StoredObject>(definitions, name, (object) => {
      object.spec.source.manifests = { objects: settings("2") as never };
    });
    await until("the follower to move", async () => (await liveValue(`${name}-follows`)) === "2");
    await plane.ready(definitions, name); // does not wait for the pinned one
    expect(await liveValue(`${name}-pinned`)).toBe("1");
    expect((await plane.get<Release>(releases, `${name}-2`))?.spec).toMatchObject({ definition: name, number: 2, definitionGeneration: 2 });
    await plane.change<WorkloadInstance & StoredObject>(instances, `${name}-pinned`, (object) => {
      object.spec.release = "latest";
    });
    await until("the pinned one to move now", async () => (await liveValue(`${name}-pinned`)) === "2");
    await plane.change<WorkloadInstance & StoredObject>(instances, `${name}-follows`, (object) => {
      object.spec.release = `${name}-1`;
    });
    await until("the way back", async () => (await liveValue(`${name}-follows`)) === "1");
    expect((await plane.ready<WorkloadInstance>(instances, `${name}-follows`)).status?.release).toBe(`${name}-1`);
  });

  test(
    "a rollout that can never succeed is told as Stalled with its cause, keeps the old pods, and a better release heals it",
    { timeout: 90_000 },
    async () => {
      const name = fresh("stuck");
      await plane.create(definition(name, [app(name, "example.com/app:1")]));
      await plane.create(instance(name, name, { progressDeadlineSeconds: 2 }));
      await plane.ready(instances, name);
      await pods.holdBack((pod) => JSON.stringify(pod["spec"]).includes("app:broken"));
      await plane.change<WorkloadDefinition & StoredObject>(definitions, name, (object) => {
        object.spec.source.manifests = { objects: [app(name, "example.com/app:broken")] as never };
      });
      const stalled = await until("Stalled", async () => {
        const now = await plane.get<WorkloadInstance & StoredObject>(instances, name);
        return conditionOf(now, "Stalled")?.status === "True" ? now : undefined;
      });
      expect(conditionOf(stalled, "Stalled")?.message).toContain(`Deployment`);
      expect(stalled?.status?.release).toBe(`${name}-2`);
      const kept = (
        await server.client.list<StoredObject>({ apiVersion: "v1", kind: "Pod", namespace: "default-dev" }, { labelSelector: `app=${name}` })
      ).items.filter((pod) => JSON.stringify(pod["spec"]).includes("app:1"));
      expect(kept.length).toBeGreaterThan(0);
      await until("the definition to name the instance", async () => conditionOf(await plane.get(definitions, name), "Stalled")?.reason === "InstanceStalled");
      await plane.change<WorkloadDefinition & StoredObject>(definitions, name, (object) => {
        object.spec.source.manifests = { objects: [app(name, "example.com/app:2")] as never };
      });
      await plane.ready(instances, name);
      await plane.ready(definitions, name);
      expect(await liveImage(name)).toBe("example.com/app:2");
      await pods.holdBack(() => false);
    },
  );

  test("a paused instance keeps what runs and says what waits; resumed, it goes on; asked for new pods, it rolls", { timeout: 60_000 }, async () => {
    const name = fresh("paused");
    const steer = (change: Partial<WorkloadInstance["spec"]>) =>
      plane.change<WorkloadInstance & StoredObject>(instances, name, (object) => void Object.assign(object.spec, change));
    await plane.create(definition(name, [app(name, "example.com/app:1")]));
    await plane.create(instance(name, name, { paused: true }));
    expect((await plane.reason(instances, name, "Paused")).message).toContain("before anything was deployed");
    await steer({ paused: false });
    await plane.ready(instances, name);
    await steer({ paused: true });
    await until("it says so", async () => /paused; tptctl resume/.test(conditionOf(await plane.get(instances, name), "Ready")?.message ?? ""));
    await plane.change<WorkloadDefinition & StoredObject>(definitions, name, (object) => {
      object.spec.source.manifests = { objects: [app(name, "example.com/app:2")] as never };
    });
    expect((await plane.reason(instances, name, "Paused")).message).toContain(`paused at release ${name}-1; release ${name}-2 waits`);
    await plane.reason(definitions, name, "Deploying");
    expect([await liveImage(name), (await plane.get<WorkloadInstance & StoredObject>(instances, name))?.status?.release]).toEqual([
      "example.com/app:1",
      `${name}-1`,
    ]);
    await steer({ paused: false, restartedAt: "2026-01-02T03:04:05Z" });
    expect((await plane.ready<WorkloadInstance>(instances, name)).status?.release).toBe(`${name}-2`);
    const live = await server.client.get<StoredObject>({ apiVersion: "apps/v1", kind: "Deployment", namespace: "default-dev", name });
    expect(live["spec"]).toMatchObject({ template: { metadata: { annotations: { "threeport.io/restarted-at": "2026-01-02T03:04:05Z" } } } });
  });

  test("registries of an environment reach its namespaces and pods; a changed Secret follows, and a missing one is told before anything runs", async () => {
    const name = fresh("private");
    const place = `${name}-dev`;
    const secretOf = (password: string): KubeObject => ({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name, namespace: "default" },
      stringData: { username: "ci", password },
    });
    const live = async (kind: string, object: string): Promise<StoredObject | undefined> =>
      server.client.get<StoredObject>({ apiVersion: kind === "Secret" ? "v1" : "apps/v1", kind, namespace: place, name: object }).catch(() => undefined);
    const password = async (): Promise<string> => {
      const data = (await live("Secret", "threeport-registries"))?.["data"] as Record<string, string> | undefined;
      const config = JSON.parse(Buffer.from(data?.[".dockerconfigjson"] ?? "", "base64").toString() || "{}") as { auths?: Record<string, { auth: string }> };
      return Buffer.from(config.auths?.["ghcr.io"]?.auth ?? "", "base64").toString();
    };
    const spec = { runtime: "one", registries: [{ server: "ghcr.io", secretRef: { namespace: "default", name } }] };
    await plane.create({ ...environment(name, "one"), spec });
    expect((await plane.reason(environments, name, "RegistryCredentialsMissing")).message).toContain(`no Secret ${name} in namespace default`);
    await plane.create(definition(name, [app(name, "ghcr.io/example/app:1")]));
    await plane.create(instance(name, name, { environment: name, targetNamespace: place }));
    await plane.reason(instances, name, "RegistryCredentialsMissing");
    await plane.create(secretOf("one"));
    await plane.ready(environments, name);
    await plane.ready(instances, name);
    expect(await password()).toBe("ci:one");
    expect((await live("Deployment", name))?.["spec"]).toMatchObject({ template: { spec: { imagePullSecrets: [{ name: "threeport-registries" }] } } });
    await plane.change(
      { apiVersion: "v1", kind: "Secret", namespaced: true },
      name,
      (object) => void Object.assign(object, { stringData: { password: "two" } }),
    );
    await until("the new password", async () => (await password()) === "ci:two");
    await plane.change(environments, name, (object) => delete (object["spec"] as { registries?: unknown }).registries);
    await until("the credentials to go", async () => (await live("Secret", "threeport-registries")) === undefined);
  });
});
