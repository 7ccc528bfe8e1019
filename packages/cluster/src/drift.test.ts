import { afterAll, beforeAll, expect, test } from "vitest";
import { systemRandom } from "@threeport/platform";
import { isErrorCode, type KubeObject, type StoredObject } from "@threeport/resource";
import { until } from "@threeport/engine/testing";
import { configMap, deployment, describeWithKubernetes, openFaultProxy, openSetPlane, startApiServer, type FaultProxy, type SetPlane, type TestApiServer } from "./testing/index.ts";

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

  const fresh = (prefix: string): string => `${prefix}-${systemRandom.suffix(5)}`;
  const open = (): Promise<SetPlane> => openSetPlane({ runtimes: { one: proxy.kubeconfig } });
  const targetOf = ({ apiVersion, kind, metadata: { name, namespace } }: KubeObject) => ({ apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) });
  async function live(document: KubeObject): Promise<StoredObject | undefined> {
    return server.client.get<StoredObject>(targetOf(document)).catch((error: unknown) => {
      if (isErrorCode(error, "TP_NOT_FOUND")) return undefined;
      throw error;
    });
  }

  test("an edit of a kind without generation is taken back within two seconds, and an event tells it", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const document = configMap("default", fresh("edited"), { key: "declared" });
    await sets.create("edited", [document]);
    await sets.ready("edited");
    await server.client.patch(targetOf(document), { data: { key: "edited" } });
    await until("the declared value", async () => ((await live(document))?.["data"] as { key?: string } | undefined)?.key === "declared", mendedWithinMs);
    await until("the event", async () => (await sets.plane.objects.list({ apiVersion: "v1", kind: "Event" })).some((event) => event["reason"] === "DriftMended" && String(event["message"]).includes(document.metadata.name)));
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
      await until("its return", async () => {
        const now = await live(document);
        return now !== undefined && now.metadata.uid !== before?.metadata.uid && now.metadata.deletionTimestamp === undefined;
      }, mendedWithinMs);
    }
  });

  test("a change of status alone is no drift: nothing is written for it", async () => {
    await using sets = await open();
    await using _replica = await sets.startReplica();
    const document = deployment("default", fresh("status"));
    const set = await sets.create("status", [document]);
    await until("it to be applied", async () => (await sets.inventory(set))[0]?.state === "applied");
    const from = proxy.writes.length;
    await server.client.patch({ ...targetOf(document), subresource: "status" }, { status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1, conditions: [{ type: "Available", status: "True", reason: "MinimumReplicasAvailable", message: "" }, { type: "Progressing", status: "True", reason: "NewReplicaSetAvailable", message: "" }] } });
    await sets.ready("status");
    expect(proxy.writes.slice(from)).toEqual([]);
  });

  test("F6: drift that happened while the control plane was away is mended when it comes back", async () => {
    await using sets = await open();
    const [edited, deleted] = [configMap("default", fresh("edited"), { key: "declared" }), configMap("default", fresh("deleted"))];
    await using first = await sets.startReplica();
    await sets.create("away", [edited, deleted]);
    await sets.ready("away");
    await first.kill();
    await server.client.patch(targetOf(edited), { data: { key: "edited" } });
    await server.client.delete(targetOf(deleted));
    await using _second = await sets.startReplica();
    await sets.plane.store.queue.enqueue([{ queue: "resourcesets.threeport.io", key: "default/away", priority: 2, mask: 0, delayMs: 0 }]); // as the server does at its start
    await until("both to be as declared", async () => ((await live(edited))?.["data"] as { key?: string } | undefined)?.key === "declared" && (await live(deleted)) !== undefined);
  });
});
