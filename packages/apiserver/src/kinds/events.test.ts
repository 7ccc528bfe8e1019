import { expect, test } from "vitest";
import { openTestApi } from "../testing/test-api.ts";
import { watching } from "../testing/watching.ts";

const core = "/api/v1/namespaces/default/events";
const events = "/apis/events.k8s.io/v1/namespaces/default/events";

const coreEvent = (name: string) => ({
  metadata: { name },
  involvedObject: { kind: "ConfigMap", namespace: "default", name: "c" },
  reason: "Told",
  message: "something",
  type: "Normal",
  source: { component: "me" },
  firstTimestamp: "2026-01-01T00:00:00Z",
  lastTimestamp: "2026-01-01T00:01:00Z",
  count: 3,
});

const newEvent = (name: string, more: object = {}) => ({
  metadata: { name },
  eventTime: "2026-01-01T00:00:00.000001Z",
  reportingController: "example.com/me",
  reportingInstance: "me-1",
  action: "Looking",
  reason: "Seen",
  regarding: { kind: "ConfigMap", namespace: "default", name: "c" },
  note: "something",
  type: "Warning",
  ...more,
});

test("an event that is written in one group is read in the other, under the names of that group, and is one object", async () => {
  await using api = await openTestApi();
  const old = (await api.call("POST", core, { body: coreEvent("old") })).body;
  const seen = (await api.call("GET", `${events}/old`)).body;
  expect(seen).toMatchObject({
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    regarding: { name: "c" },
    note: "something",
    deprecatedSource: { component: "me" },
    deprecatedFirstTimestamp: "2026-01-01T00:00:00Z",
    deprecatedCount: 3,
    eventTime: null,
  });
  expect([seen.metadata["uid"], seen["message"], seen["involvedObject"], seen["reportingComponent"]]).toEqual([
    old.metadata["uid"],
    undefined,
    undefined,
    undefined,
  ]);
  const made = await api.call("POST", events, { body: newEvent("new") });
  expect([made.status, made.body.apiVersion, made.body["note"]]).toEqual([201, "events.k8s.io/v1", "something"]);
  expect((await api.call("GET", `${core}/new`)).body).toMatchObject({
    apiVersion: "v1",
    involvedObject: { name: "c" },
    message: "something",
    reportingComponent: "example.com/me",
    firstTimestamp: null,
    source: {},
  });
  for (const path of [core, events]) expect((await api.call("GET", path)).body.items.map((item) => item.metadata.name)).toEqual(["new", "old"]);
  expect((await api.call("POST", events, { body: newEvent("old") })).status).toBe(409);
  expect((await api.call("DELETE", `${events}/old`)).status).toBe(200);
  expect((await api.call("GET", `${core}/old`)).status).toBe(404);
});

test("either group changes the event, a change that is none stays none, and managers are told by the fields of the group that is read", async () => {
  await using api = await openTestApi();
  const path = `${events}/a`;
  const made = (await api.call("POST", events, { body: newEvent("a") })).body;
  const same = await api.call("PUT", path, { body: made });
  expect(same.body.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
  const series = { count: 2, lastObservedTime: "2026-01-01T00:02:00.000000Z" };
  expect((await api.call("PATCH", path, { body: { series } })).body["series"]).toEqual(series);
  const labelled = await api.call("PATCH", `${core}/a`, { body: { metadata: { labels: { x: "y" } } } });
  expect([labelled.status, labelled.body["series"]]).toEqual([200, series]);
  const fields = async (from: string) =>
    ((await api.call("GET", from)).body.metadata["managedFields"] as { apiVersion: string; fieldsV1: object }[]).map(({ apiVersion, fieldsV1 }) => [
      apiVersion,
      Object.keys(fieldsV1)
        .filter((field) => /note|message|regarding|involved/.test(field))
        .toSorted(),
    ]);
  expect(await fields(path)).toContainEqual(["events.k8s.io/v1", ["f:note", "f:regarding"]]);
  expect(await fields(`${core}/a`)).toContainEqual(["v1", ["f:involvedObject", "f:message"]]);
});

test("watches, selectors and tables of both groups tell of all events", async () => {
  await using api = await openTestApi();
  await using old = await watching(api, `${core}?fieldSelector=involvedObject.name%3Dc`);
  await using now = await watching(api, `${events}?fieldSelector=regarding.name%3Dc`);
  await api.call("POST", core, { body: coreEvent("old") });
  await api.call("POST", events, { body: newEvent("new") });
  await api.call("POST", core, { body: { ...coreEvent("other"), involvedObject: { kind: "ConfigMap", namespace: "default", name: "d" } } });
  await api.call("DELETE", `${core}/new`);
  for (const watch of [old, now]) {
    await watch.until(3);
    expect(watch.seen).toEqual(["ADDED old", "ADDED new", "DELETED new"]);
  }
  expect(now.events.map((event) => [event.object["apiVersion"], event.object["note"], event.object["message"]])).toEqual(
    now.events.map(() => ["events.k8s.io/v1", "something", undefined]),
  );
  expect((await api.call("GET", `${events}?fieldSelector=involvedObject.name%3Dc`)).status).toBe(400);
  const rows = async (path: string) =>
    ((await api.call("GET", path, { headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" } })).body["rows"] as { cells: unknown[] }[]).map(
      (row) => row.cells,
    );
  expect(await rows(events)).toEqual(await rows(core));
});

const wrong: { because: string; body: object; field: string }[] = [
  { because: "no time", body: newEvent("a", { eventTime: null }), field: "eventTime" },
  { because: "no controller", body: newEvent("a", { reportingController: "" }), field: "reportingController" },
  { because: "a controller that is no name", body: newEvent("a", { reportingController: "a b" }), field: "reportingController" },
  { because: "no instance", body: newEvent("a", { reportingInstance: undefined }), field: "reportingInstance" },
  { because: "no reason", body: newEvent("a", { reason: undefined }), field: "reason" },
  { because: "a type that is none", body: newEvent("a", { type: "Odd" }), field: "type" },
  { because: "a note that is a book", body: newEvent("a", { note: "x".repeat(1025) }), field: "note" },
  { because: "about something in another namespace", body: newEvent("a", { regarding: { namespace: "other", name: "c" } }), field: "regarding.namespace" },
  { because: "the count of an old event", body: newEvent("a", { deprecatedCount: 3 }), field: "deprecatedCount" },
];
test.each(wrong)("a new event is refused in events.k8s.io: $because", async ({ body, field }) => {
  await using api = await openTestApi();
  const { status, body: answer } = await api.call("POST", events, { body });
  expect([status, answer.details?.causes?.map((cause) => cause.field)]).toEqual([422, [field]]);
});

test("what an event says does not change", async () => {
  await using api = await openTestApi();
  await api.call("POST", events, { body: newEvent("a") });
  expect((await api.call("PATCH", `${events}/a`, { body: { note: "else" } })).status).toBe(422);
});
