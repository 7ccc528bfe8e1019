// F5, S9: a control plane is restored from a backup that its clusters have outlived.
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemExec } from "@threeport/platform";
import type { KubeClient } from "@threeport/client";
import { configMap, describeWithKubernetes, startApiServer, type TestApiServer } from "@threeport/cluster/testing";
import { until } from "@threeport/engine/testing";
import type { KubeObject, StoredObject } from "@threeport/resource";
import { anywhere, definition, environment, instance } from "./testing/documents.ts";
import { openServerHome, type ServerHome } from "./testing/server-process.ts";
import { conditionOf } from "./testing/test-control-plane.ts";

const group = "threeport.io/v1alpha1";
const main = join(import.meta.dirname, "main.ts");
const inPlace = "default-dev";

async function command(home: ServerHome, ...words: readonly string[]): Promise<void> {
  const { code, stderr } = await systemExec.run(process.execPath, [main, ...words, "--home", home.folder], { env: { DATABASE_URL: undefined } });
  expect(code, stderr).toBe(0);
}

describeWithKubernetes("S9: restored from an older backup", () => {
  let cluster: TestApiServer;
  let home: ServerHome;
  let restored: ServerHome;
  beforeAll(async () => {
    [cluster, home, restored] = await Promise.all([
      startApiServer({ controllers: ["namespace", "clusterrole-aggregation"] }),
      openServerHome(),
      openServerHome(),
    ]);
  });
  afterAll(async () => {
    await home?.[Symbol.asyncDispose]();
    await restored?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  const create = (client: KubeClient, object: KubeObject): Promise<StoredObject> =>
    client.create<StoredObject>(
      { apiVersion: object.apiVersion, kind: object.kind, ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }) },
      object,
    );
  const documents = (...names: readonly string[]): KubeObject[] => names.map((name) => anywhere(configMap("", name, { from: name })));
  const redefine = async (client: KubeClient, name: string, ...names: readonly string[]): Promise<void> => {
    await client.patch(
      { apiVersion: group, kind: "WorkloadDefinition", namespace: "default", name },
      { spec: { source: { manifests: { objects: documents(...names) } } } },
    );
  };
  const ready = async (client: KubeClient, name: string): Promise<void> => {
    await until(`${name} to be ready`, async () => {
      const object = await client.get<StoredObject>({ apiVersion: group, kind: "WorkloadInstance", namespace: "default", name });
      const condition = conditionOf(object, "Ready");
      if (condition?.status === "True" && condition.observedGeneration === object.metadata.generation) return true;
      throw new Error(JSON.stringify(condition));
    });
  };
  const live = async (): Promise<Record<string, string>> => {
    const { items } = await cluster.client.listPath<StoredObject>(`/api/v1/namespaces/${inPlace}/configmaps`);
    return Object.fromEntries(items.map(({ metadata }) => [metadata.name, metadata.uid]));
  };

  test(
    "S9, F5: nothing that came into the clusters after the backup is deleted, what the backup knows is brought back, and the control plane settles",
    { timeout: 120_000 },
    async () => {
      const running = home.start();
      await running.ready;
      await using client = await home.client();
      await create(client, {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "kubeconfig", namespace: "default" },
        stringData: { kubeconfig: cluster.kubeconfig },
      });
      await create(client, {
        apiVersion: group,
        kind: "KubernetesRuntimeInstance",
        metadata: { name: "one" },
        spec: { provider: "kubeconfig", kubeconfig: { secretRef: { namespace: "default", name: "kubeconfig" } } },
      });
      await create(client, environment("dev", "one"));
      for (const [name, ...objects] of [
        ["grows", "old", "made-anew", "taken-out"],
        ["ends", "of-the-one-that-ends"],
      ] as const) {
        await create(client, definition(name, documents(...objects)));
        await create(client, instance(name, name));
        await ready(client, name);
      }
      const file = join(restored.folder, "backup.gz");
      await command(home, "backup", file);

      // Life goes on: a workload more, one less, an object more and one less in the third, and one that was made anew under its name.
      const atBackup = await live();
      await create(client, definition("later", documents("of-a-later-workload")));
      await create(client, instance("later", "later"));
      await redefine(client, "grows", "old", "made-anew", "added-later");
      await cluster.client.delete({ apiVersion: "v1", kind: "ConfigMap", namespace: inPlace, name: "made-anew" });
      await client.delete({ apiVersion: group, kind: "WorkloadInstance", namespace: "default", name: "ends" });
      await ready(client, "later");
      await ready(client, "grows");
      await until("the cluster to follow", async () => {
        const now = await live();
        return (
          now["made-anew"] !== undefined &&
          now["made-anew"] !== atBackup["made-anew"] &&
          now["of-the-one-that-ends"] === undefined &&
          now["taken-out"] === undefined
        );
      });
      const before = await live();
      await running.kill();

      await mkdir(join(restored.folder, "keys"), { recursive: true });
      await cp(join(home.folder, "keys", "key-encryption-key"), join(restored.folder, "keys", "key-encryption-key"));
      await command(restored, "restore", file);
      await restored.start().ready;
      await using again = await restored.client();
      for (const name of ["grows", "ends"]) await ready(again, name);
      await until("what the backup knows to be back", async () => {
        const now = await live();
        return ["taken-out", "of-the-one-that-ends"].every((name) => now[name] !== undefined);
      });
      for (const name of ["grows", "ends"]) await ready(again, name);

      const after = await live();
      for (const name of ["old", "made-anew", "added-later", "of-a-later-workload"])
        expect(after[name], `${name} is the same object as before`).toBe(before[name]);
      await expect(again.get({ apiVersion: group, kind: "WorkloadInstance", namespace: "default", name: "later" })).rejects.toMatchObject({
        code: "TP_NOT_FOUND",
      });
    },
  );
});
