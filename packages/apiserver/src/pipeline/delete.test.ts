import { expect, test } from "vitest";
import { configMap, configMaps, shelf, shelves, widget, widgets } from "../testing/paths.ts";
import { openTestApi } from "../testing/test-api.ts";

test("a delete of what nothing holds removes it at once and says which object it was", async () => {
  await using api = await openTestApi();
  const made = (await api.call("POST", widgets, { body: widget("a") })).body;
  const gone = await api.call("DELETE", `${widgets}/a`);
  expect([gone.status, gone.body]).toEqual([
    200,
    {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Success",
      details: { name: "a", group: "test.threeport.io", kind: "widgets", uid: made.metadata.uid },
    },
  ]);
  const again = await api.call("DELETE", `${widgets}/a`);
  expect([again.status, again.body.reason]).toEqual([404, "NotFound"]);
});

test("preconditions that do not hold, or cannot be read, delete nothing", async () => {
  await using api = await openTestApi();
  const made = (await api.call("POST", configMaps, { body: configMap("a") })).body;
  const { uid, resourceVersion } = made.metadata;
  const cases = [
    { because: "the uid is of another life of that name", preconditions: { uid: "other" }, status: 409 },
    { because: "the version is not current", preconditions: { resourceVersion: "1" }, status: 409 },
    { because: "one of two is wrong", preconditions: { uid, resourceVersion: "1" }, status: 409 },
    { because: "a uid that is no text must not count as none", preconditions: { uid: 5 }, status: 400 },
    { because: "neither must preconditions that are no object", preconditions: "uid", status: 400 },
  ];
  for (const { because, preconditions, status } of cases)
    expect((await api.call("DELETE", `${configMaps}/a`, { body: { preconditions } })).status, because).toBe(status);
  expect((await api.call("GET", `${configMaps}/a`)).body).toEqual(made);
  expect((await api.call("DELETE", `${configMaps}/a`, { body: { preconditions: { uid, resourceVersion } } })).status).toBe(200);
});

test("propagation becomes the finalizer that the collector acts on; Background adds none", async () => {
  await using api = await openTestApi();
  const cases = [
    { sent: { body: { propagationPolicy: "Foreground" } }, query: "", finalizers: ["foregroundDeletion"] },
    { sent: {}, query: "?propagationPolicy=Foreground", finalizers: ["foregroundDeletion"] },
    { sent: { body: { propagationPolicy: "Orphan" } }, query: "", finalizers: ["orphan"] },
    { sent: { body: { orphanDependents: true } }, query: "", finalizers: ["orphan"] },
  ];
  for (const { sent, query, finalizers } of cases) {
    await api.call("POST", configMaps, { body: configMap("a") });
    const marked = await api.call("DELETE", `${configMaps}/a${query}`, sent);
    expect([marked.status, marked.body.metadata["finalizers"]]).toEqual([200, finalizers]);
    await api.call("PATCH", `${configMaps}/a`, { body: { metadata: { finalizers: null } } });
  }
  await api.call("POST", configMaps, { body: configMap("b") });
  expect((await api.call("DELETE", `${configMaps}/b`, { body: { propagationPolicy: "Background" } })).status).toBe(200);
  expect((await api.call("DELETE", `${configMaps}/c?propagationPolicy=Sideways`)).status).toBe(422);
  expect((await api.call("DELETE", `${configMaps}/c`, { body: { propagationPolicy: 5 } })).status).toBe(400);
  expect((await api.call("DELETE", `${configMaps}/c`, { body: [] })).status).toBe(400);
});

test("asking again for Foreground changes nothing; asking for another propagation lets go of it", async () => {
  await using api = await openTestApi();
  await api.call("POST", configMaps, { body: configMap("a") });
  const first = await api.call("DELETE", `${configMaps}/a?propagationPolicy=Foreground`);
  const second = await api.call("DELETE", `${configMaps}/a?propagationPolicy=Foreground`);
  expect([second.status, second.body]).toEqual([200, first.body]);
  expect((await api.call("DELETE", `${configMaps}/a`)).status).toBe(200);
  expect((await api.call("DELETE", `${configMaps}/a?propagationPolicy=Background`)).status).toBe(200);
  expect((await api.call("GET", `${configMaps}/a`)).status).toBe(404);
});

test("deletecollection takes what a list would show, and nothing else", async () => {
  await using api = await openTestApi();
  for (let index = 0; index < 70; index++)
    await api.objects.create({ ...configMap(`c${index}`, {}, { namespace: "default", labels: { half: index % 2 === 0 ? "even" : "odd" } }) });
  await api.objects.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "other" } });
  await api.objects.create(configMap("elsewhere", {}, { namespace: "other", labels: { half: "even" } }));
  const deleted = await api.call("DELETE", `${configMaps}?labelSelector=half%3Deven`);
  expect([deleted.status, deleted.body.kind, deleted.body.items.length]).toEqual([200, "ConfigMapList", 35]);
  const left = await api.call("GET", "/api/v1/configmaps");
  expect(left.body.items.filter((item) => (item.metadata["labels"] as { half: string }).half === "even").map((item) => item.metadata.name)).toEqual([
    "elsewhere",
  ]);
  await api.call("DELETE", configMaps);
  expect((await api.call("GET", configMaps)).body.items).toEqual([]);
});

test("deletecollection marks what finalizers hold, and stops at what is in use", async () => {
  await using api = await openTestApi();
  await api.call("POST", configMaps, { body: configMap("held", {}, { finalizers: ["test.threeport.io/hold"] }) });
  await api.call("DELETE", configMaps);
  expect((await api.call("GET", `${configMaps}/held`)).body.metadata["deletionTimestamp"]).toBeTypeOf("string");
  await api.call("POST", shelves, { body: shelf("used") });
  await api.call("POST", widgets, { body: widget("user", { shelf: "used" }) });
  expect((await api.call("DELETE", shelves)).body.reason).toBe("Conflict");
  expect((await api.call("GET", `${shelves}/used`)).status).toBe(200);
});
