import {
  AppsV1Api,
  CoreV1Api,
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  VersionApi,
  Watch,
  type KubernetesObject,
  type V1ConfigMap,
} from "@kubernetes/client-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { kubeconfigOf } from "@threeport/cluster/testing";
import { until } from "@threeport/engine/testing";
import { openTcpProxy } from "../testing/tcp-proxy.ts";
import { openTestControlPlane, type TestControlPlane } from "../testing/test-control-plane.ts";

// Kubernetes' own client for JavaScript, as npm carries it, against our server.

let plane: TestControlPlane;
let config: KubeConfig;
let core: CoreV1Api;
const namespace = "node";

beforeAll(async () => {
  plane = await openTestControlPlane();
  config = new KubeConfig();
  config.loadFromString(kubeconfigOf(plane.connection));
  core = config.makeApiClient(CoreV1Api);
  await core.createNamespace({ body: { metadata: { name: namespace } } });
});
afterAll(async () => {
  await plane?.[Symbol.asyncDispose]();
});

const configMap = (name: string, data: Record<string, string>, labels: Record<string, string> = {}): V1ConfigMap => ({ metadata: { name, labels }, data });

test("a kubeconfig is loaded; objects are created, read, listed in pages, replaced, patched in every way and deleted", async () => {
  expect((await config.makeApiClient(VersionApi).getCode()).minor).toBe("36");
  const made = await core.createNamespacedConfigMap({ namespace, body: configMap("a", { k: "1" }, { app: "x" }) });
  expect(made.metadata?.creationTimestamp).toBeInstanceOf(Date);
  await core.createNamespacedConfigMap({ namespace, body: configMap("b", {}, { app: "x" }) });
  const first = await core.listNamespacedConfigMap({ namespace, labelSelector: "app=x", limit: 1 });
  const second = await core.listNamespacedConfigMap({
    namespace,
    labelSelector: "app=x",
    limit: 1,
    ...(first.metadata?._continue === undefined ? {} : { _continue: first.metadata._continue }),
  });
  expect([first, second].map((page) => page.items.map((item) => item.metadata?.name))).toEqual([["a"], ["b"]]);

  const replaced = await core.replaceNamespacedConfigMap({ namespace, name: "a", body: { ...made, data: { k: "2" } } });
  await expect(core.replaceNamespacedConfigMap({ namespace, name: "a", body: made })).rejects.toMatchObject({ code: 409 });
  expect(replaced.data).toEqual({ k: "2" });
  const patch = (type: string, body: object, manager?: string) =>
    core.patchNamespacedConfigMap(
      { namespace, name: "a", body, ...(manager === undefined ? {} : { fieldManager: manager, force: true }) },
      setHeaderOptions("Content-Type", type),
    );
  expect((await patch(PatchStrategy.JsonPatch, [{ op: "add", path: "/data/json", value: "1" }])).data).toEqual({ k: "2", json: "1" });
  expect((await patch(PatchStrategy.MergePatch, { data: { k: null } })).data).toEqual({ json: "1" });
  expect((await patch(PatchStrategy.StrategicMergePatch, { data: { s: "1" } })).data).toEqual({ json: "1", s: "1" });
  const applied = await patch(PatchStrategy.ServerSideApply, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data: { s: "2" } }, "someone");
  expect([applied.data, applied.metadata?.managedFields?.some((entry) => entry.manager === "someone" && entry.operation === "Apply")]).toEqual([
    { json: "1", s: "2" },
    true,
  ]);

  expect(await core.deleteNamespacedConfigMap({ namespace, name: "a" })).toMatchObject({ status: "Success" });
  await expect(core.readNamespacedConfigMap({ namespace, name: "a" })).rejects.toMatchObject({ code: 404 });
  await core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector: "app=x" });
  expect((await core.listNamespacedConfigMap({ namespace })).items).toEqual([]);
});

test("what is wrong is told with status, reason and field; a group that is not served is not found", async () => {
  const refused = await core
    .createNamespacedConfigMap({ namespace, body: configMap("Not_A_Name", {}) })
    .catch((error: unknown) => error as { code: number; body: string });
  expect(refused).toMatchObject({ code: 422 });
  expect(JSON.parse((refused as { body: string }).body)).toMatchObject({
    kind: "Status",
    reason: "Invalid",
    details: { causes: [{ field: "metadata.name" }] },
  });
  await expect(config.makeApiClient(AppsV1Api).listNamespacedDeployment({ namespace })).rejects.toMatchObject({ code: 404 });
});

test("objects of any kind by apiVersion and kind, those of ours among them", async () => {
  const objects = KubernetesObjectApi.makeApiClient(config);
  const spec = { source: { manifests: { objects: [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" } }] } } };
  const definition: KubernetesObject & { spec: object } = {
    apiVersion: "threeport.io/v1alpha1",
    kind: "WorkloadDefinition",
    metadata: { name: "app", namespace },
    spec,
  };
  const made = await objects.create(definition);
  expect(made.metadata?.uid).toBeDefined();
  await objects.patch(
    { ...definition, metadata: { name: "app", namespace, labels: { tier: "front" } } },
    undefined,
    undefined,
    undefined,
    undefined,
    PatchStrategy.MergePatch,
  );
  const listed = await objects.list("threeport.io/v1alpha1", "WorkloadDefinition", namespace, undefined, undefined, undefined, undefined, "tier=front");
  expect(listed.items.map((item) => item.metadata?.name)).toEqual(["app"]);
  await objects.delete(definition);
});

test("F3: a watch tells of changes, and an informer holds what there is after its connection was cut and after the server was restarted", async () => {
  await using proxy = await openTcpProxy(() => Number(new URL(plane.connection.server).port));
  const through = new KubeConfig();
  through.loadFromString(kubeconfigOf({ ...plane.connection, server: `https://127.0.0.1:${proxy.port}` }));
  const throughCore = through.makeApiClient(CoreV1Api);
  const seen: string[] = [];
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const watching = await new Watch(config).watch(
    path,
    {},
    (type, object: V1ConfigMap) => void seen.push(`${type} ${object.metadata?.name ?? ""}`),
    () => {},
  );
  const informer = makeInformer(through, path, () => throughCore.listNamespacedConfigMap({ namespace }));
  informer.on("error", () => {
    if (!over) setTimeout(() => void informer.start(), 50); // as its users are told to do
  });
  let over = false;
  await informer.start();
  const held = () => Object.fromEntries(informer.list(namespace).map((object) => [object.metadata?.name, object.metadata?.resourceVersion]));
  const agrees = () =>
    until("the informer to hold what there is", async () => {
      const { items } = await core.listNamespacedConfigMap({ namespace });
      expect(held()).toEqual(Object.fromEntries(items.map((item) => [item.metadata?.name, item.metadata?.resourceVersion])));
      return true;
    });
  try {
    await core.createNamespacedConfigMap({ namespace, body: configMap("w1", {}) });
    await core.deleteNamespacedConfigMap({ namespace, name: "w1" });
    await until("the watch to tell", () => seen.length >= 2);
    expect(seen).toEqual(["ADDED w1", "DELETED w1"]);
    watching.abort();
    for (let number = 0; number < 5; number++) await core.createNamespacedConfigMap({ namespace, body: configMap(`i${number}`, {}) });
    await agrees();
    proxy.cut();
    await core.deleteNamespacedConfigMap({ namespace, name: "i0" });
    await core.createNamespacedConfigMap({ namespace, body: configMap("i9", {}) });
    proxy.mend();
    await agrees();
    await plane.restart();
    await core.deleteNamespacedConfigMap({ namespace, name: "i1" });
    await agrees();
  } finally {
    over = true;
    await informer.stop();
  }
});
