import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { systemRandom } from "@threeport/platform";
import { isErrorCode, type KubeObject, type StoredObject } from "@threeport/resource";
import { configMap, describeWithKubernetes, kubeconfigOf, openFaultProxy, startApiServer, type TestApiServer } from "@threeport/cluster/testing";
import { until } from "@threeport/engine/testing";
import { conditionOf, openTestControlPlane, resourceSets, runtimes, type TestControlPlane } from "@threeport/server/testing";
import type { KubernetesRuntimeInstance } from "./index.ts";

const group = "threeport.io/v1alpha1";
const lease = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", namespace: "kube-system", name: "threeport-control-plane" };

describeWithKubernetes("a runtime over a real cluster", () => {
  let server: TestApiServer;
  beforeAll(async () => {
    server = await startApiServer();
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  // Each test is a control plane of its own, and all of them share one cluster.
  beforeEach(async () => {
    await server?.client.delete(lease).catch((error: unknown) => {
      if (!isErrorCode(error, "TP_NOT_FOUND")) throw error;
    });
  });

  const fresh = (prefix: string): string => `${prefix}-${systemRandom.suffix(5)}`;
  const set = (name: string, runtime: string, objects: readonly KubeObject[]): KubeObject =>
    ({ apiVersion: group, kind: "ResourceSet", metadata: { name, namespace: "default" }, spec: { runtime, objects } }) as unknown as KubeObject;
  const holder = async (): Promise<string | undefined> =>
    ((await server.client.get<StoredObject>(lease).catch(() => undefined))?.["spec"] as { holderIdentity?: string } | undefined)?.holderIdentity;
  async function valueOf(name: string): Promise<string | undefined> {
    const found = await server.client.get<StoredObject>({ apiVersion: "v1", kind: "ConfigMap", namespace: "default", name }).catch((error: unknown) => {
      if (isErrorCode(error, "TP_NOT_FOUND")) return undefined;
      throw error;
    });
    return (found?.["data"] as { key?: string } | undefined)?.key;
  }
  const annotate = (plane: TestControlPlane, name: string, value: string) =>
    plane.client.patch({ apiVersion: group, kind: "KubernetesRuntimeInstance", name }, { metadata: { annotations: { "threeport.io/claim": value } } });

  test(
    "C1: a cluster belongs to one control plane; another one reads only, says so, and takes over by a claim; then the first one stops writing",
    { timeout: 90_000 },
    async () => {
      await using first = await openTestControlPlane();
      await using second = await openTestControlPlane();
      await first.addRuntime("shared", server.kubeconfig);
      await first.ready(runtimes, "shared");
      const owner = await holder();
      const [ours, theirs] = [fresh("ours"), fresh("theirs")];
      await first.create(set("ours", "shared", [configMap("default", ours, { key: "1" })]));
      await first.ready(resourceSets, "ours");

      await second.addRuntime("shared", server.kubeconfig);
      const told = await second.reason(runtimes, "shared", "OwnedByAnotherControlPlane");
      expect(told.message).toContain(owner);
      expect(told.message).toContain("tptctl runtime claim shared");
      await second.create(set("theirs", "shared", [configMap("default", theirs, { key: "1" })]));
      expect((await second.reason(resourceSets, "theirs", "RuntimeNotOurs")).message).toContain("tptctl runtime claim shared");
      expect(await valueOf(theirs)).toBeUndefined();
      expect(await holder()).toBe(owner);

      await annotate(second, "shared", "one");
      await second.ready(runtimes, "shared");
      await second.ready(resourceSets, "theirs");
      expect(await holder()).not.toBe(owner);
      // Looking again is what happens every half a minute.
      await first.client.patch({ apiVersion: group, kind: "KubernetesRuntimeInstance", name: "shared" }, { metadata: { labels: { look: "again" } } });
      await first.reason(runtimes, "shared", "OwnedByAnotherControlPlane");
      await first.change(resourceSets, "ours", (object) => {
        (object["spec"] as { objects: unknown[] }).objects = [configMap("default", ours, { key: "2" })];
      });
      await first.reason(resourceSets, "ours", "RuntimeNotOurs");
      expect(await valueOf(ours), "what was there stays as it was").toBe("1");
      // An old claim is not followed again: the two would take the cluster from each other for ever.
      expect(conditionOf(await second.get(runtimes, "shared"), "Ready")?.status).toBe("True");

      await second.delete(resourceSets, "theirs");
      await second.gone(resourceSets, "theirs");
      await second.delete(runtimes, "shared");
      await second.gone(runtimes, "shared");
      expect(await holder(), "the cluster is given back").toBeUndefined();
    },
  );

  test("the cluster is given back also by a control plane that was started anew just before", async () => {
    await using plane = await openTestControlPlane();
    await plane.addRuntime("brief", server.kubeconfig);
    await plane.ready(runtimes, "brief");
    expect(await holder()).toBeDefined();
    await plane.restart();
    await plane.delete(runtimes, "brief");
    await plane.gone(runtimes, "brief");
    expect(await holder()).toBeUndefined();
  });

  test("F6: a cluster that goes away is told at the runtime and at its sets; both come back by themselves", { timeout: 90_000 }, async () => {
    await using proxy = await openFaultProxy(server);
    await using plane = await openTestControlPlane();
    const name = fresh("away");
    await plane.addRuntime("away", proxy.kubeconfig);
    await plane.create(set("app", "away", [configMap("default", name, { key: "1" })]));
    await plane.ready(resourceSets, "app");
    await proxy.down();
    await plane.client.patch({ apiVersion: group, kind: "KubernetesRuntimeInstance", name: "away" }, { metadata: { labels: { look: "again" } } }); // as the periodic contact does
    expect((await plane.reason(runtimes, "away", "Unreachable")).message).toContain("connection refused");
    // The set did not change, and still says that nobody can tell how it is.
    await until("the set to say so", async () => conditionOf(await plane.get(resourceSets, "app"), "Ready")?.status === "False");
    await server.client.delete({ apiVersion: "v1", kind: "ConfigMap", namespace: "default", name });
    await proxy.up();
    await plane.ready(runtimes, "away");
    await plane.ready(resourceSets, "app");
    expect(await valueOf(name), "what was deleted meanwhile is there again").toBe("1");
    await plane.delete(resourceSets, "app");
    await plane.gone(resourceSets, "app");
    await plane.delete(runtimes, "away");
    await plane.gone(runtimes, "away");
  });

  test("Q7: a cluster that has not answered for long is Stalled until it answers", { timeout: 90_000 }, async () => {
    await using proxy = await openFaultProxy(server);
    await using plane = await openTestControlPlane();
    await plane.addRuntime("lost", proxy.kubeconfig);
    await plane.ready(runtimes, "lost");
    await proxy.down();
    const look = (value: string) =>
      plane.client.patch({ apiVersion: group, kind: "KubernetesRuntimeInstance", name: "lost" }, { metadata: { labels: { look: value } } }); // as the periodic contact does
    await look("once");
    await plane.reason(runtimes, "lost", "Unreachable");
    expect(conditionOf(await plane.get(runtimes, "lost"), "Stalled")?.status, "it may be back in a moment").toBe("False");

    // As if it had begun long ago.
    const since = await plane.get<KubernetesRuntimeInstance>(runtimes, "lost");
    const conditions = (since?.status?.conditions ?? []).map((condition) => ({ ...condition, lastTransitionTime: "2020-01-01T00:00:00Z" }));
    await plane.client.patch({ apiVersion: group, kind: "KubernetesRuntimeInstance", name: "lost", subresource: "status" }, { status: { conditions } });
    await look("again");
    await until("it to be stalled", async () => conditionOf(await plane.get(runtimes, "lost"), "Stalled")?.status === "True");
    const told = conditionOf(await plane.get(runtimes, "lost"), "Stalled");
    expect(told?.reason).toBe("Unreachable");
    expect(told?.message).toContain("renew its address and credentials");
    await proxy.up();
    await plane.ready(runtimes, "lost");
    expect(conditionOf(await plane.get(runtimes, "lost"), "Stalled")?.status).toBe("False");
  });

  test("credentials that the cluster refuses are told; new ones are taken up at once, and so are the watches over them", { timeout: 90_000 }, async () => {
    await using plane = await openTestControlPlane();
    const name = fresh("rotated");
    const wrong = kubeconfigOf({
      server: server.connection.server,
      ...(server.connection.caData === undefined ? {} : { caData: server.connection.caData }),
      token: "nobody-knows-it",
    });
    await plane.addRuntime("rotated", wrong);
    await plane.reason(runtimes, "rotated", "CredentialsRefused");
    expect(JSON.stringify(await plane.get(runtimes, "rotated"))).not.toContain("nobody-knows-it");
    const renew = (kubeconfig: string) =>
      plane.client.patch({ apiVersion: "v1", kind: "Secret", namespace: "default", name: "kubeconfig-rotated" }, { stringData: { kubeconfig } });
    await renew(server.kubeconfig);
    await plane.ready(runtimes, "rotated");
    await plane.create(set("app", "rotated", [configMap("default", name, { key: "declared" })]));
    await plane.ready(resourceSets, "app");
    // Other credentials for the same address: a new connection, whose watches must be there although nothing else changed.
    await using proxy = await openFaultProxy(server);
    for (const token of ["first", "second"]) {
      await renew(kubeconfigOf({ ...proxy.connection, token }));
      await until(`the ${token} token`, () => proxy.tokens.has(token));
      await until("drift to be mended over it", async () => {
        await server.client.patch({ apiVersion: "v1", kind: "ConfigMap", namespace: "default", name }, { data: { key: token } });
        return until("the declared value", async () => (await valueOf(name)) === "declared", 2_000);
      });
      expect(await valueOf(name)).toBe("declared");
    }
    await plane.delete(resourceSets, "app");
    await plane.gone(resourceSets, "app");
    await plane.delete(runtimes, "rotated");
    await plane.gone(runtimes, "rotated");
  });

  test("F6: another cluster at the same address gets nothing until somebody says that it takes the old one's place", { timeout: 60_000 }, async () => {
    await using plane = await openTestControlPlane();
    const name = fresh("rebuilt");
    await plane.addRuntime("rebuilt", server.kubeconfig);
    const before = await plane.ready<KubernetesRuntimeInstance>(runtimes, "rebuilt");
    expect(before.status?.clusterUid).toBe((await server.client.get<StoredObject>({ apiVersion: "v1", kind: "Namespace", name: "kube-system" })).metadata.uid);
    // As if the one that was known had been another: rebuilding a cluster takes a second one.
    const runtime = { apiVersion: group, kind: "KubernetesRuntimeInstance", name: "rebuilt" };
    await plane.client.patch({ ...runtime, subresource: "status" }, { status: { clusterUid: "of-the-cluster-before" } });
    await plane.client.patch(runtime, { metadata: { labels: { look: "again" } } });
    expect((await plane.reason(runtimes, "rebuilt", "ClusterReplaced")).message).toContain("tptctl runtime claim rebuilt");
    await plane.create(set("app", "rebuilt", [configMap("default", name, { key: "1" })]));
    expect((await plane.reason(resourceSets, "app", "RuntimeNotReady")).message).toContain("another cluster answers");
    expect(await valueOf(name)).toBeUndefined();
    await plane.client.patch(runtime, { metadata: { annotations: { "threeport.io/claim": "it is the new one" } } });
    await plane.ready(runtimes, "rebuilt");
    await plane.ready(resourceSets, "app");
    expect(await valueOf(name)).toBe("1");
    await plane.delete(resourceSets, "app");
    await plane.gone(resourceSets, "app");
    await plane.delete(runtimes, "rebuilt");
    await plane.gone(runtimes, "rebuilt");
  });

  test("a kubeconfig that may not impersonate is told at the runtime, with the right and the setting", async () => {
    const kind = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole" };
    const rules = [
      { apiGroups: [""], resources: ["namespaces"], verbs: ["get"] },
      { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["*"] },
    ];
    await server.client.create(kind, { ...kind, metadata: { name: "meek" }, rules });
    const binding = { apiVersion: kind.apiVersion, kind: "ClusterRoleBinding" };
    await server.client.create(binding, {
      ...binding,
      metadata: { name: "meek" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "meek" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "meek" }],
    });
    await using plane = await openTestControlPlane();
    await plane.addRuntime("meek", kubeconfigOf(await server.connectionAs("meek")));
    await plane.ready(runtimes, "meek");
    const told = conditionOf(await plane.get(runtimes, "meek"), "Ready")?.message;
    expect(told).toContain("may not impersonate service accounts");
    expect(told).toContain("spec.impersonation to Off");
    await plane.client.patch({ apiVersion: group, kind: "KubernetesRuntimeInstance", name: "meek" }, { spec: { impersonation: "Off" } });
    await until("it to be silent", async () => conditionOf(await plane.get(runtimes, "meek"), "Ready")?.message?.includes("impersonate") === false);
    await plane.delete(runtimes, "meek");
    await plane.gone(runtimes, "meek");
  });

  test("a runtime whose Secret is missing says which one, and comes when the Secret does", async () => {
    await using plane = await openTestControlPlane();
    await plane.create({
      apiVersion: group,
      kind: "KubernetesRuntimeInstance",
      metadata: { name: "late" },
      spec: { provider: "kubeconfig", kubeconfig: { secretRef: { namespace: "default", name: "late-secret" } } },
    });
    expect((await plane.reason(runtimes, "late", "KubeconfigMissing")).message).toContain("Secret late-secret in namespace default");
    await plane.create({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "late-secret", namespace: "default" },
      stringData: { kubeconfig: server.kubeconfig },
    });
    const ready = await plane.ready<KubernetesRuntimeInstance>(runtimes, "late");
    expect(ready.status).toMatchObject({ owned: true, version: "v1.36.4", server: server.connection.server });
    await plane.delete(runtimes, "late");
    await plane.gone(runtimes, "late");
  });

  test("a runtime whose cluster is gone for ever can still be deleted", async () => {
    await using proxy = await openFaultProxy(server);
    await using plane = await openTestControlPlane();
    await plane.addRuntime("lost", proxy.kubeconfig);
    await plane.ready(runtimes, "lost");
    await proxy.down();
    await plane.delete(runtimes, "lost");
    await plane.gone(runtimes, "lost");
  });
});
