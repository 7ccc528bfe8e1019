import { expect, test } from "vitest";
import { systemClock } from "@threeport/platform";
import { isErrorCode, type StoredObject } from "@threeport/resource";
import { configMap } from "@threeport/cluster/testing";
import { until } from "@threeport/engine/testing";
import { openOwnDatabase, type OwnDatabase } from "./testing/own-database.ts";
import { anywhere, conditionOf, definition, definitions, openTestControlPlane, type TestControlPlane } from "./testing/index.ts";

/** Leases of what was under way when the database died end by themselves after this time. */
const leaseMs = 30_000;

async function answerTo(plane: TestControlPlane, path: string): Promise<{ status: number; text: string }> {
  try {
    const { status, body } = await plane.client.request(path, { repeatable: false });
    return { status, text: String(body) };
  } catch (error) {
    const { detail, message } = error as { detail: { httpStatus?: number }; message: string };
    return { status: detail.httpStatus ?? 0, text: message };
  }
}

const outages = [
  { name: "killed", end: (database: OwnDatabase) => database.kill() },
  { name: "stopped as for an upgrade", end: (database: OwnDatabase) => database.stop() },
] as const;

for (const { name, end } of outages) {
  test(
    `F5: a database that is ${name} under the running server: 503 meanwhile, nothing acknowledged is lost, and all goes on by itself`,
    { timeout: 120_000 },
    async () => {
      await using database = await openOwnDatabase();
      await using plane = await openTestControlPlane({ databaseUrl: database.url });
      const names = Array.from({ length: 20 }, (_, index) => `work-${index}`);
      await plane.create(configMap("default", "before", { key: "acknowledged" }));
      const seen: string[] = [];
      const looking = new AbortController();
      const watching = follow(plane, seen, looking.signal);
      await until("the watch to be open", () => seen.includes("before"));

      // The end comes while work is under way.
      const creating = names.map((each) =>
        plane.create(definition(each, [anywhere(configMap("", each))])).then(
          () => each,
          () => undefined,
        ),
      );
      await end(database);
      const acknowledged = (await Promise.all(creating)).filter((each) => each !== undefined);

      await expect(plane.create(configMap("default", "during"))).rejects.toMatchObject({
        code: "TP_DATABASE_UNAVAILABLE",
        detail: { httpStatus: 503, reason: "ServiceUnavailable" },
      });
      await expect(plane.get({ apiVersion: "v1", kind: "ConfigMap", namespaced: true }, "before")).rejects.toMatchObject({ detail: { httpStatus: 503 } });
      const readiness = await answerTo(plane, "/readyz");
      expect(readiness.status).toBe(503);
      expect(readiness.text).toContain("database cannot be reached");
      expect((await answerTo(plane, "/livez")).status, "restarting the server would mend nothing").toBe(200);

      await database.start();
      await until("the server to be ready", async () => (await answerTo(plane, "/readyz")).status === 200);
      expect((await plane.get<StoredObject & { data: object }>({ apiVersion: "v1", kind: "ConfigMap", namespaced: true }, "before"))?.data).toEqual({
        key: "acknowledged",
      });
      for (const each of acknowledged) expect(await plane.get(definitions, each), `${each} was acknowledged`).toBeDefined();
      for (const each of names) if ((await plane.get(definitions, each)) === undefined) await plane.create(definition(each, [anywhere(configMap("", each))]));
      await plane.create(configMap("default", "after"));
      await until("the watch to see what came after", () => seen.includes("after"));
      await until(
        "all of the work to be done",
        async () => {
          const found = (await plane.client.list<StoredObject>({ apiVersion: definitions.apiVersion, kind: definitions.kind, namespace: "default" })).items;
          return found.length === names.length && found.every((object) => conditionOf(object, "Ready")?.status === "True");
        },
        2 * leaseMs,
      );
      looking.abort(new Error("seen enough"));
      await watching;
    },
  );
}

/** A watch as clients keep it: opened again whenever it ends, after a list. */
async function follow(plane: TestControlPlane, seen: string[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const { items, resourceVersion } = await plane.client.listPath<StoredObject>("/api/v1/namespaces/default/configmaps", { signal });
      seen.push(...items.map((item) => item.metadata.name));
      for await (const event of plane.client.watch<StoredObject>("/api/v1/namespaces/default/configmaps", { resourceVersion, signal }))
        seen.push(event.object.metadata.name);
    } catch (error) {
      if (signal.aborted) return;
      if (!isErrorCode(error, "TP_DATABASE_UNAVAILABLE") && !isErrorCode(error, "TP_UNAVAILABLE") && !isErrorCode(error, "TP_RUNTIME_UNREACHABLE")) throw error;
      await systemClock.sleep(50, signal).catch(() => {});
    }
  }
}
