import { expect, test } from "vitest";
import { configMap, configMaps, namespaces, widget, widgets } from "../testing/paths.ts";
import { openTestApi } from "../testing/test-api.ts";

const json = { "content-type": "application/json" };

test("I2: JSON of every bad sort is answered with a Status, and nothing is stored", async () => {
  await using api = await openTestApi();
  const before = await api.store.reader.currentRv();
  const nested = (depth: number) => `{"metadata":{"name":"a"},"data":${"[".repeat(depth)}${"]".repeat(depth)}}`;
  const cases: { because: string; body: string | Uint8Array; status: number }[] = [
    { because: "empty", body: "", status: 400 },
    { because: "white space", body: "  \n", status: 400 },
    { because: "cut", body: '{"metadata":{"name":"a"', status: 400 },
    { because: "more than one", body: '{"metadata":{"name":"a"}} {}', status: 400 },
    { because: "a comment", body: '{"metadata":{"name":"a"}} // x', status: 400 },
    { because: "single quotes", body: "{'metadata':{}}", status: 400 },
    { because: "a comma too many", body: '{"metadata":{"name":"a",}}', status: 400 },
    { because: "NaN", body: '{"metadata":{"name":"a","generation":NaN}}', status: 400 },
    { because: "beyond a double", body: '{"metadata":{"name":"a"},"data":{"k":1e999}}', status: 400 },
    { because: "beyond 2^53", body: '{"metadata":{"name":"a","generation":9007199254740993}}', status: 400 },
    { because: "not UTF-8", body: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]), status: 400 },
    { because: "overlong UTF-8", body: Buffer.from([0x22, 0xc0, 0xaf, 0x22]), status: 400 },
    { because: "UTF-16", body: Buffer.from('{"metadata":{"name":"a"}}', "utf16le"), status: 400 },
    { because: "a byte order mark", body: "\ufeff{}", status: 400 },
    { because: "a NUL between tokens", body: '{"metadata"\u0000:{}}', status: 400 },
    { because: "a raw control character", body: '{"metadata":{"name":"a\u0001"}}', status: 400 },
    { because: "nested deeper than anybody reads", body: nested(100_000), status: 400 },
    { because: "nested within bounds, but no map of text", body: nested(400), status: 400 },
    { because: "null", body: "null", status: 400 },
    { because: "a number", body: "1", status: 400 },
    { because: "a list", body: "[]", status: 400 },
    { because: "YAML", body: "metadata:\n  name: a\n", status: 400 },
    { because: "XML", body: "<metadata/>", status: 400 },
    { because: "gzip", body: Buffer.from("1f8b08000000000000ffabae05004bb96c420200000000", "hex"), status: 400 },
    { because: "__proto__ as metadata", body: '{"__proto__":{"metadata":{"name":"a"}}}', status: 422 },
    { because: "keys of metadata from a prototype", body: '{"metadata":{"__proto__":{"name":"a"}}}', status: 422 },
    { because: "toString as a label's value", body: '{"metadata":{"name":"a","labels":{"x":{"toString":1}}}}', status: 400 },
  ];
  for (const { because, body, status } of cases) {
    const answer = await api.call("POST", configMaps, { body, headers: json });
    expect([answer.status, answer.body.kind, answer.body.code], because).toEqual([status, "Status", status]);
    const patched = await api.call("PATCH", `${namespaces}/default`, { body, headers: { "content-type": "application/json-patch+json" } });
    expect([patched.body.kind, patched.status >= 400 && patched.status < 500], `patch: ${because}`).toEqual(
      because === "a list" ? ["Namespace", false] : ["Status", true],
    );
  }
  expect(await api.store.reader.currentRv()).toBe(before);
});

test("I2: of duplicate keys the last wins, -0 is 0, and text of any script comes back as it was sent", async () => {
  await using api = await openTestApi();
  const text = '{"metadata":{"name":"a"},"data":{"k":"first","k":"last","script":"ключ 🔑 \\u0000 \\ud83d\\ude00","half":"\\ud800"}}';
  const made = await api.call("POST", configMaps, { body: text, headers: json });
  expect([made.status, made.body["data"]]).toEqual([201, { k: "last", script: "ключ 🔑 \u0000 😀", half: "\ufffd" }]);
  expect((await api.call("GET", `${configMaps}/a`)).body["data"]).toEqual(made.body["data"]);
  const zero = await api.call("POST", widgets, { body: '{"metadata":{"name":"z"},"spec":{"size":-0}}', headers: json });
  expect([zero.status, zero.text.includes('"size":-0')]).toEqual([201, false]);
});

test("I9: a body above 3 MiB is refused with 413, whether its length is said or not; just below it is read", async () => {
  await using api = await openTestApi();
  const body = JSON.stringify(configMap("a", { k: "x".repeat(4 * 1024 * 1024) }));
  const said = await api.call("POST", configMaps, { body });
  expect([said.status, said.body.reason, said.body.code]).toEqual([413, "RequestEntityTooLarge", 413]);
  const fits = await api.call("POST", configMaps, { body: JSON.stringify({ ...configMap("a"), unknown: "x".repeat(2.9 * 1024 * 1024) }) });
  expect(fits.status).toBe(201);
  const value = await api.call("POST", configMaps, { body: configMap("b", { k: "x".repeat(1024 * 1024 + 1) }) });
  expect([value.status, value.body.details?.causes?.[0]?.reason]).toEqual([422, "FieldValueTooLong"]);
});

test("content types decide how a body is read, and unknown ones are refused with 415", async () => {
  await using api = await openTestApi();
  const send = (type: string) => api.call("POST", `${configMaps}?dryRun=All`, { body: JSON.stringify(configMap("a")), headers: { "content-type": type } });
  for (const type of ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON", "application/x-www-form-urlencoded"])
    expect((await send(type)).status, type).toBe(201);
  for (const type of [
    "text/plain",
    "application/yaml",
    "application/xml",
    "multipart/form-data; boundary=x",
    "application/json-patch+json",
    "nonsense",
    "a/b/c",
    ";",
    "application/json/../x",
    "*/*",
  ]) {
    const answer = await send(type);
    expect([answer.status, answer.body.kind, answer.body.reason], type).toEqual([415, "Status", "UnsupportedMediaType"]);
  }
});

test("I9: identity, status and ownership cannot be assigned by sending them", async () => {
  await using api = await openTestApi();
  const mine = {
    uid: "mine",
    resourceVersion: undefined,
    generation: 9,
    creationTimestamp: "2001-01-01T00:00:00Z",
    deletionTimestamp: "2001-01-01T00:00:00Z",
    managedFields: [{ manager: "me" }],
  };
  const made = (await api.call("POST", widgets, { body: { ...widget("a", {}, mine), status: { ready: true }, id: 1, owner: "me", rv: 5 } })).body;
  expect(Object.keys(made).toSorted()).toEqual(["apiVersion", "kind", "metadata", "spec"]);
  expect(Object.keys(made.metadata).toSorted()).toEqual(["creationTimestamp", "generation", "managedFields", "name", "namespace", "resourceVersion", "uid"]);
  expect([made.metadata.uid === "mine", made.metadata.generation]).toEqual([false, 1]);
});

test("an object as wide as a body allows is answered in bounded time", async () => {
  await using api = await openTestApi();
  const many = Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`f${index}`, index]));
  const started = performance.now();
  const unknown = await api.call("POST", `${configMaps}?fieldValidation=Strict`, { body: { ...configMap("a"), ...many } });
  expect(unknown.status).toBe(400);
  const wrong = await api.call("POST", configMaps, { body: { ...configMap("a"), data: many } });
  expect([wrong.status, (wrong.body.details?.causes ?? []).length <= 100]).toEqual([400, true]);
  const labels = await api.call("POST", configMaps, {
    body: configMap("a", {}, { labels: Object.fromEntries(Object.keys(many).map((key) => [`-${key}`, "-"])) }),
  });
  expect(labels.status).toBe(422);
  for (const answer of [unknown, wrong, labels]) expect(answer.text.length).toBeLessThan(200_000);
  expect(performance.now() - started).toBeLessThan(20_000);
});
