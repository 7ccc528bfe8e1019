import { expect, test } from "vitest";
import { systemClock, type Clock } from "@threeport/platform";
import { configMap, configMaps, namespaces, secrets, widget, widgets } from "../testing/paths.ts";
import { openTestApi, type TestApi } from "../testing/test-api.ts";
import { watching, type SeenEvent } from "../testing/watching.ts";

const put = (api: TestApi, name: string, value: string) => api.call("PATCH", `${configMaps}/${name}`, { body: { data: { k: value } } });
const versionNow = async (api: TestApi) => (await api.call("GET", configMaps)).body.metadata.resourceVersion;

test("S4: a watch without a version, or from 0, begins with what is there and goes on with what comes", async () => {
  await using api = await openTestApi();
  for (const name of ["a", "b"]) await api.call("POST", configMaps, { body: configMap(name) });
  await using unset = await watching(api, configMaps);
  await using zero = await watching(api, `${configMaps}?resourceVersion=0`);
  await Promise.all([unset.until(2), zero.until(2)]);
  await put(api, "a", "1");
  await api.call("DELETE", `${configMaps}/b`);
  await Promise.all([unset.until(4), zero.until(4)]);
  for (const watch of [unset, zero]) expect(watch.seen).toEqual(["ADDED a", "ADDED b", "MODIFIED a", "DELETED b"]);
});

test("S3: a watch from a list's version sees every later change once and in order, however much is written", async () => {
  await using api = await openTestApi();
  await api.call("POST", configMaps, { body: configMap("a") });
  const from = await versionNow(api);
  const writes = async (part: string) => {
    for (let index = 0; index < 20; index++) expect((await put(api, "a", `${part}${index}`)).body).toMatchObject({ data: { k: `${part}${index}` } });
  };
  const first = Promise.all([writes("x"), writes("y")]);
  await using early = await watching(api, `${configMaps}?resourceVersion=${from}`);
  await first;
  await using late = await watching(api, `${configMaps}?resourceVersion=${from}`);
  await Promise.all([early.until(40), late.until(40)]);
  for (const watch of [early, late]) {
    const versions = watch.events.map((event) => Number(event.object.metadata.resourceVersion));
    expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b));
    expect(watch.seen).toEqual(watch.events.map(() => "MODIFIED a"));
  }
  expect(late.events).toEqual(early.events);
});

test("S3: the event of a deletion carries the object's last state and the deletion's version", async () => {
  await using api = await openTestApi();
  const made = (await api.call("POST", configMaps, { body: configMap("a", { k: "v" }) })).body;
  await using watch = await watching(api, `${configMaps}?resourceVersion=${made.metadata.resourceVersion}`);
  await api.call("DELETE", `${configMaps}/a`);
  const [event] = await watch.until(1);
  expect(event).toMatchObject({ type: "DELETED", object: { data: { k: "v" }, metadata: { name: "a", uid: made.metadata.uid } } });
  expect(Number(event?.object.metadata.resourceVersion)).toBeGreaterThan(Number(made.metadata.resourceVersion));
});

test("S4: from a compacted version the answer is 410, from the future 504, and from no version 400, before anything is sent", async () => {
  await using api = await openTestApi({ ringBytesMax: 1 });
  await api.call("POST", configMaps, { body: configMap("a") });
  const old = await versionNow(api);
  for (let index = 0; index < 5; index++) await put(api, "a", String(index));
  await api.store.maintenance.compact({ ageMs: 0, count: 0 });
  const cases = [
    { query: `resourceVersion=${old}`, status: 410, reason: "Expired" },
    { query: "resourceVersion=99999999", status: 504, reason: "Timeout" },
    { query: "resourceVersion=99999999&sendInitialEvents=true&resourceVersionMatch=NotOlderThan", status: 504, reason: "Timeout" },
    { query: "resourceVersion=x", status: 400, reason: "BadRequest" },
    { query: "sendInitialEvents=true", status: 422, reason: "Invalid" },
    { query: "resourceVersionMatch=NotOlderThan", status: 422, reason: "Invalid" },
    { query: "timeoutSeconds=-1", status: 400, reason: "BadRequest" },
    { query: "labelSelector=%3D", status: 400, reason: "BadRequest" },
  ];
  for (const { query, status, reason } of cases) {
    const answer = await api.call("GET", `${configMaps}?${query.includes("watch=") ? query : `watch=true&${query}`}`);
    expect([answer.status, answer.body.reason], query).toEqual([status, reason]);
  }
  const future = await api.call("GET", `${configMaps}?watch=true&resourceVersion=99999999`);
  expect([future.body.details?.causes?.[0]?.reason, future.headers["retry-after"]]).toEqual(["ResourceVersionTooLarge", "1"]);
  expect((await api.call("POST", `${configMaps}?watch=true`, { body: configMap("b") })).status).toBe(405);
});

test("S4: a watch from a version below the ring, but not compacted, reads the log and misses nothing", async () => {
  await using api = await openTestApi({ ringBytesMax: 1 });
  await api.call("POST", configMaps, { body: configMap("a") });
  const from = await versionNow(api);
  for (let index = 0; index < 30; index++) await put(api, "a", String(index));
  await using watch = await watching(api, `${configMaps}?resourceVersion=${from}`);
  await watch.until(30);
  await put(api, "a", "last");
  const events = await watch.until(31);
  expect(events.map((event) => (event.object["data"] as { k: string }).k)).toEqual([...Array.from({ length: 30 }, (_, index) => String(index)), "last"]);
});

test("S4: sendInitialEvents ends the state with a marked bookmark, also when there is nothing; false leaves the state out", async () => {
  await using api = await openTestApi();
  await using empty = await watching(api, `${secrets}?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`);
  expect((await empty.until(1))[0]).toMatchObject({
    type: "BOOKMARK",
    object: { kind: "Secret", metadata: { annotations: { "k8s.io/initial-events-end": "true" } } },
  });
  for (const name of ["a", "b"]) await api.call("POST", configMaps, { body: configMap(name) });
  const version = await versionNow(api);
  await using full = await watching(
    api,
    `${configMaps}?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=${version}`,
  );
  await using none = await watching(api, `${configMaps}?sendInitialEvents=false&resourceVersionMatch=NotOlderThan`);
  await full.until(3);
  await put(api, "a", "1");
  await Promise.all([full.until(4), none.until(1)]);
  expect(full.events.map((event) => event.type)).toEqual(["ADDED", "ADDED", "BOOKMARK", "MODIFIED"]);
  expect(full.events[2]?.object.metadata).toMatchObject({ resourceVersion: version });
  expect(none.seen).toEqual(["MODIFIED a"]);
});

test("bookmarks come every minute when asked for, and say how far everything has been sent", async () => {
  // Sleeps of a whole minute end at once; everything else takes its time.
  const quick: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms === 60_000 ? 5 : ms, signal) };
  await using api = await openTestApi({ clock: quick });
  await using watch = await watching(api, `${configMaps}?allowWatchBookmarks=true`);
  await using plain = await watching(api, configMaps);
  const made = (await api.call("POST", configMaps, { body: configMap("a") })).body;
  const ofVersion = (event: { object: { metadata: { resourceVersion?: string } } }) => Number(event.object.metadata.resourceVersion);
  const events = await watch.until((seen) => seen.some((event) => event.type === "BOOKMARK" && ofVersion(event) >= Number(made.metadata.resourceVersion)));
  const added = events.findIndex((event) => event.type === "ADDED");
  const covering = events.findIndex((event) => event.type === "BOOKMARK" && ofVersion(event) >= Number(made.metadata.resourceVersion));
  expect([added >= 0, covering > added], "what a bookmark covers was sent before it").toEqual([true, true]);
  expect((await plain.until(1)).map((event) => event.type)).toEqual(["ADDED"]);
});

test("timeoutSeconds ends a watch in order; 0 means the server's own time", async () => {
  await using api = await openTestApi();
  await api.call("POST", configMaps, { body: configMap("a") });
  await using short = await watching(api, `${configMaps}?timeoutSeconds=1`);
  await using zero = await watching(api, `${configMaps}?timeoutSeconds=0`);
  expect([await short.ended, short.seen]).toEqual(["closed", ["ADDED a"]]);
  await put(api, "a", "1");
  await zero.until(2);
  expect(zero.seen).toEqual(["ADDED a", "MODIFIED a"]);
});

test("S3: an object whose labels move into a selection is ADDED there, one that moves out is DELETED with its last state inside", async () => {
  await using api = await openTestApi();
  await api.call("POST", configMaps, { body: configMap("a", { k: "1" }, { labels: { on: "no" } }) });
  await using watch = await watching(api, `${configMaps}?labelSelector=on%3Dyes`);
  const label = (value: string) => api.call("PATCH", `${configMaps}/a`, { body: { metadata: { labels: { on: value } }, data: { k: value } } });
  await label("yes");
  await put(api, "a", "2");
  const out = (await label("no")).body;
  await put(api, "a", "3");
  await label("yes");
  await api.call("DELETE", `${configMaps}/a`);
  const events = await watch.until(5);
  expect(events.map((event) => [event.type, (event.object["data"] as { k: string }).k])).toEqual([
    ["ADDED", "yes"],
    ["MODIFIED", "2"],
    ["DELETED", "2"],
    ["ADDED", "yes"],
    ["DELETED", "yes"],
  ]);
  expect(events[2]?.object.metadata.resourceVersion).toBe(out.metadata.resourceVersion);
});

test("S3: field selectors filter watches like lists, by name, by namespace and by the kind's own fields", async () => {
  await using api = await openTestApi();
  await api.call("POST", namespaces, { body: { metadata: { name: "other" } } });
  const all = "/apis/test.threeport.io/v1alpha1/widgets";
  await using byName = await watching(api, `${all}?fieldSelector=metadata.name%3Da`);
  await using byNamespace = await watching(api, `${all}?fieldSelector=metadata.namespace%3Dother`);
  await using byColor = await watching(api, `${widgets}?fieldSelector=spec.color%3Dred`);
  await api.call("POST", widgets, { body: widget("a", { color: "green" }) });
  await api.call("POST", widgets, { body: widget("b", { color: "red" }) });
  await api.call("POST", "/apis/test.threeport.io/v1alpha1/namespaces/other/widgets", { body: widget("a", { color: "red" }) });
  await api.call("PATCH", `${widgets}/a`, { body: { spec: { color: "red" } } });
  await api.call("PATCH", `${widgets}/b`, { body: { spec: { color: "green" } } });
  await Promise.all([byName.until(3), byNamespace.until(1), byColor.until(3)]);
  expect(byName.seen).toEqual(["ADDED a", "ADDED a", "MODIFIED a"]);
  expect(byNamespace.seen).toEqual(["ADDED a"]);
  expect(byColor.seen).toEqual(["ADDED b", "ADDED a", "DELETED b"]);
});

test("Secrets are watched in the clear by those who may, from the state, the ring and the log", async () => {
  await using api = await openTestApi({ ringBytesMax: 1 });
  await api.call("POST", secrets, { body: { metadata: { name: "a" }, stringData: { k: "1" } } });
  const from = (await api.call("GET", secrets)).body.metadata.resourceVersion;
  await api.call("PATCH", `${secrets}/a`, { body: { stringData: { k: "2" } } });
  await using log = await watching(api, `${secrets}?resourceVersion=${from}`);
  await using state = await watching(api, secrets);
  await Promise.all([log.until(1), state.until(1)]);
  await api.call("PATCH", `${secrets}/a`, { body: { stringData: { k: "3" } } });
  await Promise.all([log.until(2), state.until(2)]);
  for (const watch of [log, state])
    expect(watch.events.map((event) => (event.object["data"] as { k: string }).k)).toEqual(["2", "3"].map((text) => Buffer.from(text).toString("base64")));
});

test("the client's reflector-like loop sees one consistent history over a restart of the watch at any version", async () => {
  await using api = await openTestApi();
  await api.call("POST", configMaps, { body: configMap("a") });
  const from = await versionNow(api);
  for (let index = 0; index < 10; index++) await put(api, "a", String(index));
  await using whole = await watching(api, `${configMaps}?resourceVersion=${from}`);
  const events = await whole.until(10);
  for (const [index, event] of events.entries()) {
    await using rest = await watching(api, `${configMaps}?resourceVersion=${String(event.object.metadata.resourceVersion)}`);
    if (index < 9) expect(await rest.until(9 - index)).toEqual(events.slice(index + 1));
  }
});

test("S3, S4: a watch begins with a state of any size, each object once, and goes on without a gap while others write", async () => {
  await using api = await openTestApi();
  const count = 5_300; // more than is read at once
  const data = { k: "ä" };
  for (let start = 0; start < count; start += 100)
    await Promise.all(Array.from({ length: 100 }, (_, index) => api.objects.create(configMap(`c${start + index}`, data, { namespace: "default" }))));
  const before = await api.store.reader.currentRv();
  const query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
  const opening = Promise.all([
    watching(api, `${configMaps}?${query}`),
    watching(api, `${configMaps}?${query}`, { headers: { accept: "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io" } }),
  ]);
  await Promise.all(Array.from({ length: 20 }, (_, index) => api.call("PATCH", `${configMaps}/c${index}`, { body: { data: { k: "b" } } })));
  const watches = await opening;
  for (const watch of watches) {
    await using _ = watch;
    const isEnd = (event: SeenEvent) => event.object.metadata.annotations?.["k8s.io/initial-events-end"] === "true";
    await watch.until((events) => events.some(isEnd));
    const end = watch.events.findIndex(isEnd);
    const state = watch.events.slice(0, end);
    expect([state.length, new Set(state.map((event) => event.object.metadata.name)).size]).toEqual([count, count]);
    const from = Number(watch.events[end]?.object.metadata.resourceVersion);
    const missing = 20 - state.filter((event) => Number(event.object.metadata.resourceVersion) > before).length;
    await watch.until(end + 1 + missing);
    for (const event of watch.events.slice(end + 1)) expect(Number(event.object.metadata.resourceVersion)).toBeGreaterThan(from);
  }
});
