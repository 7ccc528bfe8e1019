import { expect, test } from "vitest";
import { configMap, configMaps, widget, widgets } from "../testing/paths.ts";
import { openTestApi } from "../testing/test-api.ts";

test("K2: a create and a write to the main endpoint leave status alone", async () => {
  await using api = await openTestApi();
  const made = await api.call("POST", widgets, { body: { ...widget("a", { size: 1 }), status: { ready: true } } });
  expect(made.body["status"]).toBeUndefined();
  await api.call("PATCH", `${widgets}/a/status`, { body: { status: { ready: true, phase: "Running" } } });
  const current = (await api.call("GET", `${widgets}/a`)).body;
  const put = await api.call("PUT", `${widgets}/a`, { body: { ...current, spec: { size: 2 }, status: { ready: false } } });
  expect([put.body["status"], put.body["spec"]]).toEqual([{ ready: true, phase: "Running" }, { size: 2 }]);
  const { status: _, ...without } = put.body;
  expect((await api.call("PUT", `${widgets}/a`, { body: { ...without, spec: { size: 3 } } })).body["status"]).toEqual({ ready: true, phase: "Running" });
  expect((await api.call("PATCH", `${widgets}/a`, { body: { status: null, spec: { size: 4 } } })).body["status"]).toEqual({ ready: true, phase: "Running" });
});

test("K2: a write to /status leaves spec, labels, annotations, finalizers and owners alone", async () => {
  await using api = await openTestApi();
  const made = (await api.call("POST", widgets, { body: widget("a", { size: 1 }, { labels: { kept: "yes" } }) })).body;
  const sent = {
    ...made,
    metadata: {
      ...made.metadata,
      labels: { smuggled: "yes" },
      annotations: { smuggled: "yes" },
      finalizers: ["test.threeport.io/smuggled"],
      ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "x", uid: "y" }],
    },
    spec: { size: 9 },
    status: { ready: true },
  };
  const { body } = await api.call("PUT", `${widgets}/a/status`, { body: sent });
  expect(body["spec"]).toEqual({ size: 1 });
  expect(body["status"]).toEqual({ ready: true });
  expect(body.metadata["labels"]).toEqual({ kept: "yes" });
  expect([body.metadata["annotations"], body.metadata["finalizers"], body.metadata["ownerReferences"]]).toEqual([undefined, undefined, undefined]);
});

test("K2: /status checks its own body: wrong types and stale versions are refused", async () => {
  await using api = await openTestApi();
  const made = (await api.call("POST", widgets, { body: widget("a") })).body;
  const wrong = await api.call("PATCH", `${widgets}/a/status`, { body: { status: { ready: "yes" } } });
  expect([wrong.status, wrong.body.details?.causes?.[0]?.field]).toEqual([422, "status.ready"]);
  await api.call("PATCH", `${widgets}/a/status`, { body: { status: { ready: true } } });
  expect((await api.call("PUT", `${widgets}/a/status`, { body: { ...made, status: { ready: false } } })).status).toBe(409);
});

test("K2: kinds without a status, and subresources that nobody has, answer 404; a status is neither created nor deleted", async () => {
  await using api = await openTestApi();
  await api.call("POST", configMaps, { body: configMap("a") });
  await api.call("POST", widgets, { body: widget("a") });
  const statuses = await Promise.all([
    api.call("GET", `${configMaps}/a/status`),
    api.call("GET", `${widgets}/a/scale`),
    api.call("POST", `${widgets}/a/status`, { body: widget("a") }),
    api.call("DELETE", `${widgets}/a/status`),
  ]);
  expect(statuses.map((answer) => answer.status)).toEqual([404, 404, 405, 405]);
  expect((await api.call("GET", `${widgets}/a/status`)).body.metadata.name).toBe("a");
});
