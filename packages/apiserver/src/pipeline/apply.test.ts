import { expect, test } from "vitest";
import { apply, managers } from "../testing/apply.ts";
import { configMap, configMaps, namespaces, secrets, widget, widgets } from "../testing/paths.ts";
import { openTestApi } from "../testing/test-api.ts";

test("apply creates with 201, changes with 200, and the same again changes nothing (K3)", async () => {
  await using api = await openTestApi();
  const made = await apply(api, `${configMaps}/a`, configMap("a", { k: "1" }, { labels: { l: "x" } }));
  expect([made.status, made.body["data"], managers(made.body)]).toEqual([
    201,
    { k: "1" },
    { "ann Apply": { "f:data": { "f:k": {} }, "f:metadata": { "f:labels": { "f:l": {} } } } },
  ]);
  const again = await apply(api, `${configMaps}/a`, configMap("a", { k: "1" }, { labels: { l: "x" } }));
  expect([again.status, again.body]).toEqual([200, made.body]);
  const changed = await apply(api, `${configMaps}/a`, configMap("a", { j: "2" }));
  expect([changed.status, changed.body["data"], changed.body.metadata["labels"]]).toEqual([200, { j: "2" }, undefined]);
  expect(changed.body.metadata.uid).toBe(made.body.metadata.uid);
});

test("what another manages is a conflict that names field and manager; force takes it; shared fields outlive one of their managers", async () => {
  await using api = await openTestApi();
  await apply(api, `${configMaps}/a`, configMap("a", { k: "1", s: "same" }));
  const refused = await apply(api, `${configMaps}/a`, configMap("a", { k: "2", s: "same" }), { manager: "bob" });
  expect([refused.status, refused.body.reason, refused.body.message, refused.body.details?.causes]).toEqual([
    409,
    "Conflict",
    'Apply failed with 1 conflict: conflict with "ann": .data.k',
    [{ reason: "FieldManagerConflict", field: ".data.k", message: 'conflict with "ann"' }],
  ]);
  const forced = await apply(api, `${configMaps}/a`, configMap("a", { k: "2", s: "same" }), { manager: "bob", query: "&force=true" });
  expect(managers(forced.body)).toEqual({ "ann Apply": { "f:data": { "f:s": {} } }, "bob Apply": { "f:data": { "f:k": {}, "f:s": {} } } });
  const left = await apply(api, `${configMaps}/a`, configMap("a", {}), { manager: "ann" });
  expect([left.body["data"], managers(left.body)]).toMatchObject([{ k: "2", s: "same" }, { "bob Apply": { "f:data": { "f:k": {}, "f:s": {} } } }]);
  const updated = await api.call("PATCH", `${configMaps}/a?fieldManager=eve`, { body: { data: { k: "3" } } });
  expect(managers(updated.body)).toMatchObject({ "bob Apply": { "f:data": { "f:s": {} } }, "eve Update": { "f:data": { "f:k": {} } } });
});

test("the body may be YAML; what cannot be read says where", async () => {
  await using api = await openTestApi();
  const yaml = "# made by hand\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  text: |\n    two\n    lines\n";
  expect((await apply(api, `${configMaps}/a`, yaml)).body["data"]).toEqual({ text: "two\nlines\n" });
  const flow = await apply(api, `${configMaps}/b`, "{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}");
  expect(flow.status).toBe(201);
  const switched = await apply(api, `${configMaps}/c`, 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, annotations: {a: "no", b: no}}\n');
  expect([switched.status, String(switched.headers["warning"])]).toEqual([201, expect.stringContaining("no is text here, but false for kubectl")]);
  const bomb = `apiVersion: v1\nkind: ConfigMap\na: &a [x,x,x,x,x,x,x,x,x]\n${[..."bcdef"].map((name, index) => `${name}: &${name} [${Array(9).fill(`*${"abcde"[index]}`).join(",")}]`).join("\n")}\n`;
  const cases = [
    { text: "a: b: c", says: "1:4" },
    { text: "a: 1\na: 2", says: 'the key "a" stands here a second time' },
    { text: "a: 1\n---\nb: 2", says: "more than 1 documents" },
    { text: bomb, says: "more than 10000 values" },
    { text: `a: ${"[".repeat(5_000)}`, says: "nested deeper than 100 levels" },
    { text: "[1]", says: "a document must be a mapping" },
  ];
  for (const { text, says } of cases) {
    const { status, body } = await apply(api, `${configMaps}/d`, text);
    expect([status, body.reason, body.message]).toEqual([400, "BadRequest", expect.stringContaining(says)]);
  }
});

test("what is no configuration of this object is refused in the words of Kubernetes, and nothing is made", async () => {
  await using api = await openTestApi();
  const path = `${configMaps}/a`;
  const good = configMap("a");
  const typed = "failed to create typed patch object (/a; /v1, Kind=ConfigMap):";
  const cases = [
    { because: "an empty body names no type", send: "", status: 400, says: "invalid object type: /, Kind=" },
    { because: "the URL is that of another kind", send: { ...good, kind: "Secret" }, status: 400, says: "invalid object type: /v1, Kind=Secret" },
    { because: "the version is another", send: { ...good, apiVersion: "v2" }, status: 400, says: "invalid object type: /v2, Kind=ConfigMap" },
    { because: "the name is another", send: configMap("b"), status: 400, says: "the name of the object (b) does not match the name on the URL (a)" },
    { because: "there is no name", send: { ...good, metadata: {} }, status: 400, says: "undeterminable: name must be provided" },
    { because: "metadata is no object", send: { ...good, metadata: 1 }, status: 400, says: "undeterminable: name must be provided" },
    { because: "the namespace is another", send: configMap("a", {}, { namespace: "other" }), status: 400, says: "does not match the namespace sent" },
    { because: "managedFields are the server's", send: configMap("a", {}, { managedFields: [] }), status: 400, says: "metadata.managedFields must be nil" },
    {
      because: "nobody can own what the schema does not know",
      send: { ...good, surprise: 1 },
      status: 422,
      says: `${typed} .surprise: field not declared in schema`,
    },
    { because: "a value has a type", send: { ...good, data: { k: 1 } }, status: 422, says: "data.k" },
    { because: "a uid means an object that exists", send: configMap("a", {}, { uid: "x" }), status: 409, says: "no existing object was found" },
  ];
  for (const { because, send, status, says } of cases) {
    const answer = await apply(api, path, send);
    expect([answer.status, answer.body.message], because).toEqual([status, expect.stringContaining(says)]);
  }
  expect((await apply(api, "/api/v1/namespaces/nowhere/configmaps/a", good)).status).toBe(404);
  expect((await api.call("GET", path)).status).toBe(404);
  await apply(api, path, good);
  expect((await apply(api, path, configMap("a", {}, { uid: "x" }))).body.message).toContain("metadata.uid: Invalid value");
  expect((await apply(api, path, configMap("a", { n: "1" }, { resourceVersion: "1" }))).status).toBe(409);
  const { resourceVersion } = (await api.call("GET", path)).body.metadata;
  expect((await apply(api, path, configMap("a", { n: "1" }, { resourceVersion }))).status).toBe(200);
});

test("the parameters of apply are checked: who, and force only here", async () => {
  await using api = await openTestApi();
  const type = { "content-type": "application/apply-patch+yaml" };
  const send = (query: string, headers: Record<string, string> = type) => api.call("PATCH", `${configMaps}/a${query}`, { body: configMap("a"), headers });
  expect((await send("")).body.message).toBe('PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch');
  expect((await send(`?fieldManager=${"x".repeat(129)}`)).body.message).toContain("fieldManager: Too long");
  expect((await send("?fieldManager=a%07b")).body.message).toContain('fieldManager: Invalid value: "a\\u0007b": invalid character U+0007 (at position 1)');
  expect((await send("?fieldManager=%C3%A9+%E2%9C%93")).status).toBe(201);
  const forced = await send("?fieldManager=a&force=true", { "content-type": "application/merge-patch+json" });
  expect([forced.status, forced.body.message]).toEqual([
    422,
    'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
  ]);
  expect((await send("?fieldManager=a", { "content-type": "application/apply-patch+cbor" })).status).toBe(415);
});

test("dryRun tells what would be, conflicts included, and stores nothing; fieldValidation finds repeated fields", async () => {
  await using api = await openTestApi();
  const tried = await apply(api, `${configMaps}/a`, configMap("a", { k: "1" }), { query: "&dryRun=All" });
  expect([tried.status, tried.body["data"]]).toEqual([201, { k: "1" }]);
  expect((await api.call("GET", `${configMaps}/a`)).status).toBe(404);
  const made = await apply(api, `${configMaps}/a`, configMap("a", { k: "1" }));
  expect((await apply(api, `${configMaps}/a`, configMap("a", { k: "2" }), { query: "&dryRun=All" })).body["data"]).toEqual({ k: "2" });
  expect((await apply(api, `${configMaps}/a`, configMap("a", { k: "2" }), { manager: "bob", query: "&dryRun=All" })).status).toBe(409);
  expect((await api.call("GET", `${configMaps}/a`)).body).toEqual(made.body);
  const twice = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"1","k":"2"}}';
  expect((await apply(api, `${configMaps}/a`, twice, { query: "&fieldValidation=Strict" })).status).toBe(400);
  const warned = await apply(api, `${configMaps}/a`, twice, { query: "&fieldValidation=Warn" });
  expect([warned.status, String(warned.headers["warning"])]).toEqual([200, expect.stringContaining("data.k")]);
});

test("K2: apply on /status owns status alone, apply on the object does not own it", async () => {
  await using api = await openTestApi();
  const path = `${widgets}/a`;
  expect((await apply(api, `${path}/status`, { ...widget("a"), status: { phase: "new" } })).status).toBe(404);
  const made = await apply(api, path, { ...widget("a", { size: 2 }), status: { phase: "sent" } });
  expect([made.body["status"], managers(made.body)]).toEqual([undefined, { "ann Apply": { "f:spec": { "f:size": {} } } }]);
  const status = await apply(api, `${path}/status`, { ...widget("a", { size: 9 }, { labels: { a: "b" } }), status: { phase: "up" } }, { manager: "ctl" });
  expect([status.status, status.body["spec"], status.body["status"], status.body.metadata["labels"]]).toEqual([200, { size: 2 }, { phase: "up" }, undefined]);
  expect(managers(status.body)).toEqual({ "ann Apply": { "f:spec": { "f:size": {} } }, "ctl Apply/status": { "f:status": { "f:phase": {} } } });
  expect(status.body.metadata.generation).toBe(1);
  const taken = await apply(api, `${path}/status`, { ...widget("a"), status: { phase: "down" } }, { manager: "other" });
  expect([taken.status, taken.body.message]).toEqual([409, 'Apply failed with 1 conflict: conflict with "ctl" with subresource "status": .status.phase']);
  expect((await apply(api, path, widget("a", { size: 3 }))).body).toMatchObject({ status: { phase: "up" }, metadata: { generation: 2 } });
});

test("lists merge by their keys, a key that is left out takes its default, and elements twice or without key are refused", async () => {
  await using api = await openTestApi();
  const path = `${widgets}/a`;
  await apply(api, path, widget("a", { size: 1, parts: [{ name: "x", count: 1 }] }));
  const merged = await apply(api, path, widget("a", { size: 1, parts: [{ name: "y" }] }), { manager: "bob" });
  expect((merged.body["spec"] as { parts: object[] }).parts).toEqual([{ name: "x", count: 1 }, { name: "y" }]);
  const gone = await apply(api, path, widget("a", { size: 1 }));
  expect((gone.body["spec"] as { parts: object[] }).parts).toEqual([{ name: "y" }]);
  const twice = await apply(api, path, widget("a", { parts: [{ name: "x" }, { name: "x" }] }));
  expect([twice.status, twice.body.message]).toEqual([422, expect.stringContaining('.spec.parts: duplicate entries for key [name="x"]')]);
  const keyless = await apply(api, path, widget("a", { parts: [{ count: 1 }] }));
  expect([keyless.status, keyless.body.message]).toEqual([422, expect.stringContaining(".spec.parts")]);
});

test("what the server fills in is nobody's: defaults, a namespace's finalizer, a Secret's data from stringData", async () => {
  await using api = await openTestApi();
  const space = await apply(api, `${namespaces}/new`, { apiVersion: "v1", kind: "Namespace", metadata: { name: "new" } });
  expect([space.status, managers(space.body)]).toEqual([201, {}]);
  const posted = await api.call("POST", `${namespaces}?fieldManager=ann`, { body: { metadata: { name: "posted" } } });
  expect(managers(posted.body)).toEqual({ "ann Update": { "f:metadata": { "f:labels": { ".": {}, "f:kubernetes.io/metadata.name": {} } } } });
  const secret = await api.call("POST", `${secrets}?fieldManager=ann`, { body: { metadata: { name: "s" }, stringData: { p: "x" } } });
  expect(managers(secret.body)).toEqual({ "ann Update": { "f:data": { ".": {}, "f:p": {} }, "f:type": {} } });
  const plain = { apiVersion: "v1", kind: "Secret", metadata: { name: "t" }, stringData: { p: "x" } };
  const applied = await apply(api, `${secrets}/t`, plain);
  expect([applied.body["data"], managers(applied.body)]).toEqual([{ p: "eA==" }, { "ann Apply": { "f:stringData": { "f:p": {} } } }]);
  const again = await apply(api, `${secrets}/t`, plain);
  expect(again.body.metadata.resourceVersion).toBe(applied.body.metadata.resourceVersion);
});

test("applies of many managers at once all arrive", async () => {
  await using api = await openTestApi();
  const names = Array.from({ length: 12 }, (_, index) => `m${index}`);
  const answers = await Promise.all(names.map((name) => apply(api, `${configMaps}/a`, configMap("a", { [name]: name }), { manager: name })));
  expect(answers.map((answer) => answer.status).toSorted()).toEqual([...names.slice(1).map(() => 200), 201]);
  const { body } = await api.call("GET", `${configMaps}/a`);
  expect(body["data"]).toEqual(Object.fromEntries(names.map((name) => [name, name])));
  expect(Object.keys(managers(body))).toHaveLength(names.length);
});
