// Two servers, real processes, over one PostgreSQL: clients on both, work on both, and everything that can happen to either of them or to the database.
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { systemClock } from "@threeport/platform";
import { createClient, parseKubeconfig, type ConnectionConfig, type KubeClient } from "@threeport/client";
import { until } from "@threeport/engine/testing";
import { isErrorCode, type StoredObject } from "@threeport/resource";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { openOwnDatabase } from "./testing/own-database.ts";
import { configMapsPath, startWatcher, startWriter } from "./testing/replica-load.ts";
import { openServerHome, type ServerHome } from "./testing/server-process.ts";
import { conditionOf } from "./testing/test-control-plane.ts";

const stallMs = 10_000;

test(
  "F1, F4, F5: two servers over one database, under load: either killed, one frozen, the database frozen and restarted, connections cut; nothing acknowledged is lost, no watcher sees a gap, a duplicate or disorder, all work is done",
  { timeout: 180_000 },
  async () => {
    await using database = await openOwnDatabase();
    const env = { THREEPORT_KEY_ENCRYPTION_KEY: randomBytes(32).toString("hex") };
    await using one = await openServerHome({ databaseUrl: database.url, env });
    await using two = await openServerHome({ databaseUrl: database.url, env });
    let first = one.start();
    let second = two.start(); // both at once on an empty database
    await Promise.all([first.ready, second.ready]);

    // One authority and one set of credentials: the access that one of them wrote opens the other.
    await using crossed = createClient({ ...(await accessOf(one)), server: (await accessOf(two)).server });
    await using client = await one.client();
    await sharedKnowledge(client, crossed, await accessOf(two));
    const { resourceVersion } = await crossed.listPath<StoredObject>(configMapsPath);

    const clientOf = [() => one.client(), () => two.client()] as const;
    const writers = [0, 1, 0, 1].map((home, index) => startWriter(`writer-${index}`, clientOf[home === 0 ? 0 : 1]));
    const watchers = clientOf.flatMap((open) => [startWatcher(resourceVersion, open), startWatcher(resourceVersion, open)]);
    const accepted = (): number => writers.reduce((sum, writer) => sum + writer.accepted, 0);
    /** Both servers take writes again. */
    const goesOn = async (what: string): Promise<void> => {
      const marks = writers.map((writer) => writer.accepted);
      await until(`writes through both servers after ${what}`, () => writers.every((writer, index) => writer.accepted > (marks[index] ?? 0) + 2));
    };
    await goesOn("the start");

    await second.kill();
    second = two.start();
    await goesOn("a kill of the second while the first worked");
    await second.ready;
    await first.kill();
    first = one.start();
    await first.ready;
    await goesOn("a kill of the first");

    // Connections end in the middle of transactions, of both, again and again.
    for (let round = 0; round < 5; round++) {
      await database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'threeport%' AND pid <> pg_backend_pid()");
      await systemClock.sleep(150);
    }
    await goesOn("connections that were cut");

    // A server stands still with leases in its hands: they go to the other long before their 30 s, and nothing of it comes late.
    const held = await freezeWithLeases();
    await until("the leases of the frozen server to go to the other", async () => (await leasesOf(first.pid)).length === 0, 20_000);
    const goesOnMeanwhile = writers.map((writer) => writer.accepted);
    await until("writes through the other server", () => writers.some((writer, index) => writer.accepted > (goesOnMeanwhile[index] ?? 0)));
    first.signal("SIGCONT");
    await goesOn(`a freeze of the first (it held ${held.length} leases)`);

    await database.freeze();
    await systemClock.sleep(stallMs);
    await database.thaw();
    await goesOn("a freeze of the database");
    await database.stop();
    await database.start();
    await goesOn("a restart of the database");

    for (const writer of writers) await writer.stop();
    for (const writer of writers) await writer.check(crossed);
    const definitions = writers.flatMap((writer) => writer.definitions);
    await until("all work to be done", async () => {
      const { items } = await client.listPath<StoredObject>("/apis/threeport.io/v1alpha1/namespaces/default/workloaddefinitions");
      const missing = definitions.filter((name) => !items.some((item) => item.metadata.name === name && conditionOf(item, "Ready")?.status === "True"));
      if (missing.length > 0) throw new Error(`not ready: ${missing.join(", ")}`);
      return true;
    });

    const log = await database.sql<{ rv: string }>("SELECT rv FROM version WHERE kind = 'configmaps' AND rv > $1 ORDER BY rv", [Number(resourceVersion)]);
    const expected = log.map(({ rv }) => Number(rv));
    await until("all watchers to have seen the last change", () => watchers.every((watcher) => (watcher.seen.at(-1) ?? 0) >= (expected.at(-1) ?? 0)));
    for (const watcher of watchers) await watcher.stop();
    for (const [index, watcher] of watchers.entries()) expect(watcher.seen, `watcher ${index}`).toEqual(expected);
    expect(accepted()).toBeGreaterThan(200);
    const lists = await Promise.all(clientOf.map(async (open) => namesOf(await open())));
    expect(lists[0]).toEqual(lists[1]);

    async function leasesOf(pid: number): Promise<readonly { key: string }[]> {
      return database.sql<{ key: string }>("SELECT key FROM work WHERE lease_owner LIKE $1", [`${pid}@%`]);
    }
    /** Work takes milliseconds: it is caught in the act by trying. */
    async function freezeWithLeases(): Promise<readonly { key: string }[]> {
      return until("the first server to be frozen with work in its hands", async () => {
        first.signal("SIGSTOP");
        const leases = await leasesOf(first.pid);
        if (leases.length > 0) return leases;
        first.signal("SIGCONT");
        return undefined;
      });
    }
  },
);

/** What one server is told the other knows: new kinds, rights, tokens, and that they are taken back. */
async function sharedKnowledge(one: KubeClient, two: KubeClient, otherServer: ConnectionConfig): Promise<void> {
  const group = "replicas.example.com";
  await one.create(
    { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" },
    {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `notes.${group}` },
      spec: {
        group,
        scope: "Namespaced",
        names: { plural: "notes", kind: "Note" },
        versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object", properties: { text: { type: "string" } } } } }],
      },
    },
  );
  const notes = `/apis/${group}/v1/namespaces/default/notes`;
  await until("the other server to serve the new kind", async () => {
    await two.request(notes, { method: "POST", body: { apiVersion: `${group}/v1`, kind: "Note", metadata: { name: "n" }, text: "by two" }, repeatable: false });
    return true;
  });
  expect((await one.listPath<StoredObject>(notes)).items.map((item) => item.metadata.name)).toEqual(["n"]);

  // A token that one makes is believed by the other, has the rights that the other was told, and ends there when its account goes here.
  const inDefault = "/api/v1/namespaces/default";
  await one.request(`${inDefault}/serviceaccounts`, { method: "POST", body: { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "ci" } } });
  const asked = await one.request(`${inDefault}/serviceaccounts/ci/token`, {
    method: "POST",
    body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
  });
  await using robot = createClient({ ...otherServer, token: (asked.body as { status: { token: string } }).status.token });
  await expect(robot.listPath(`${inDefault}/configmaps`)).rejects.toMatchObject({ code: "TP_FORBIDDEN" });
  await two.request("/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings", {
    method: "POST",
    body: {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata: { name: "ci" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
      subjects: [{ kind: "ServiceAccount", name: "ci", namespace: "default" }],
    },
  });
  await until("the right that one gave to hold at the other", async () => {
    await robot.listPath(`${inDefault}/configmaps`);
    return true;
  });
  await one.request(`${inDefault}/serviceaccounts/ci`, { method: "DELETE" });
  await until("the token to end at the other", async () =>
    robot.listPath(`${inDefault}/configmaps`).then(
      () => false,
      (error: unknown) => isErrorCode(error, "TP_UNAUTHORIZED"),
    ),
  );
}

async function accessOf(home: ServerHome) {
  return parseKubeconfig(await readFile(join(home.folder, "admin.kubeconfig"), "utf8"));
}

async function namesOf(client: KubeClient): Promise<string[]> {
  await using owned = client;
  return (await owned.listPath<StoredObject>(configMapsPath)).items.map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`);
}
