// Writes begin with the version that this process knows. Here another process has written since, and this one has not heard of it.
import { expect, test } from "vitest";
import type { ApiContext, ObjectName } from "../api.ts";
import { configMap, configMaps } from "../testing/paths.ts";
import { openTestApi, type TestApi } from "../testing/test-api.ts";
import { deleteObject } from "./delete.ts";
import { patchObject } from "./update.ts";

const caller = { user: { name: "other", groups: ["system:masters"] }, author: { priority: 0 as const, fence: undefined } };
const options = { manager: "other" };

interface Elsewhere {
  readonly api: TestApi;
  /** As the other process. */
  patch(name: string, value: object): Promise<number>;
  remove(name: string): Promise<void>;
}

async function openElsewhere(): Promise<Elsewhere & AsyncDisposable> {
  const api = await openTestApi({ pollMs: 3_600_000 });
  const context: ApiContext = { ...api.context, store: await api.openReplica() };
  const target = (name: string): ObjectName => {
    const kind = context.registry.byPlural("", "v1", "configmaps");
    if (kind === undefined) throw new Error("ConfigMaps are always there");
    return { kind, namespace: "default", name };
  };
  return {
    api,
    patch: async (name, value) => (await patchObject(context, caller, target(name), { type: "application/merge-patch+json", value }, options)).rv,
    remove: async (name) => void (await deleteObject(context, caller, target(name), {})),
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}

test("K4: a patch changes what another process has written, never what this one remembers", async () => {
  await using elsewhere = await openElsewhere();
  const { api } = elsewhere;
  await api.call("POST", configMaps, { body: configMap("a", { mine: "1" }) });
  await elsewhere.patch("a", { data: { theirs: "1" } });
  const answer = await api.call("PATCH", `${configMaps}/a`, { body: { data: { mine: "2" } } });
  expect([answer.status, answer.body["data"]]).toEqual([200, { mine: "2", theirs: "1" }]);
});

test("K3: a patch that would have changed nothing before another process wrote is written", async () => {
  await using elsewhere = await openElsewhere();
  const { api } = elsewhere;
  await api.call("POST", configMaps, { body: configMap("a", { k: "mine" }) });
  const rv = await elsewhere.patch("a", { data: { k: "theirs" } });
  const answer = await api.call("PATCH", `${configMaps}/a`, { body: { data: { k: "mine" } } });
  expect([answer.body["data"], Number(answer.body.metadata.resourceVersion) > rv]).toEqual([{ k: "mine" }, true]);
});

test("K3: a patch that changes nothing answers the newest version", async () => {
  await using elsewhere = await openElsewhere();
  const { api } = elsewhere;
  await api.call("POST", configMaps, { body: configMap("a", { k: "mine" }) });
  const rv = await elsewhere.patch("a", { data: { other: "theirs" } });
  const answer = await api.call("PATCH", `${configMaps}/a`, { body: { data: { k: "mine" } } });
  expect([answer.body["data"], Number(answer.body.metadata.resourceVersion)]).toEqual([{ k: "mine", other: "theirs" }, rv]);
});

test("K4: a PUT is stale or not by what another process has written", async () => {
  await using elsewhere = await openElsewhere();
  const { api } = elsewhere;
  const made = (await api.call("POST", configMaps, { body: configMap("a", { k: "1" }) })).body;
  const rv = await elsewhere.patch("a", { data: { k: "2" } });
  const put = (resourceVersion: string) => api.call("PUT", `${configMaps}/a`, { body: configMap("a", { k: "3" }, { resourceVersion }) });
  expect((await put(made.metadata.resourceVersion)).status).toBe(409);
  const answer = await put(String(rv));
  expect([answer.status, answer.body["data"]]).toEqual([200, { k: "3" }]);
});

test("a refusal is about the newest version: what it tests, and whether it is there at all", async () => {
  await using elsewhere = await openElsewhere();
  const { api } = elsewhere;
  const patchIf = (value: string) =>
    api.call("PATCH", `${configMaps}/a`, {
      headers: { "content-type": "application/json-patch+json" },
      body: JSON.stringify([
        { op: "test", path: "/data/k", value },
        { op: "replace", path: "/data/k", value: "patched" },
      ]),
    });
  await api.call("POST", configMaps, { body: configMap("a", { k: "1" }) });
  await elsewhere.patch("a", { data: { k: "2" } });
  expect((await patchIf("2")).body["data"]).toEqual({ k: "patched" });
  await elsewhere.patch("a", { data: { k: "3" } });
  expect((await patchIf("patched")).status).toBe(422);
  await elsewhere.remove("a");
  expect([(await patchIf("3")).status, (await api.call("DELETE", `${configMaps}/a`)).status]).toEqual([404, 404]);
});

test("a delete takes the newest version along, and its preconditions are about it", async () => {
  await using elsewhere = await openElsewhere();
  const { api } = elsewhere;
  const made = (await api.call("POST", configMaps, { body: configMap("a", { k: "1" }) })).body;
  const rv = await elsewhere.patch("a", { metadata: { finalizers: ["example.com/hold"] } });
  const remove = (resourceVersion: string) => api.call("DELETE", `${configMaps}/a`, { body: { preconditions: { resourceVersion } } });
  expect((await remove(made.metadata.resourceVersion)).status).toBe(409);
  const answer = await remove(String(rv));
  expect([answer.status, answer.body.metadata["finalizers"]]).toEqual([200, ["example.com/hold"]]);
});

test("what is only tried is tried on the newest version", async () => {
  await using elsewhere = await openElsewhere();
  const { api } = elsewhere;
  await api.call("POST", configMaps, { body: configMap("a", { mine: "1" }) });
  await elsewhere.patch("a", { data: { theirs: "1" } });
  const answer = await api.call("PATCH", `${configMaps}/a?dryRun=All`, { body: { data: { mine: "2" } } });
  expect(answer.body["data"]).toEqual({ mine: "2", theirs: "1" });
});
