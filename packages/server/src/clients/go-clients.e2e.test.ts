import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { KubeClient } from "@threeport/client";
import { describeWithKubernetes, kubeconfigOf, startApiServer } from "@threeport/cluster/testing";
import { until } from "@threeport/engine/testing";
import { isErrorCode, type KubeObject, type StoredObject } from "@threeport/resource";
import { openDatabase } from "@threeport/store";
import { rollDice } from "../testing/dice.ts";
import { buildGoClients, startGoClient, type GoClient, type Line } from "../testing/go-clients.ts";
import { openServerHome } from "../testing/server-process.ts";
import { openTcpProxy } from "../testing/tcp-proxy.ts";
import { openTestControlPlane } from "../testing/test-control-plane.ts";

// client-go and controller-runtime as they are, against our server; what is written for Kubernetes runs unchanged.

/** Two busy cores, a Go linker among what they do. */
const buildMsMax = 900_000;
vi.setConfig({ testTimeout: 240_000 });

describeWithKubernetes("clients written in Go", () => {
  let binary: string | undefined;
  let folder: string;
  let files = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "threeport-go-clients-"));
    binary = await buildGoClients((line) => void process.stderr.write(`${line}\n`));
    if (binary === undefined && process.env["CI"] === "true") throw new Error("there is no Go to build the clients with");
  }, buildMsMax);
  beforeEach((context) => {
    if (binary === undefined) context.skip("there is no Go");
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  async function start(kubeconfig: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<GoClient> {
    const path = join(folder, `kubeconfig-${files++}`);
    await writeFile(path, kubeconfig, { mode: 0o600 });
    const [program = "", ...rest] = args;
    return startGoClient(binary ?? "", [program, path, ...rest], env);
  }

  const configMaps = (namespace: string) => ({ apiVersion: "v1", kind: "ConfigMap", namespace });
  const createNamespace = (client: KubeClient, name: string) =>
    client.create({ apiVersion: "v1", kind: "Namespace" }, { apiVersion: "v1", kind: "Namespace", metadata: { name } });

  /** What the four caches should hold. */
  async function truth(client: KubeClient, namespace: string): Promise<Line> {
    const { items } = await client.list<StoredObject>(configMaps(namespace));
    const versions = items.map((item) => [item.metadata.name, item.metadata.resourceVersion] as const);
    const full = items.map(
      (item) => [item.metadata.name, `${item.metadata.resourceVersion} ${(item["data"] as { n?: string } | undefined)?.n ?? ""}`] as const,
    );
    const chosen = full.filter((_, index) => items[index]?.metadata.labels?.["chosen"] === "yes");
    const all = Object.fromEntries(versions);
    return { wrong: "", typed: Object.fromEntries(full), chosen: Object.fromEntries(chosen), dynamic: all, metadata: all, listed: items.length };
  }

  async function seesTheTruth(informers: GoClient, client: KubeClient, namespace: string): Promise<void> {
    await until("the caches to hold what there is", async () => {
      informers.command("state");
      expect(await informers.until("its state", (line) => "typed" in line)).toEqual(await truth(client, namespace));
      return true;
    });
  }

  /** Creates, changes, deletes, and moves in and out of the selection; a write that meets a server that is away is tried again. */
  async function churn(client: KubeClient, namespace: string, count: number): Promise<void> {
    const dice = rollDice();
    for (let number = 0; number < count; number++) {
      const name = `m${dice.below(12)}`;
      const object: KubeObject = {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name, namespace, labels: { chosen: dice.pick(["yes", "no"]) } },
        data: { n: String(number) },
      };
      await until(`a write of ${name} (seed ${dice.seed})`, async () => {
        const target = { ...configMaps(namespace), name };
        try {
          if (dice.chance(0.3)) await client.delete(target);
          else await client.create(configMaps(namespace), object);
        } catch (error) {
          if (isErrorCode(error, "TP_NOT_FOUND")) return true;
          if (!isErrorCode(error, "TP_ALREADY_EXISTS")) throw error;
          await client.patch(target, { metadata: object.metadata, data: object["data"] as object }, { type: "merge" });
        }
        return true;
      });
    }
  }

  describe.each([
    { lists: "paged lists", WatchListClient: "false" },
    { lists: "streamed lists", WatchListClient: "true" },
  ])("informers with $lists", ({ WatchListClient }) => {
    const env = { KUBE_FEATURE_WatchListClient: WatchListClient };

    test("F3: typed, dynamic and metadata informers hold exactly what there is, over kill -9 and restart of the server", async () => {
      await using home = await openServerHome();
      let server = home.start();
      await server.ready;
      const client = await home.client();
      await createNamespace(client, "seen");
      await churn(client, "seen", 10);
      await using informers = await start(await readFile(join(home.folder, "admin.kubeconfig"), "utf8"), ["informers", "seen"], env);
      await informers.until("the first lists", (line) => "synced" in line);
      await seesTheTruth(informers, client, "seen");
      for (let round = 0; round < 2; round++) {
        const writing = churn(client, "seen", 30);
        await server.kill();
        server = home.start();
        await server.ready;
        await writing;
        await seesTheTruth(informers, client, "seen");
      }
      expect(await server.stop()).toBe(0);
    });

    test("F3: what was compacted while an informer was away makes it list again, and it misses nothing", async () => {
      await using plane = await openTestControlPlane();
      await using proxy = await openTcpProxy(() => Number(new URL(plane.connection.server).port));
      await createNamespace(plane.client, "seen");
      await churn(plane.client, "seen", 10);
      await using informers = await start(kubeconfigOf({ ...plane.connection, server: `https://127.0.0.1:${proxy.port}` }), ["informers", "seen"], env);
      await informers.until("the first lists", (line) => "synced" in line);
      await seesTheTruth(informers, plane.client, "seen");
      proxy.cut();
      await churn(plane.client, "seen", 30);
      {
        await using database = openDatabase(plane.database);
        await database.query({ name: "", text: "UPDATE counter SET compacted_rv = rv" }, []);
      }
      await plane.restart(); // nothing is left in memory either: a watch from before is answered with 410
      proxy.mend();
      await seesTheTruth(informers, plane.client, "seen");
    });
  });

  test("discovery, RESTMapper, typed (protobuf), dynamic and metadata clients are at home, and are told what they know how to read", async () => {
    await using plane = await openTestControlPlane();
    await createNamespace(plane.client, "found");
    await using discover = await start(kubeconfigOf(plane.connection), ["discover", "found"]);
    expect(await discover.exited, JSON.stringify(discover.lines.at(-1))).toBe(0);
    const [served, ...done] = discover.lines;
    expect(served).toMatchObject({ version: "1.36", lease: "coordination.k8s.io/v1, Resource=leases" });
    expect(served?.["resources"]).toContain("v1 configmaps ConfigMap create,delete,deletecollection,get,list,patch,update,watch");
    expect(done).toEqual([{ done: "typed" }, { done: "dynamic" }, { done: "metadata" }]);
  });

  test("leader election: one leads, is killed, and the other takes over; the Lease tells the story", async () => {
    await using plane = await openTestControlPlane();
    await createNamespace(plane.client, "votes");
    const kubeconfig = kubeconfigOf(plane.connection);
    await using first = await start(kubeconfig, ["elect", "votes", "first"]);
    await first.until("the first to lead", (line) => line["leads"] === "first");
    await using second = await start(kubeconfig, ["elect", "votes", "second"]);
    await second.until("the second to see the first", (line) => line["sees"] === "first");
    await first.kill();
    await second.until("the second to lead", (line) => line["leads"] === "second");
    const lease = await plane.client.get<StoredObject>({ apiVersion: "coordination.k8s.io/v1", kind: "Lease", namespace: "votes", name: "election" });
    expect(lease["spec"]).toMatchObject({ holderIdentity: "second", leaseTransitions: 1, leaseDurationSeconds: 3 });
  });

  describe("a controller written with controller-runtime: the same binary", () => {
    test("reconciles against our API, and what it owned goes with its owner", async () => {
      await using plane = await openTestControlPlane();
      await greets(plane.client, kubeconfigOf(plane.connection));
      await until("the copies to go with their owner", async () => {
        const { items } = await plane.client.list<StoredObject>(configMaps("greets"));
        expect(items.map((item) => item.metadata.name)).toEqual(["farewell-hello"]);
        return true;
      });
    });

    test("reconciles against kube-apiserver; so does the program of all clients above, which shows that what they demand is right", async () => {
      await using real = await startApiServer();
      await greets(real.client, real.kubeconfig);
      await createNamespace(real.client, "found");
      await using discover = await start(real.kubeconfig, ["discover", "found"]);
      expect(await discover.exited, JSON.stringify(discover.lines.at(-1))).toBe(0);
    });

    /** From the definition to the farewell. */
    async function greets(client: KubeClient, kubeconfig: string): Promise<void> {
      const greetings = { apiVersion: "clients.test/v1", kind: "Greeting", namespace: "greets" };
      await createNamespace(client, "greets");
      await using controller = await start(kubeconfig, ["controller", "greets"]);
      await controller.until("the controller to be elected", (line) => "elected" in line);
      const greeting = (text: string, spec: object): KubeObject => ({
        apiVersion: greetings.apiVersion,
        kind: greetings.kind,
        metadata: { name: text, namespace: "greets" },
        spec: { text, ...spec },
      });
      await until("the new kind to be known, and its rule to be kept", async () => {
        await expect(client.create(greetings, greeting("many", { copies: 9 }))).rejects.toThrow("five copies are enough");
        return true;
      });
      await client.create(greetings, greeting("hello", {}));
      const copied = (copies: number) =>
        until(`${copies} copies`, async () => {
          const seen = await client.get<StoredObject>({ ...greetings, name: "hello" });
          expect(seen["status"]).toMatchObject({
            copies,
            conditions: [{ type: "Ready", status: "True", reason: "Copied", observedGeneration: seen.metadata.generation }],
          });
          return seen;
        });
      const { metadata } = await copied(1); // the default
      expect(metadata.finalizers).toEqual(["clients.test/farewell"]);
      await client.patch({ ...greetings, name: "hello" }, { spec: { copies: 3 } }, { type: "merge" });
      await copied(3);
      await client.delete({ ...configMaps("greets"), name: "hello-1" });
      await until("the copy to be made again", () => client.get<StoredObject>({ ...configMaps("greets"), name: "hello-1" }));
      const copy = await client.get<StoredObject>({ ...configMaps("greets"), name: "hello-2" });
      expect(copy).toMatchObject({
        data: { text: "hello" },
        metadata: {
          ownerReferences: [{ apiVersion: "clients.test/v1", kind: "Greeting", name: "hello", uid: metadata.uid, controller: true, blockOwnerDeletion: true }],
          managedFields: [{ manager: "greeter", operation: "Apply", fieldsType: "FieldsV1" }],
        },
      });
      await until("the event", async () => {
        const { items } = await client.list<StoredObject>({ apiVersion: "events.k8s.io/v1", kind: "Event", namespace: "greets" });
        return items.some((item) => item["reason"] === "Copied" && (item["regarding"] as { name?: string }).name === "hello");
      });
      await client.delete({ ...greetings, name: "hello" });
      await until("the farewell", () => client.get<StoredObject>({ ...configMaps("greets"), name: "farewell-hello" }));
      await until("the greeting to go", async () =>
        client.get({ ...greetings, name: "hello" }).then(
          () => false,
          (error: unknown) => isErrorCode(error, "TP_NOT_FOUND"),
        ),
      );
    }
  });
});
