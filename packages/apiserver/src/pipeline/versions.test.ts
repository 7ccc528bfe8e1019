import { expect, test } from "vitest";
import { configMap, configMaps, widget, widgets } from "../testing/paths.ts";
import { openTestApi } from "../testing/test-api.ts";

test("K4: a PUT with a stale version is refused with 409 and changes nothing", async () => {
  await using api = await openTestApi();
  const old = (await api.call("POST", configMaps, { body: configMap("a", { k: "1" }) })).body;
  const newer = (await api.call("PATCH", `${configMaps}/a`, { body: { data: { k: "2" } } })).body;
  const refused = await api.call("PUT", `${configMaps}/a`, { body: { ...old, data: { k: "3" } } });
  expect([refused.status, refused.body.reason]).toEqual([409, "Conflict"]);
  expect((await api.call("GET", `${configMaps}/a`)).body).toEqual(newer);
});

test("K4: a PUT without a version is refused by kinds that require one, and replaces the newest of others", async () => {
  await using api = await openTestApi();
  await api.call("POST", widgets, { body: widget("a", { size: 1 }) });
  const refused = await api.call("PUT", `${widgets}/a`, { body: widget("a", { size: 2 }) });
  expect([refused.status, refused.body.details?.causes?.[0]?.field]).toEqual([422, "metadata.resourceVersion"]);
  await api.call("POST", configMaps, { body: configMap("a", { k: "1" }) });
  const blind = await api.call("PUT", `${configMaps}/a`, { body: configMap("a", { k: "2" }) });
  expect([blind.status, blind.body["data"]]).toEqual([200, { k: "2" }]);
});

test("K4: patches without a version all get through, however many come at once", async () => {
  await using api = await openTestApi();
  await api.call("POST", configMaps, { body: configMap("a") });
  const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => api.call("PATCH", `${configMaps}/a`, { body: { data: { [`k${index}`]: "v" } } })));
  expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 200));
  expect(Object.keys((await api.call("GET", `${configMaps}/a`)).body["data"] as object)).toHaveLength(8);
});

test("K4: a patch that names a version holds only for that version", async () => {
  await using api = await openTestApi();
  const { resourceVersion } = (await api.call("POST", configMaps, { body: configMap("a") })).body.metadata;
  expect((await api.call("PATCH", `${configMaps}/a`, { body: { metadata: { resourceVersion }, data: { k: "1" } } })).status).toBe(200);
  expect((await api.call("PATCH", `${configMaps}/a`, { body: { metadata: { resourceVersion }, data: { k: "2" } } })).status).toBe(409);
  expect((await api.call("GET", `${configMaps}/a`)).body["data"]).toEqual({ k: "1" });
});

test("K4: of many replaces of one version exactly one wins", async () => {
  await using api = await openTestApi();
  const old = (await api.call("POST", configMaps, { body: configMap("a") })).body;
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, index) => api.call("PUT", `${configMaps}/a`, { body: { ...old, data: { winner: String(index) } } })),
  );
  expect(answers.map((answer) => answer.status).sort()).toEqual([200, ...Array.from({ length: 9 }, () => 409)]);
});

test("K4: an update names the object of its URL, with the identity that the object has", async () => {
  await using api = await openTestApi();
  const made = (await api.call("POST", configMaps, { body: configMap("a") })).body;
  const cases = [
    { because: "another name is another object", send: { ...made, metadata: { ...made.metadata, name: "b" } }, status: 400 },
    { because: "another namespace is another object", send: { ...made, metadata: { ...made.metadata, namespace: "other" } }, status: 400 },
    { because: "another uid is an object that was deleted since", send: { ...made, metadata: { ...made.metadata, uid: "0190" } }, status: 409 },
    { because: "another kind cannot be read", send: { ...made, kind: "Secret" }, status: 400 },
    {
      because: "creationTimestamp is the server's: what is sent is ignored",
      send: { ...made, metadata: { ...made.metadata, creationTimestamp: "2001-01-01T00:00:00Z" } },
      status: 200,
    },
  ];
  for (const { because, send, status } of cases) expect((await api.call("PUT", `${configMaps}/a`, { body: send })).status, because).toBe(status);
  expect((await api.call("GET", `${configMaps}/a`)).body).toEqual(made);
  expect((await api.call("PUT", `${configMaps}/missing`, { body: configMap("missing") })).status).toBe(404);
});
