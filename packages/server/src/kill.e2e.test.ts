import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock, systemExec, silentLogger } from "@threeport/platform";
import type { KubeClient } from "@threeport/client";
import type { KubeObject, StoredObject } from "@threeport/resource";
import { configMap, describeWithKubernetes, startApiServer, type TestApiServer } from "@threeport/cluster/testing";
import { until } from "@threeport/engine/testing";
import { openDatabase, type ConnectionOptions } from "@threeport/store";
import { openEmbedded } from "@threeport/store/embedded";
import { anywhere, conditionOf, definition, environment, instance } from "./testing/index.ts";
import { rollDice, type Dice } from "./testing/dice.ts";
import { openLedger, type Ledger } from "./testing/ledger.ts";
import { openServerHome, type ServerHome } from "./testing/server-process.ts";

// The signature test (design.md §11, F1): the process dies at moments of chance, and what it promised comes true all the same.

const group = "threeport.io/v1alpha1";
const kills = 20;
const workloads = ["w0", "w1", "w2", "w3"];
const ownSets = ["s0", "s1"];
/** Long enough for several requests and their work, short enough that much is under way. */
const aliveMs = { min: 40, span: 900 };

describeWithKubernetes("F1: kill -9 at any moment", () => {
  let server: TestApiServer;
  let home: ServerHome;
  beforeAll(async () => {
    [server, home] = await Promise.all([startApiServer({ controllers: ["namespace", "clusterrole-aggregation"] }), openServerHome()]);
  });
  afterAll(async () => {
    await home?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  const ownSet = (name: string, objects: readonly KubeObject[]): KubeObject =>
    ({ apiVersion: group, kind: "ResourceSet", metadata: { name, namespace: "default" }, spec: { runtime: "one", objects } }) as unknown as KubeObject;

  function documents(dice: Dice, name: string, namespace: string | undefined): KubeObject[] {
    const count = 1 + dice.below(4);
    return Array.from({ length: count }, (_, index) => {
      const object = configMap(namespace ?? "", `${name}-${index}`, { value: String(dice.below(1_000_000)) });
      return namespace === undefined ? anywhere(object) : object;
    });
  }

  /** One thing that a person does. */
  async function act(dice: Dice, ledger: Ledger, client: KubeClient): Promise<void> {
    if (dice.chance(0.25)) {
      const name = dice.pick(ownSets);
      const set = ownSet(name, documents(dice, name, "default"));
      return ledger.has(set) && dice.chance(0.3) ? ledger.remove(client, set) : ledger.put(client, set);
    }
    const name = dice.pick(workloads);
    const [what, where] = [definition(name, documents(dice, name, undefined)), instance(name, name, name === "w3" ? { targetNamespace: "own-place" } : {})];
    if (!ledger.has(where)) {
      await ledger.put(client, what);
      return ledger.put(client, where);
    }
    if (dice.chance(0.7)) return ledger.put(client, what);
    return ledger.remove(client, where); // the definition stays, for the next deployment
  }

  async function live<T = StoredObject>(apiVersion: string, kind: string, labelSelector: string): Promise<readonly T[]> {
    return (await server.client.list<T>({ apiVersion, kind }, { labelSelector })).items;
  }

  test(
    `killed ${kills} times during deploys, changes and deletes, the cluster holds exactly what was last accepted: nothing missing, nothing double, nothing orphaned`,
    { timeout: 240_000 },
    async () => {
      const dice = rollDice();
      process.stdout.write(`kill test: THREEPORT_TEST_SEED=${dice.seed}\n`);
      const ledger = openLedger();
      const first = home.start();
      await first.ready;
      await using client = await home.client();
      await client.create(
        { apiVersion: "v1", kind: "Secret", namespace: "default" },
        { apiVersion: "v1", kind: "Secret", metadata: { name: "kubeconfig", namespace: "default" }, stringData: { kubeconfig: server.kubeconfig } },
      );
      await client.create(
        { apiVersion: group, kind: "KubernetesRuntimeInstance" },
        {
          apiVersion: group,
          kind: "KubernetesRuntimeInstance",
          metadata: { name: "one" },
          spec: { provider: "kubeconfig", kubeconfig: { secretRef: { namespace: "default", name: "kubeconfig" } } },
        },
      );
      await client.create({ apiVersion: group, kind: "Environment" }, environment("dev", "one"));

      let running = first;
      for (let round = 1; round <= kills; round++) {
        if (round > 1) {
          running = home.start();
          if (dice.chance(0.2)) {
            await systemClock.sleep(dice.below(700)); // dies while it starts
            await running.kill();
            continue;
          }
          await running.ready;
          await ledger.audit(client);
        }
        const dies = systemClock.sleep(aliveMs.min + dice.below(aliveMs.span)).then(() => running.kill());
        let dead = false;
        void running.exited.then(() => (dead = true));
        while (!dead) await act(dice, ledger, client);
        await dies;
      }

      const last = home.start();
      await last.ready;
      await ledger.audit(client);
      const standing = ledger.standing();
      process.stdout.write(
        `kill test: ${ledger.counts.accepted} writes accepted, ${ledger.counts.unanswered} answers lost, ${standing.length} objects stand\n`,
      );
      expect(ledger.counts.accepted, "else nothing was tried").toBeGreaterThan(10);
      const definitions = standing.filter((object) => object.kind === "WorkloadDefinition");
      const instances = standing.filter((object) => object.kind === "WorkloadInstance");
      const sets = standing.filter((object) => object.kind === "ResourceSet");
      await until(
        "everything that stands to be ready, and everything else gone",
        async () => {
          for (const kind of ["WorkloadDefinition", "WorkloadInstance", "ResourceSet"]) {
            for (const object of (await client.list<StoredObject>({ apiVersion: group, kind, namespace: "default" })).items) {
              const ready = conditionOf(object, "Ready");
              if (object.metadata.deletionTimestamp !== undefined || ready?.status !== "True" || ready.observedGeneration !== object.metadata.generation)
                throw new Error(`${kind} ${object.metadata.name} says ${JSON.stringify(ready ?? object.metadata)}`);
            }
          }
          return true;
        },
        60_000,
      );

      // What must be in the cluster, from what was accepted alone.
      const expected = new Map<string, Record<string, string>>();
      const expect_ = (namespace: string, documents: unknown): void => {
        for (const document of documents as (KubeObject & { data: Record<string, string> })[])
          expected.set(`${document.metadata.namespace ?? namespace}/${document.metadata.name}`, document.data);
      };
      for (const deployed of instances) {
        const spec = deployed["spec"] as { definition: string; targetNamespace?: string };
        const source = definitions.find((object) => object.metadata.name === spec.definition)?.["spec"] as
          | { source: { manifests: { objects: unknown } } }
          | undefined;
        expect_(spec.targetNamespace ?? "default-dev", source?.source.manifests.objects ?? []);
      }
      for (const set of sets) expect_("default", (set["spec"] as { objects: unknown }).objects);

      const lease = await server.client.get<StoredObject>({
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        namespace: "kube-system",
        name: "threeport-control-plane",
      });
      const id = (lease["spec"] as { holderIdentity: string }).holderIdentity;
      const ours = `threeport.io/control-plane=${id}`;
      await until(
        "what is leaving the cluster to be gone",
        async () => (await live<StoredObject>("v1", "Namespace", ours)).every((namespace) => namespace.metadata.deletionTimestamp === undefined),
        30_000,
      );
      const found = await live<StoredObject & { data: Record<string, string> }>("v1", "ConfigMap", ours);
      expect(Object.fromEntries(found.map((object) => [`${object.metadata.namespace}/${object.metadata.name}`, object.data]))).toEqual(
        Object.fromEntries(expected),
      );
      const places = new Set(instances.map((object) => (object["spec"] as { targetNamespace?: string }).targetNamespace ?? "default-dev"));
      expect((await live<StoredObject>("v1", "Namespace", ours)).map((namespace) => namespace.metadata.name).toSorted()).toEqual([...places].toSorted());

      // Each object belongs to a set that exists, and each inventory names exactly what is there.
      const known = (await client.list<StoredObject>({ apiVersion: group, kind: "ResourceSet", namespace: "default" })).items;
      const inCluster = [
        ...found,
        ...(await live<StoredObject>("v1", "Namespace", ours)),
        // by which workloads keep to their namespaces (P3)
        ...(await live<StoredObject>("v1", "ServiceAccount", ours)),
        ...(await live<StoredObject>("rbac.authorization.k8s.io/v1", "RoleBinding", ours)),
      ];
      const inventories = await Promise.all(
        known.map(async (set) => {
          const { items } = (await client.request(`/apis/${group}/namespaces/default/resourcesets/${set.metadata.name}/inventory`)).body as {
            items: { uid: string; state: string }[];
          };
          expect(
            items.filter((item) => item.state !== "applied"),
            `inventory of ${set.metadata.name}`,
          ).toEqual([]);
          const owned = inCluster.filter((object) => object.metadata.labels?.["threeport.io/owner"] === `${id}.${set.metadata.uid}`);
          expect(items.map((item) => item.uid).toSorted(), `objects of ${set.metadata.name}`).toEqual(owned.map((object) => object.metadata.uid).toSorted());
          return items.length;
        }),
      );
      expect(inventories.reduce((sum, count) => sum + count, 0)).toBe(inCluster.length);

      // No generation became two releases.
      const releases = (await client.list<StoredObject>({ apiVersion: group, kind: "Release", namespace: "default" })).items.map(
        (release) => release["spec"] as { definition: string; definitionGeneration: number },
      );
      const generations = releases.map((release) => `${release.definition}@${release.definitionGeneration}`);
      expect(generations.length).toBe(new Set(generations).size);

      expect(await last.stop()).toBe(0);
      expect(await home.processes(), "no process is left, neither of the server nor of its database").toEqual([]);
      await databaseIsClean(
        home,
        known.map((set) => set.metadata.uid),
      );
    },
  );
});

/** No inventory row belongs to a set that is gone, none is pending, and no key is still failing. */
async function databaseIsClean(home: ServerHome, setUids: readonly string[]): Promise<void> {
  await using postgres = await openEmbedded({ dataDir: `${home.folder}/database`, exec: systemExec, clock: systemClock, log: silentLogger });
  await using database = openDatabase(postgres.connectionOptions as ConnectionOptions);
  const inventory = await database.query<{ owner: string; state: string }>({ name: "all_inventory", text: "SELECT owner, state FROM inventory" }, []);
  expect(inventory.filter((row) => row.state !== "applied")).toEqual([]);
  expect(inventory.filter((row) => !setUids.includes(row.owner))).toEqual([]);
  const leased = await database.query({ name: "leased", text: "SELECT queue, key FROM work WHERE lease_owner IS NOT NULL" }, []);
  expect(leased, "a graceful stop holds no lease").toEqual([]);
}
