import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLogger, systemClock, systemRandom } from "@threeport/platform";
import { PlatformError, type KubeObject, type StoredObject } from "@threeport/resource";
import { targetOf } from "@threeport/client";
import { until } from "@threeport/engine/testing";
import { createClusters } from "./index.ts";
import {
  configMap,
  deployment,
  describeWithKubernetes,
  fresh,
  openFaultProxy,
  openSetPlane,
  startApiServer,
  type FaultProxy,
  type SetPlane,
  type TestApiServer,
} from "./testing/index.ts";

const configMaps = { kinds: [{ apiVersion: "v1", kind: "ConfigMap" }], namespaces: [] };

/** What design.md promises people who edit by hand. */
const mendedWithinMs = 2_000;

describeWithKubernetes("what somebody changes in a cluster", () => {
  let server: TestApiServer;
  let proxy: FaultProxy;
  beforeAll(async () => {
    server = await startApiServer();
    proxy = await openFaultProxy(server);
  });
  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  const open = (): Promise<SetPlane> => openSetPlane({ runtimes: { one: proxy.kubeconfig } });
  const live = (document: KubeObject): Promise<StoredObject | undefined> => server.live(document);

  test("an edit of a kind without generation is taken back within two seconds, and an event tells it", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const document = configMap("default", fresh("edited"), { key: "declared" });
    await sets.create("edited", [document]);
    await sets.ready("edited");
    await server.client.patch(targetOf(document), { data: { key: "edited" } });
    await until("the declared value", async () => ((await live(document))?.["data"] as { key?: string } | undefined)?.key === "declared", mendedWithinMs);
    await until("the event", async () =>
      (await sets.plane.objects.list({ apiVersion: "v1", kind: "Event" })).some(
        (event) => event["reason"] === "DriftMended" && String(event["message"]).includes(document.metadata.name),
      ),
    );
    await sets.ready("edited");
  });

  test("an edit of a workload, seen by its generation, is taken back within two seconds", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const document = deployment("default", fresh("edited"), { replicas: 2 });
    const set = await sets.create("edited", [document]);
    await until("it to be applied", async () => (await sets.inventory(set))[0]?.state === "applied");
    await server.client.patch(targetOf(document), { spec: { replicas: 5 } });
    await until("the declared count", async () => ((await live(document))?.["spec"] as { replicas?: number } | undefined)?.replicas === 2, mendedWithinMs);
  });

  test("labels and annotations of ours that somebody removes come back, also where the generation stays", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const document = deployment("default", fresh("stripped"));
    const labelled = { ...document, metadata: { ...document.metadata, labels: { team: "blue" } } };
    const set = await sets.create("stripped", [labelled]);
    await until("it to be applied", async () => (await sets.inventory(set))[0]?.state === "applied");
    await server.client.patch(targetOf(document), { metadata: { labels: { team: null } } });
    await until("the label", async () => (await live(document))?.metadata.labels?.["team"] === "blue", mendedWithinMs);
  });

  test("even our own marks: an object that lost its labels leaves our watch, and comes back into it", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const document = configMap("default", fresh("unmarked"));
    await sets.create("unmarked", [document]);
    await sets.ready("unmarked");
    await server.client.patch(targetOf(document), { metadata: { labels: { "threeport.io/control-plane": null } } });
    await until("the mark", async () => (await live(document))?.metadata.labels?.["threeport.io/control-plane"] === sets.controlPlaneId, mendedWithinMs);
    await sets.ready("unmarked");
  });

  test("an object that somebody deletes is there again within two seconds", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const documents = [configMap("default", fresh("deleted")), deployment("default", fresh("deleted"))];
    const set = await sets.create("deleted", documents);
    await until("them to be applied", async () => (await sets.inventory(set)).filter((entry) => entry.state === "applied").length === 2);
    for (const document of documents) {
      const before = await live(document);
      await server.client.delete(targetOf(document));
      await until(
        "its return",
        async () => {
          const now = await live(document);
          return now !== undefined && now.metadata.uid !== before?.metadata.uid && now.metadata.deletionTimestamp === undefined;
        },
        mendedWithinMs,
      );
    }
  });

  test("a change of status alone is no drift: nothing is written for it", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const document = deployment("default", fresh("status"));
    const set = await sets.create("status", [document]);
    await until("it to be applied", async () => (await sets.inventory(set))[0]?.state === "applied");
    const from = proxy.writes.length;
    await server.client.patch(
      { ...targetOf(document), subresource: "status" },
      {
        status: {
          observedGeneration: 1,
          replicas: 1,
          updatedReplicas: 1,
          readyReplicas: 1,
          availableReplicas: 1,
          conditions: [
            { type: "Available", status: "True", reason: "MinimumReplicasAvailable", message: "" },
            { type: "Progressing", status: "True", reason: "NewReplicaSetAvailable", message: "" },
          ],
        },
      },
    );
    await sets.ready("status");
    expect(proxy.writes.slice(from)).toEqual([]);
  });

  test("C4: a new connection watches nothing yet, so the sets that the old one knew of are looked at", async () => {
    const controlPlaneId = fresh("c").replace("-", "");
    const changed: string[] = [];
    let failures = 2;
    await using clusters = createClusters({
      controlPlaneId,
      clock: systemClock,
      random: systemRandom,
      log: silentLogger,
      async onChange(keys) {
        if (failures-- > 0) throw new PlatformError("TP_DATABASE_UNAVAILABLE");
        changed.push(...keys);
      },
    });
    const document = configMap(
      "default",
      fresh("known"),
      {},
      { labels: { "threeport.io/control-plane": controlPlaneId }, annotations: { "threeport.io/resource-set": "default/known" } },
    );
    await server.client.create(targetOf(document), document);
    const first = await clusters.get("one", { kubeconfig: server.kubeconfig, uid: "1", impersonates: true });
    first.follow("default/known", configMaps);
    expect(await first.complete({ apiVersion: "v1", kind: "ConfigMap" }, AbortSignal.timeout(10_000))).toBe(true);
    await until("the watch to tell of it, although it could not be noted at first", () => changed.includes("default/known"));
    changed.length = 0;
    expect(await clusters.get("one", { kubeconfig: server.kubeconfig, uid: "1", impersonates: true }), "the same credentials, the same connection").toBe(first);
    expect(await clusters.get("one", { kubeconfig: proxy.kubeconfig, uid: "1", impersonates: true })).not.toBe(first);
    await until("the set to be looked at", () => changed.includes("default/known"));
  });

  test("F3: an apply's answer that comes after newer news from the watch does not turn the clock back", async () => {
    const controlPlaneId = fresh("c").replace("-", "");
    await using clusters = createClusters({ controlPlaneId, clock: systemClock, random: systemRandom, log: silentLogger, onChange: async () => {} });
    const document = configMap("default", fresh("news"), { key: "older" }, { labels: { "threeport.io/control-plane": controlPlaneId } });
    const answer = await server.client.create<StoredObject>(targetOf(document), document);
    const cluster = await clusters.get("one", { kubeconfig: server.kubeconfig, uid: "1", impersonates: true });
    cluster.follow("default/news", configMaps);
    await cluster.complete({ apiVersion: "v1", kind: "ConfigMap" }, AbortSignal.timeout(10_000));
    await server.client.patch(targetOf(document), { data: { key: "newer" } });
    const known = (): unknown => (cluster.cache.byUid(answer.metadata.uid)?.["data"] as { key?: string } | undefined)?.key;
    await until("the watch to tell", () => known() === "newer");
    cluster.note(answer);
    expect(known()).toBe("newer");
    const newest = await server.client.patch<StoredObject>(targetOf(document), { data: { key: "newest" } });
    cluster.note(newest);
    expect(known(), "an answer that is newer counts at once").toBe("newest");
  });

  test("F6: drift that happened while the control plane was away is mended when it comes back", async () => {
    await using sets = await open();
    const [edited, deleted] = [configMap("default", fresh("edited"), { key: "declared" }), configMap("default", fresh("deleted"))];
    await using first = await sets.startReplica({ leaseMs: 1_000 }); // killed below: what it held is soon free
    await sets.create("away", [edited, deleted]);
    await sets.ready("away");
    await first.kill();
    await server.client.patch(targetOf(edited), { data: { key: "edited" } });
    await server.client.delete(targetOf(deleted));
    await using _second = await sets.startReplica();
    await sets.plane.store.queue.enqueue([{ queue: "resourcesets.threeport.io", key: "default/away", priority: 2, mask: 0, delayMs: 0 }]); // as the server does at its start
    await until(
      "both to be as declared",
      async () => ((await live(edited))?.["data"] as { key?: string } | undefined)?.key === "declared" && (await live(deleted)) !== undefined,
    );
  });

  test("C4: a watch ends with the last set that needs it, also at the cluster, and what it told is forgotten", async () => {
    await using own = await openFaultProxy(server);
    await using sets = await openSetPlane({ runtimes: { one: own.kubeconfig } });
    await using replica = await sets.startReplica();
    const here = fresh("watched");
    await server.client.create({ apiVersion: "v1", kind: "Namespace" }, { apiVersion: "v1", kind: "Namespace", metadata: { name: here } });
    const secret: KubeObject = { apiVersion: "v1", kind: "Secret", metadata: { name: fresh("secret"), namespace: here } };
    const watched = (): string[] => [...own.watched].toSorted();
    const first = [configMap(here, fresh("first"))];
    await sets.create("first", first);
    await sets.create("second", [configMap(here, fresh("second")), secret, deployment(here, fresh("app"))]);
    await sets.ready("first");
    await until("all watches", () => watched().length === 7);
    const children = ["apis/apps/v1", "apis/batch/v1", "api/v1", "api/v1"].map(
      (path, index) => `/${path}/namespaces/${here}/${["replicasets", "jobs", "pods", "persistentvolumeclaims"][index]}`,
    );
    expect(watched()).toEqual(["/api/v1/configmaps", "/api/v1/secrets", "/apis/apps/v1/deployments", ...children].toSorted());
    expect(replica.clusters.peek("one")?.watches).toBe(7);

    // A kind that leaves a set.
    await sets.change("second", (set) => ({ objects: set.spec.objects.slice(0, 2) }));
    await until("the watches of workloads to end", () => watched().length === 2);
    // A set that goes.
    await sets.delete("second");
    await sets.gone("second");
    await until("the watch of Secrets to end", () => watched().length === 1);
    expect(watched()).toEqual(["/api/v1/configmaps"]);
    // What is still watched still works.
    await server.client.delete(targetOf(first[0] as KubeObject));
    await until("it to be back", async () => (await live(first[0] as KubeObject)) !== undefined);
    await sets.delete("first");
    await sets.gone("first");
    await until("the last watch to end", () => watched().length === 0);
    expect([...(replica.clusters.peek("one")?.cache.all() ?? [])]).toEqual([]);
  });

  test("C2: replicas are left to an autoscaler that somebody else made: not reset when we let go of them, and not fought over", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const name = fresh("scaled");
    const app = (value: string): KubeObject => deployment("default", name, { replicas: 3, env: { VALUE: value } });
    const replicas = async (): Promise<number | undefined> => ((await live(app("")))?.["spec"] as { replicas?: number } | undefined)?.replicas;
    const value = async (): Promise<string> => JSON.stringify((await live(app("")))?.["spec"]);
    await sets.create(name, [app("one")]);
    await until("the deployment", async () => (await replicas()) === 3);
    const autoscaler = { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", namespace: "default" };
    await server.client.create(autoscaler, {
      ...autoscaler,
      metadata: { name },
      spec: { minReplicas: 2, maxReplicas: 9, scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name } },
    });
    // Not scaled yet: nobody but us manages the field.
    await sets.change(name, () => ({ objects: [app("two") as unknown as Record<string, unknown>] }));
    await until("the change", async () => (await value()).includes('"two"'));
    expect(await replicas(), "not the default of 1").toBe(3);
    // What an autoscaler does.
    await server.client.patch({ ...targetOf(app("")), subresource: "scale" }, { spec: { replicas: 7 } });
    await sets.change(name, () => ({ objects: [app("three") as unknown as Record<string, unknown>] }));
    await until("the next change", async () => (await value()).includes('"three"'));
    expect(await replicas()).toBe(7);
    const told = (await sets.plane.objects.list({ apiVersion: "v1", kind: "Event" })).filter((event) => event["reason"] === "DriftMended");
    expect(told, "scaling is no drift").toEqual([]);
    // Without it what was written counts again, with the next change.
    await server.client.delete({ ...autoscaler, name });
    await sets.change(name, () => ({ objects: [app("four") as unknown as Record<string, unknown>] }));
    await until("the replicas that were written", async () => (await replicas()) === 3);
  });
});
