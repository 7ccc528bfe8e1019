import { expect, test } from "vitest";
import { configMap, configMaps, secrets, widget, widgets } from "../testing/paths.ts";
import { openTestApi } from "../testing/test-api.ts";

test("K3: a write equal to what is stored keeps the version, makes no event and no work", async () => {
  await using api = await openTestApi({ controlled: ["widgets.test.threeport.io"] });
  await api.call("POST", widgets, { body: widget("a", { size: 1 }, { labels: { a: "b" } }) });
  await api.call("PATCH", `${widgets}/a/status`, { body: { status: { ready: true } } });
  const read = (await api.call("GET", `${widgets}/a`)).body;
  const version = read.metadata.resourceVersion;
  const work = () => api.store.database.query({ name: "", text: "SELECT queue, key, generation FROM work ORDER BY 1, 2" }, []);
  const before = await work();
  expect(before).toHaveLength(1);
  const rv = await api.store.reader.currentRv();

  const answers = [
    await api.call("PUT", `${widgets}/a`, { body: read }),
    await api.call("PATCH", `${widgets}/a`, { body: {} }),
    await api.call("PATCH", `${widgets}/a`, { body: { spec: { size: 1 }, metadata: { labels: { a: "b" } } } }),
    await api.call("PATCH", `${widgets}/a`, {
      body: [{ op: "replace", path: "/spec/size", value: 1 }],
      headers: { "content-type": "application/json-patch+json" },
    }),
    await api.call("PATCH", `${widgets}/a/status`, { body: { status: { ready: true } } }),
    await api.call("PATCH", `${widgets}/a`, { body: { metadata: { managedFields: [{ manager: "x", time: "2026-01-01T00:00:00Z" }] } } }),
  ];
  expect(answers.map((answer) => [answer.status, answer.body.metadata.resourceVersion])).toEqual(answers.map(() => [200, version]));
  expect(await api.store.reader.currentRv()).toBe(rv);
  expect(await work()).toEqual(before);
});

test("K3: the order of keys, and fields that the server prunes, do not make a difference", async () => {
  await using api = await openTestApi();
  await api.call("POST", configMaps, { body: configMap("a", { x: "1", y: "2" }) });
  const first = (await api.call("GET", `${configMaps}/a`)).body;
  const again = await api.call("PUT", `${configMaps}/a`, {
    body: { data: { y: "2", x: "1" }, surprise: true, kind: "ConfigMap", apiVersion: "v1", metadata: { name: "a" } },
  });
  expect([again.status, again.body.metadata.resourceVersion]).toEqual([200, first.metadata.resourceVersion]);
});

test("K3: a Secret written again in plain text is the same Secret", async () => {
  await using api = await openTestApi();
  const body = { apiVersion: "v1", kind: "Secret", metadata: { name: "a" }, stringData: { password: "p" } };
  const made = await api.call("POST", secrets, { body });
  const again = await api.call("PUT", `${secrets}/a`, { body });
  expect([again.status, again.body.metadata.resourceVersion]).toEqual([200, made.body.metadata.resourceVersion]);
});
