import { expect, test } from "vitest";
import { configMaps, secrets } from "../testing/paths.ts";
import { openTestApi } from "../testing/test-api.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");
const secret = (name: string, fields: object) => ({ apiVersion: "v1", kind: "Secret", metadata: { name }, ...fields });

test("stringData becomes data, wins over it, and is never shown", async () => {
  await using api = await openTestApi();
  const { status, body } = await api.call("POST", secrets, {
    body: secret("a", { data: { a: base64("old"), b: base64("kept") }, stringData: { a: "пароль" } }),
  });
  expect([status, body["data"], body["stringData"], body["type"]]).toEqual([201, { a: base64("пароль"), b: base64("kept") }, undefined, "Opaque"]);
  const patched = await api.call("PATCH", `${secrets}/a`, { body: { stringData: { b: "new" } } });
  expect([patched.body["data"], patched.body["stringData"]]).toEqual([{ a: base64("пароль"), b: base64("new") }, undefined]);
});

test("S7: values stand encrypted in the database, and no error repeats one", async () => {
  await using api = await openTestApi();
  await api.call("POST", secrets, { body: secret("a", { stringData: { password: "correct-horse" } }) });
  const rows = await api.store.database.query<{ body: string }>({ name: "", text: "SELECT body FROM version WHERE kind = 'secrets'" }, []);
  expect(rows).toHaveLength(1);
  expect(rows[0]?.body).not.toContain(base64("correct-horse"));
  expect(rows[0]?.body).not.toContain("password");
  const refused = await api.call("POST", secrets, { body: secret("b", { data: { password: "hunter2 is not base64" } }) });
  expect([refused.status, refused.body.details?.causes?.[0]?.field]).toEqual([400, "data.password"]);
  expect(refused.text).not.toContain("hunter2");
  const broken = await api.call("POST", secrets, { body: '{"stringData":{"password":"hunter2"', headers: { "content-type": "application/json" } });
  expect([broken.status, broken.text.includes("hunter2")]).toEqual([400, false]);
});

test("data is base64: other text, bad keys and too much are refused", async () => {
  await using api = await openTestApi();
  const cases = [
    { because: "padding is part of it", data: { a: "YQ" }, status: 400 },
    { because: "so is the alphabet", data: { a: "****" }, status: 400 },
    { because: "keys are file names", data: { "a/b": "" } },
    { because: "and no way up", data: { "..": "" } },
    { because: "a Secret holds a megabyte", data: { a: base64("x".repeat(1024 * 1024)) } },
  ];
  for (const { because, data, status = 422 } of cases) expect((await api.call("POST", secrets, { body: secret("a", { data }) })).status, because).toBe(status);
  expect((await api.call("POST", secrets, { body: secret("a", { data: { empty: "", __proto__x: "" } }) })).status).toBe(201);
});

test("an immutable Secret or ConfigMap keeps its values and its immutability; labels may change, and it can be deleted", async () => {
  await using api = await openTestApi();
  for (const [path, value] of [
    [secrets, base64("1")],
    [configMaps, "1"],
  ] as const) {
    await api.call("POST", path, { body: { metadata: { name: "a" }, data: { k: value, l: value }, immutable: true } });
    for (const change of [{ data: { k: null } }, { data: { m: value } }, { immutable: false }, { immutable: null }]) {
      expect((await api.call("PATCH", `${path}/a`, { body: change })).status, JSON.stringify(change)).toBe(422);
    }
    expect((await api.call("PATCH", `${path}/a`, { body: { metadata: { labels: { a: "b" } } } })).status).toBe(200);
    expect(
      (await api.call("PUT", `${path}/a`, { body: { metadata: { name: "a" }, data: { l: value, k: value }, immutable: true } })).status,
      "the order of keys is no change",
    ).toBe(200);
    expect((await api.call("DELETE", `${path}/a`)).status).toBe(200);
  }
});

test("the type of a Secret never changes", async () => {
  await using api = await openTestApi();
  await api.call("POST", secrets, { body: secret("a", { type: "example.com/mine" }) });
  expect((await api.call("PATCH", `${secrets}/a`, { body: { type: "Opaque" } })).status).toBe(422);
});

test("I2: keys such as __proto__ and constructor are data like any other", async () => {
  await using api = await openTestApi();
  const text = `{"metadata":{"name":"a"},"data":{"__proto__":"${base64("p")}","constructor":"${base64("c")}"}}`;
  expect((await api.call("POST", secrets, { body: text, headers: { "content-type": "application/json" } })).status).toBe(201);
  const { text: stored } = await api.call("PATCH", `${secrets}/a`, { body: { metadata: { labels: { touched: "yes" } } } });
  expect(stored).toContain(`"__proto__":"${base64("p")}"`);
  expect(stored).toContain(`"constructor":"${base64("c")}"`);
  const patched = await api.call("PATCH", `${secrets}/a`, { body: '{"data":{"__proto__":null}}', headers: { "content-type": "application/merge-patch+json" } });
  expect(patched.text).not.toContain("__proto__");
  expect(({} as { p?: unknown }).p).toBeUndefined();
});
