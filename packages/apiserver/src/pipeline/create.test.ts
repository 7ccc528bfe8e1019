import { expect, test } from "vitest";
import { configMap, configMaps, namespaces, widget, widgets } from "../testing/paths.ts";
import { openTestApi } from "../testing/test-api.ts";

test("create answers 201 with identity, version and defaults, and takes none of them from the client", async () => {
  await using api = await openTestApi();
  const { status, body } = await api.call("POST", widgets, {
    body: widget("a", {}, { uid: "mine", creationTimestamp: "2001-01-01T00:00:00Z", selfLink: "/x", managedFields: [{}] }),
  });
  expect(status).toBe(201);
  expect(body).toMatchObject({ apiVersion: "test.threeport.io/v1alpha1", kind: "Widget", spec: { size: 1 }, metadata: { name: "a", namespace: "default" } });
  expect(body.metadata.uid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/);
  expect(body.metadata["creationTimestamp"]).toMatch(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  expect(body.metadata["creationTimestamp"]).not.toMatch(/^2001/);
  expect(body.metadata["selfLink"]).toBeUndefined();
  expect(body.metadata["managedFields"]).toMatchObject([{ manager: "unknown", operation: "Update", fieldsV1: { "f:spec": { ".": {}, "f:size": {} } } }]);
  expect((await api.call("GET", `${widgets}/a`)).body).toEqual(body);
});

test("generateName makes names of its prefix, bounded in length; a given name wins over it", async () => {
  await using api = await openTestApi();
  const names = new Set<string>();
  for (let count = 0; count < 5; count++) names.add((await api.call("POST", configMaps, { body: { metadata: { generateName: "job-" } } })).body.metadata.name);
  expect(names.size).toBe(5);
  for (const name of names) expect(name).toMatch(/^job-[a-z0-9]{5}$/);
  const long = await api.call("POST", configMaps, { body: { metadata: { generateName: "x".repeat(200) } } });
  expect([long.status, long.body.metadata.name.length]).toEqual([201, 63]);
  expect((await api.call("POST", configMaps, { body: { metadata: { name: "given", generateName: "job-" } } })).body.metadata.name).toBe("given");
});

test("I9: of creates of one name at once exactly one wins; the others are told AlreadyExists", async () => {
  await using api = await openTestApi();
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, index) => api.call("POST", configMaps, { body: configMap("same", { winner: String(index) }) })),
  );
  const won = answers.filter((answer) => answer.status === 201);
  expect(won).toHaveLength(1);
  expect(answers.filter((answer) => answer.status === 409 && answer.body.reason === "AlreadyExists")).toHaveLength(11);
  expect((await api.call("GET", `${configMaps}/same`)).body).toEqual(won[0]?.body);
});

test("dryRun answers as the real call would, and stores nothing", async () => {
  await using api = await openTestApi();
  const before = await api.store.reader.currentRv();
  expect((await api.call("POST", `${widgets}?dryRun=All`, { body: widget("a") })).body).toMatchObject({ spec: { size: 1 }, metadata: { name: "a" } });
  expect((await api.call("POST", `${widgets}?dryRun=All`, { body: widget("a", { size: -1 }) })).status).toBe(422);
  expect((await api.call("POST", "/apis/test.threeport.io/v1alpha1/namespaces/nowhere/widgets?dryRun=All", { body: widget("a") })).status).toBe(404);
  expect((await api.call("POST", `${widgets}?dryRun=Some`, { body: widget("a") })).status).toBe(422);
  expect([(await api.call("GET", `${widgets}/a`)).status, await api.store.reader.currentRv()]).toEqual([404, before]);
  await api.call("POST", widgets, { body: widget("a") });
  const version = (await api.call("GET", `${widgets}/a`)).body.metadata.resourceVersion;
  expect((await api.call("POST", `${widgets}?dryRun=All`, { body: widget("a") })).status).toBe(409);
  expect((await api.call("PATCH", `${widgets}/a?dryRun=All`, { body: { spec: { size: 5 } } })).body["spec"]).toEqual({ size: 5 });
  expect((await api.call("DELETE", `${widgets}/a?dryRun=All`)).status).toBe(200);
  expect((await api.call("GET", `${widgets}/a`)).body).toMatchObject({ spec: { size: 1 }, metadata: { resourceVersion: version } });
});

test("fieldValidation: Strict refuses unknown and repeated fields, Warn prunes and warns, Ignore prunes", async () => {
  await using api = await openTestApi();
  const text = '{"metadata":{"name":"NAME","odd":1},"spec":{"size":1,"size":2,"colour":"red"}}';
  const send = (name: string, mode: string) =>
    api.call("POST", `${widgets}${mode}`, { body: text.replace("NAME", name), headers: { "content-type": "application/json" } });
  const strict = await send("strict", "?fieldValidation=Strict");
  expect([strict.status, strict.body.message]).toEqual([400, expect.stringContaining('duplicate field "spec.size"')]);
  const unknown = await api.call("POST", `${widgets}?fieldValidation=Strict`, { body: widget("strict", { colour: "red" }) });
  expect([unknown.status, unknown.body.message, unknown.body.details?.causes]).toEqual([
    400,
    expect.stringContaining('unknown field "spec.colour"'),
    [expect.objectContaining({ field: "spec.colour" })],
  ]);
  const warned = await send("warned", "?fieldValidation=Warn");
  expect([warned.status, warned.body["spec"]]).toEqual([201, { size: 2 }]);
  expect(warned.headers["warning"]).toBe(
    '299 - "duplicate field \\"spec.size\\"", 299 - "unknown field \\"metadata.odd\\"", 299 - "unknown field \\"spec.colour\\""',
  );
  expect((await send("default", "")).headers["warning"]).toBe('299 - "unknown field \\"metadata.odd\\"", 299 - "unknown field \\"spec.colour\\""');
  const ignored = await send("ignored", "?fieldValidation=Ignore");
  expect([ignored.status, ignored.headers["warning"], ignored.body.metadata["odd"]]).toEqual([201, undefined, undefined]);
  expect((await send("other", "?fieldValidation=Maybe")).status).toBe(422);
});

test("warnings about fields with any name travel, bounded in number and length", async () => {
  await using api = await openTestApi();
  const odd = Object.fromEntries(
    [...["ключ", 'quo"te', "new\nline", "\u007f", "x".repeat(5_000), "__proto__x"], ...Array.from({ length: 50 }, (_, index) => `f${index}`)].map((key) => [
      key,
      1,
    ]),
  );
  const answer = await api.call("POST", widgets, { body: { ...widget("a"), ...odd } });
  expect(answer.status).toBe(201);
  const warning = String(answer.headers["warning"]);
  expect(warning.match(/299 - "/g)).toHaveLength(20);
  expect(Buffer.from(warning, "latin1").toString("utf8")).toContain('unknown field \\"ключ\\"');
  expect(warning.length).toBeLessThan(10_000);
});

test("what a create must not bring is refused with the reason", async () => {
  await using api = await openTestApi();
  const cases = [
    { because: "a version belongs to an object that exists", send: configMap("a", {}, { resourceVersion: "1" }), status: 400 },
    { because: "the URL decides the namespace", send: configMap("a", {}, { namespace: "other" }), status: 400 },
    { because: "the URL decides the kind", send: { ...configMap("a"), kind: "Secret" }, status: 400 },
    { because: "there is no other version", send: { ...configMap("a"), apiVersion: "v2" }, status: 400 },
    { because: "an object needs a name", send: { data: {} }, status: 422 },
    { because: "an empty name is none", send: configMap(""), status: 422 },
    { because: "the schema counts", send: { metadata: { name: "a" }, data: { k: 1 } }, status: 400 },
    { because: "a list is no object", send: [configMap("a")], status: 400 },
    { because: "text is no object", send: '"a"', status: 400 },
    { because: "metadata is an object", send: { metadata: ["a"] }, status: 400 },
  ];
  for (const { because, send, status } of cases) expect((await api.call("POST", configMaps, { body: send })).status, because).toBe(status);
  expect((await api.call("POST", configMaps)).status).toBe(400);
  expect((await api.call("GET", configMaps)).body.items).toEqual([]);
  expect((await api.call("POST", namespaces, { body: { metadata: { name: "n", namespace: "default" } } })).status).toBe(400);
});

test("I3: names of a form that Kubernetes refuses are refused in the same words", async () => {
  await using api = await openTestApi();
  const bad = ["-a", "a-", "A", "a_b", "a..b", "..", "a/b", "a%2fb", "ａ", "а", "a b", "a\u0000", `${"x".repeat(254)}`];
  for (const name of bad) {
    const answer = await api.call("POST", configMaps, { body: configMap(name) });
    expect([answer.status, answer.body.reason, answer.body.details?.causes?.[0]?.field], name).toEqual([422, "Invalid", "metadata.name"]);
  }
  for (const name of ["a", "a.b", "0", "constructor", "null", "x".repeat(253)])
    expect((await api.call("POST", configMaps, { body: configMap(name) })).status, name).toBe(201);
  expect((await api.call("POST", namespaces, { body: { metadata: { name: "x".repeat(64) } } })).status).toBe(422);
  expect((await api.call("POST", namespaces, { body: { metadata: { name: "x".repeat(63) } } })).status).toBe(201);
});

test("a body with fields of the wrong type is refused with the field's path, and never crashes what prepares it", async () => {
  await using api = await openTestApi();
  const cases = [
    { path: namespaces, send: { metadata: { name: "n1", finalizers: 5 } }, field: "metadata.finalizers" },
    { path: namespaces, send: { metadata: { name: "n2", finalizers: "abc" } }, field: "metadata.finalizers" },
    { path: namespaces, send: { metadata: { name: "n3", labels: "abc" } }, field: "metadata.labels" },
    { path: "/api/v1/namespaces/default/secrets", send: { metadata: { name: "s" }, stringData: { a: 5 } }, field: "stringData.a" },
    { path: "/api/v1/namespaces/default/secrets", send: { metadata: { name: "s" }, stringData: ["a"] }, field: "stringData" },
    { path: configMaps, send: { metadata: { generateName: 5 } }, field: "metadata.generateName" },
    { path: configMaps, send: { metadata: { name: 5 } }, field: "metadata.name" },
    { path: widgets, send: widget("w", { friends: [{ name: 5 }] }), field: "spec.friends[0].name", status: 422 },
    { path: widgets, send: { metadata: { name: "w" }, spec: "text" }, field: "spec", status: 422 },
    { path: widgets, send: widget("w", {}, { ownerReferences: [null] }), field: "metadata.ownerReferences.uid", status: 422 },
  ];
  for (const { path, send, field, status = 400 } of cases) {
    const answer = await api.call("POST", path, { body: send });
    expect([answer.status, answer.body.details?.causes?.map((cause) => cause.field)], JSON.stringify(send)).toEqual([status, expect.arrayContaining([field])]);
  }
});
