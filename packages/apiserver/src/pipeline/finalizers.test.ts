import { expect, test } from "vitest";
import { configMap, configMaps, widget, widgets } from "../testing/paths.ts";
import { openTestApi } from "../testing/test-api.ts";

const hold = "test.threeport.io/hold";
const second = "test.threeport.io/second";

test("K5: finalizers hold a deleted object; the write that removes the last one deletes it; a later object of the name has a new uid", async () => {
  await using api = await openTestApi();
  const made = (await api.call("POST", widgets, { body: widget("a", {}, { finalizers: [hold, second] }) })).body;
  expect((await api.call("DELETE", `${widgets}/a`)).status).toBe(200);
  expect((await api.call("POST", widgets, { body: widget("a") })).body.reason).toBe("AlreadyExists");
  expect((await api.call("PATCH", `${widgets}/a`, { body: { metadata: { finalizers: [second] } } })).status).toBe(200);
  expect((await api.call("GET", `${widgets}/a`)).body.metadata["finalizers"]).toEqual([second]);
  expect((await api.call("PATCH", `${widgets}/a`, { body: { metadata: { finalizers: null } } })).status).toBe(200);
  expect((await api.call("GET", `${widgets}/a`)).status).toBe(404);
  const again = (await api.call("POST", widgets, { body: widget("a") })).body;
  expect(again.metadata.uid).not.toBe(made.metadata.uid);
});

test("K5: no finalizer is added after deletion was asked for, by no sort of write", async () => {
  await using api = await openTestApi();
  await api.call("POST", widgets, { body: widget("a", {}, { finalizers: [hold] }) });
  await api.call("DELETE", `${widgets}/a`);
  const current = (await api.call("GET", `${widgets}/a`)).body;
  const answers = [
    await api.call("PATCH", `${widgets}/a`, { body: { metadata: { finalizers: [hold, second] } } }),
    await api.call("PATCH", `${widgets}/a`, {
      body: [{ op: "add", path: "/metadata/finalizers/-", value: second }],
      headers: { "content-type": "application/json-patch+json" },
    }),
    await api.call("PUT", `${widgets}/a`, { body: { ...current, metadata: { ...current.metadata, finalizers: [second] } } }),
  ];
  expect(answers.map((answer) => [answer.status, answer.body.details?.causes?.[0]?.field])).toEqual(answers.map(() => [422, "metadata.finalizers"]));
  expect((await api.call("GET", `${widgets}/a`)).body).toEqual(current);
});

test("K5: deletionTimestamp is the server's: nobody sets it and nobody takes it back", async () => {
  await using api = await openTestApi();
  const made = await api.call("POST", configMaps, {
    body: configMap("a", {}, { finalizers: [hold], deletionTimestamp: "2026-01-01T00:00:00Z", deletionGracePeriodSeconds: 5 }),
  });
  expect([made.body.metadata["deletionTimestamp"], made.body.metadata["deletionGracePeriodSeconds"]]).toEqual([undefined, undefined]);
  await api.call("PATCH", `${configMaps}/a`, { body: { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } } });
  expect((await api.call("GET", `${configMaps}/a`)).body.metadata["deletionTimestamp"]).toBeUndefined();
  const marked = (await api.call("DELETE", `${configMaps}/a`)).body.metadata["deletionTimestamp"];
  await api.call("PATCH", `${configMaps}/a`, { body: { metadata: { deletionTimestamp: null } } });
  expect((await api.call("GET", `${configMaps}/a`)).body.metadata["deletionTimestamp"]).toBe(marked);
});

test("K5: removing the last finalizer of an object that nobody deleted keeps it", async () => {
  await using api = await openTestApi();
  await api.call("POST", configMaps, { body: configMap("a", {}, { finalizers: [hold] }) });
  await api.call("PATCH", `${configMaps}/a`, { body: { metadata: { finalizers: [] } } });
  expect((await api.call("GET", `${configMaps}/a`)).status).toBe(200);
});
