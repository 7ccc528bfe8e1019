import { expect, test } from "vitest";
import { configMap, configMaps, secrets, widget, widgets } from "../testing/paths.ts";
import { openTestApi, type TestApi } from "../testing/test-api.ts";

const names = (body: { items: readonly { metadata: { name: string } }[] }) => body.items.map((item) => item.metadata.name);

async function create(api: TestApi, count: number, prefix = "c"): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, (_, index) => api.objects.create(configMap(`${prefix}${String(index).padStart(3, "0")}`, {}, { namespace: "default" }))),
  );
}

test("get answers the object as stored; 404 names what is missing", async () => {
  await using api = await openTestApi();
  const made = (await api.call("POST", configMaps, { body: configMap("a", { k: "v" }) })).body;
  expect((await api.call("GET", `${configMaps}/a`)).body).toEqual(made);
  expect((await api.call("GET", `${configMaps}/a?resourceVersion=0&watch=true`)).body, "a GET of one object knows no watch").toEqual(made);
  const missing = await api.call("GET", `${configMaps}/b`);
  expect([missing.status, missing.body]).toEqual([
    404,
    {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      reason: "NotFound",
      message: 'configmaps "b" not found',
      code: 404,
      details: expect.objectContaining({ name: "b", kind: "configmaps" }),
    },
  ]);
});

test("S3: all pages of a list show one state, whatever is written in between", async () => {
  await using api = await openTestApi();
  await create(api, 25);
  const first = (await api.call("GET", `${configMaps}?limit=10`)).body;
  await api.call("DELETE", `${configMaps}/c005`);
  await api.call("DELETE", `${configMaps}/c015`);
  await api.call("PATCH", `${configMaps}/c020`, { body: { data: { changed: "yes" } } });
  await create(api, 5, "b");
  await create(api, 5, "z");
  const second = (await api.call("GET", `${configMaps}?limit=10&continue=${String(first.metadata.continue)}`)).body;
  const third = (await api.call("GET", `${configMaps}?limit=10&continue=${String(second.metadata.continue)}`)).body;
  expect([...names(first), ...names(second), ...names(third)]).toEqual(Array.from({ length: 25 }, (_, index) => `c${String(index).padStart(3, "0")}`));
  expect(third.items.find((item) => item.metadata.name === "c020")?.["data"]).toBeUndefined();
  expect([second.metadata.resourceVersion, third.metadata.resourceVersion, third.metadata.continue]).toEqual([
    first.metadata.resourceVersion,
    first.metadata.resourceVersion,
    undefined,
  ]);
});

test("S3: a list while others write is a state that there was: nothing twice, nothing torn", async () => {
  await using api = await openTestApi();
  await create(api, 20);
  let writing = true;
  const writer = (async () => {
    for (let round = 0; writing; round++)
      await Promise.all(["c003", "c013"].map((name) => api.call("PATCH", `${configMaps}/${name}`, { body: { data: { round: String(round) } } })));
  })();
  for (let round = 0; round < 10; round++) {
    const seen: string[] = [];
    let next: string | undefined;
    do {
      const page = (await api.call("GET", `${configMaps}?limit=6${next === undefined ? "" : `&continue=${next}`}`)).body;
      for (const item of page.items) expect(Number(item.metadata.resourceVersion)).toBeLessThanOrEqual(Number(page.metadata.resourceVersion));
      seen.push(...names(page));
      next = page.metadata.continue;
    } while (next !== undefined);
    expect(seen).toEqual([...new Set(seen)].toSorted());
    expect(seen).toHaveLength(20);
  }
  writing = false;
  await writer;
});

test("I9: limits of any size are safe: 0 means all, huge is all, negative and no number are refused", async () => {
  await using api = await openTestApi();
  await create(api, 5);
  for (const limit of ["0", "5", "1000000000", "999999999999999", ""]) {
    const { status, body } = await api.call("GET", `${configMaps}?limit=${limit}`);
    expect([status, body.items.length, body.metadata.continue], limit).toEqual([200, 5, undefined]);
  }
  for (const limit of ["-1", "1e9", "1.5", "x", "0x10", "9999999999999999999999", "١"]) {
    const { status, body } = await api.call("GET", `${configMaps}?limit=${encodeURIComponent(limit)}`);
    expect([status, body.reason], limit).toEqual([400, "BadRequest"]);
  }
});

test("I9: a continue token that this server did not write is refused, and one of an old state is expired", async () => {
  await using api = await openTestApi();
  await create(api, 5);
  const token = (parts: unknown) => Buffer.from(JSON.stringify(parts)).toString("base64url");
  const bad = [
    "x",
    "[]",
    token([]),
    token([1, "5", "", ""]),
    token([2, 5, "", ""]),
    token([1, -5, "", ""]),
    token([1, 2.5, "", ""]),
    token([1, 5, "a\u0000", ""]),
    token([1, 5, "", "x".repeat(10_000)]),
    token([1, 5, null, null]),
    token({ length: 4 }),
  ];
  for (const text of bad) expect((await api.call("GET", `${configMaps}?continue=${text}`)).status, text.slice(0, 50)).toBe(400);
  expect((await api.call("GET", `${configMaps}?continue=${token([1, 1e15, "", ""])}`)).status, "from the future").toBe(504);
  const first = (await api.call("GET", `${configMaps}?limit=2`)).body;
  await api.call("DELETE", `${configMaps}/c003`);
  await api.store.maintenance.compact({ ageMs: 0, count: 0 });
  const expired = await api.call("GET", `${configMaps}?limit=2&continue=${String(first.metadata.continue)}`);
  expect([expired.status, expired.body.reason]).toEqual([410, "Expired"]);
  await api.call("POST", configMaps, { body: configMap("c9") });
  const goesOn = await api.call("GET", `${configMaps}?limit=2&continue=${String(expired.body.metadata.continue)}`);
  expect([goesOn.status, goesOn.body.items.map((item) => item.metadata.name)], "who can live with gaps goes on with the token of the refusal").toEqual([
    200,
    ["c002", "c004"],
  ]);
  const last = await api.call("GET", `${configMaps}?limit=2&continue=${String(goesOn.body.metadata.continue)}`);
  expect(last.body.items.map((item) => item.metadata.name)).toEqual(["c9"]);
  expect((await api.client.listPath(configMaps, { pageSize: 2 })).items, "a client that begins again gets all").toHaveLength(5);
});

test("a token of one namespace shows nothing of another", async () => {
  await using api = await openTestApi();
  await api.objects.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "aaa" } });
  for (const namespace of ["aaa", "default"]) for (const name of ["x", "y"]) await api.objects.create(configMap(name, {}, { namespace }));
  const token = (await api.call("GET", "/api/v1/namespaces/aaa/configmaps?limit=1")).body.metadata.continue;
  const page = (await api.call("GET", `${configMaps}?continue=${String(token)}`)).body;
  expect(page.items.map((item) => item.metadata["namespace"])).toEqual(["default", "default"]);
});

test("resourceVersion of a list: newest, not older than, exact, from the future, and what is no version", async () => {
  await using api = await openTestApi();
  await api.objects.create(configMap("a", { k: "1" }, { namespace: "default" }));
  const old = (await api.call("GET", configMaps)).body.metadata.resourceVersion;
  await api.call("PATCH", `${configMaps}/a`, { body: { data: { k: "2" } } });
  const data = async (query: string) => (await api.call("GET", `${configMaps}?${query}`)).body.items[0]?.["data"];
  expect(await data("")).toEqual({ k: "2" });
  expect(await data("resourceVersion=0")).toEqual({ k: "2" });
  expect(await data(`resourceVersion=${old}`)).toEqual({ k: "2" });
  expect(await data(`resourceVersion=${old}&resourceVersionMatch=NotOlderThan`)).toEqual({ k: "2" });
  expect(await data(`resourceVersion=${old}&resourceVersionMatch=Exact`)).toEqual({ k: "1" });
  expect(await data(`resourceVersion=${old}&limit=5`), "pages belong together: a limit means exactly that state").toEqual({ k: "1" });
  expect(await data("resourceVersion=0&limit=5")).toEqual({ k: "2" });
  const cases = [
    { query: "resourceVersion=99999999", status: 504, reason: "Timeout" },
    { query: "resourceVersion=9999999999999999", status: 504, reason: "Timeout" },
    { query: "resourceVersion=abc", status: 400, reason: "BadRequest" },
    { query: "resourceVersion=-1", status: 400, reason: "BadRequest" },
    { query: "resourceVersion=99999999999999999999", status: 400, reason: "BadRequest" },
    { query: "resourceVersionMatch=Exact", status: 422, reason: "Invalid" },
    { query: "resourceVersion=0&resourceVersionMatch=Exact", status: 422, reason: "Invalid" },
    { query: `resourceVersion=${old}&resourceVersionMatch=Never`, status: 422, reason: "Invalid" },
    { query: "sendInitialEvents=true", status: 422, reason: "Invalid" },
  ];
  for (const { query, status, reason } of cases) {
    const answer = await api.call("GET", `${configMaps}?${query}`);
    expect([answer.status, answer.body.reason], query).toEqual([status, reason]);
  }
  await api.store.maintenance.compact({ ageMs: 0, count: 0 });
  expect((await api.call("GET", `${configMaps}?resourceVersion=${old}&resourceVersionMatch=Exact`)).status).toBe(410);
  expect(await data(`resourceVersion=${old}&resourceVersionMatch=NotOlderThan`)).toEqual({ k: "2" });
});

test("label selectors, by equality and by set, choose what a list shows, also page by page", async () => {
  await using api = await openTestApi();
  const labels = { a: { app: "web", tier: "front" }, b: { app: "web", tier: "back" }, c: { app: "db" }, d: {} };
  for (const [name, values] of Object.entries(labels)) await api.objects.create(configMap(name, {}, { namespace: "default", labels: values }));
  const cases = [
    ["app=web", ["a", "b"]],
    ["app==web,tier!=back", ["a"]],
    ["app!=web", ["c", "d"]],
    ["app", ["a", "b", "c"]],
    ["!app", ["d"]],
    ["app in (web,db),tier notin (front)", ["b", "c"]],
    ["tier in (front)", ["a"]],
    ["nothing=here", []],
  ] as const;
  for (const [selector, expected] of cases)
    expect(names((await api.call("GET", `${configMaps}?labelSelector=${encodeURIComponent(selector)}`)).body), selector).toEqual(expected);
  for (const bad of ["app=", "a b", "=", "app in web", "app in (", "a=b;c=d", "app=" + "x".repeat(100), "'; DROP TABLE object; --"]) {
    const { status } = await api.call("GET", `${configMaps}?labelSelector=${encodeURIComponent(bad)}`);
    expect(status, bad).toBe(bad === "app=" ? 200 : 400);
  }
  const page = (await api.call("GET", `${configMaps}?labelSelector=app&limit=2`)).body;
  const rest = (await api.call("GET", `${configMaps}?labelSelector=app&limit=2&continue=${String(page.metadata.continue)}`)).body;
  expect([names(page), names(rest), rest.metadata.continue]).toEqual([["a", "b"], ["c"], undefined]);
});

test("field selectors know the fields of the kind, and refuse others by name", async () => {
  await using api = await openTestApi();
  await api.call("POST", widgets, { body: widget("a", { color: "red", size: 1 }) });
  await api.call("POST", widgets, { body: widget("b", { color: "green", size: 2 }) });
  const list = (selector: string, path = widgets) => api.call("GET", `${path}?fieldSelector=${encodeURIComponent(selector)}`);
  const all = "/apis/test.threeport.io/v1alpha1/widgets";
  const cases = [
    ["metadata.name=a", ["a"]],
    ["metadata.name!=a", ["b"]],
    ["metadata.name=a,metadata.name=b", []],
    ["metadata.namespace=default", ["a", "b"]],
    ["metadata.namespace=other", []],
    ["spec.color=red", ["a"]],
    ["spec.size=2", ["b"]],
    ["metadata.name=a,spec.color=green", []],
    ["metadata.name=nobody", []],
    ["metadata.name=", []],
    ["metadata.name=\u0000", []],
    [`metadata.name=${"x".repeat(5_000)}`, []],
    ["metadata.namespace=\u0000", []],
  ] as const;
  for (const [selector, expected] of cases)
    for (const path of [widgets, all]) expect(names((await list(selector, path)).body), `${selector} ${path}`.slice(0, 80)).toEqual(expected);
  const unknown = await list("spec.secret=x");
  expect([unknown.status, unknown.body.message]).toEqual([400, expect.stringContaining('"spec.color"')]);
  expect((await list("metadata.labels=x")).status).toBe(400);
  expect((await list("constructor=x")).status).toBe(400);
});

test("lists of all namespaces are ordered by namespace and name; those of one namespace show only it", async () => {
  await using api = await openTestApi();
  await api.objects.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "aaa" } });
  for (const namespace of ["default", "aaa"]) for (const name of ["y", "x"]) await api.objects.create(configMap(name, {}, { namespace }));
  const all = (await api.call("GET", "/api/v1/configmaps")).body;
  expect(all.items.map((item) => `${String(item.metadata["namespace"])}/${item.metadata.name}`)).toEqual(["aaa/x", "aaa/y", "default/x", "default/y"]);
  expect([all.kind, all.apiVersion]).toEqual(["ConfigMapList", "v1"]);
  expect((await api.call("POST", "/api/v1/configmaps", { body: configMap("a") })).status).toBe(405);
});

test("Secrets of a list are readable, in all of its pages", async () => {
  await using api = await openTestApi();
  for (const name of ["a", "b", "c"]) await api.call("POST", secrets, { body: { metadata: { name }, stringData: { k: name } } });
  const first = (await api.call("GET", `${secrets}?limit=2`)).body;
  const second = (await api.call("GET", `${secrets}?limit=2&continue=${String(first.metadata.continue)}`)).body;
  expect([...first.items, ...second.items].map((item) => (item["data"] as { k: string }).k)).toEqual(
    ["a", "b", "c"].map((text) => Buffer.from(text).toString("base64")),
  );
});

test("S3: a list shows the newest state although bodies are kept from list to list", async () => {
  await using api = await openTestApi();
  await create(api, 3);
  const data = async () => (await api.call("GET", configMaps)).body.items.map((item) => [item.metadata.name, item["data"]]);
  expect(await data()).toEqual([
    ["c000", undefined],
    ["c001", undefined],
    ["c002", undefined],
  ]);
  for (let round = 0; round < 3; round++) {
    await api.call("PATCH", `${configMaps}/c001`, { body: { data: { round: `${round} ключ` } } });
    expect(await data()).toEqual([
      ["c000", undefined],
      ["c001", { round: `${round} ключ` }],
      ["c002", undefined],
    ]);
  }
  await api.call("DELETE", `${configMaps}/c000`);
  await api.call("POST", configMaps, { body: configMap("c000", { again: "yes" }) });
  await api.store.maintenance.compact({ ageMs: 0, count: 0 });
  expect(await data()).toEqual([
    ["c000", { again: "yes" }],
    ["c001", { round: "2 ключ" }],
    ["c002", undefined],
  ]);
  const versions = (await api.call("GET", configMaps)).body;
  for (const item of versions.items) expect(Number(item.metadata.resourceVersion)).toBeLessThanOrEqual(Number(versions.metadata.resourceVersion));
});

test("a page says how many objects are behind it, in every form, unless selectors decide", async () => {
  await using api = await openTestApi();
  for (const name of ["a", "b", "c", "d", "e"]) await api.objects.create(configMap(name, {}, { namespace: "default" }));
  const remaining = async (query: string, accept?: string) => {
    const { body } = await api.call("GET", `${configMaps}?${query}`, accept === undefined ? {} : { headers: { accept } });
    return [body.metadata["remainingItemCount"], body.metadata.continue] as const;
  };
  const [first, token] = await remaining("limit=2");
  const [second, next] = await remaining(`limit=2&continue=${String(token)}`);
  const [third, end] = await remaining(`limit=2&continue=${String(next)}`);
  expect([first, second, third, end]).toEqual([3, 1, undefined, undefined]);
  expect((await remaining("limit=4", "application/json;as=Table;v=v1;g=meta.k8s.io"))[0]).toBe(1);
  expect((await remaining("limit=4", "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"))[0]).toBe(1);
  expect((await remaining("limit=5"))[0]).toBeUndefined();
  expect((await remaining("limit=2&labelSelector=!x"))[0]).toBeUndefined();
});

test("S4: a GET of one object shows the newest; only a version from the future is refused", async () => {
  await using api = await openTestApi();
  const made = await api.objects.create(configMap("a", {}, { namespace: "default" }));
  for (const version of ["", "0", "1", made.metadata.resourceVersion])
    expect((await api.call("GET", `${configMaps}/a?resourceVersion=${version}`)).status, version).toBe(200);
  const future = await api.call("GET", `${configMaps}/a?resourceVersion=99999999`);
  expect([future.status, future.body.message, future.headers["retry-after"]]).toEqual([
    504,
    expect.stringMatching(/^Timeout: Too large resource version/),
    "1",
  ]);
  expect((await api.call("GET", `${configMaps}/a?resourceVersion=x`)).status).toBe(400);
});
