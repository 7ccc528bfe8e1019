import { afterAll, beforeAll, expect, test } from "vitest";
import { until } from "@threeport/engine/testing";
import { define, definition, definitionsPath, established, version } from "../testing/definitions.ts";
import { openTestApi, type TestApi } from "../testing/test-api.ts";

// One server for all cases: each has a kind of its own.
let api: TestApi;
beforeAll(async () => {
  api = await openTestApi({ definitions: true });
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
});

const inDefault = (plural: string, apiVersion = "v1") => `/apis/example.com/${apiVersion}/namespaces/default/${plural}`;

test("a definition is established at once, and its objects are created, read, changed, watched and deleted", async () => {
  await define(api.call, definition());
  const stored = (await api.call("GET", `${definitionsPath}/gadgets.example.com`)).body;
  expect(stored["spec"]).toMatchObject({
    names: { plural: "gadgets", singular: "gadget", kind: "Gadget", listKind: "GadgetList" },
    conversion: { strategy: "None" },
  });
  expect(stored.status).toMatchObject({
    acceptedNames: { plural: "gadgets", singular: "gadget", kind: "Gadget", listKind: "GadgetList" },
    storedVersions: ["v1"],
    conditions: [
      { type: "NamesAccepted", status: "True", reason: "NoConflicts" },
      { type: "Established", status: "True", reason: "InitialNamesAccepted" },
    ],
  });
  const made = await api.call("POST", inDefault("gadgets"), { body: { metadata: { name: "a" }, spec: { size: 2, unknown: 1 } } });
  expect([made.status, made.body.kind, made.body.apiVersion, made.body["spec"], made.body.metadata.generation]).toEqual([
    201,
    "Gadget",
    "example.com/v1",
    { size: 2 },
    1,
  ]);
  expect(made.headers["warning"]).toContain("spec.unknown");
  const patched = await api.call("PATCH", `${inDefault("gadgets")}/a`, { body: { spec: { color: "red" } } });
  expect([patched.body["spec"], patched.body.metadata.generation]).toEqual([{ size: 2, color: "red" }, 2]);
  const list = (await api.call("GET", inDefault("gadgets"))).body;
  expect([list.kind, list.items.length]).toEqual(["GadgetList", 1]);
  expect((await api.call("GET", "/apis/example.com/v1/gadgets")).body.items).toHaveLength(1);
  const deleted = await api.call("DELETE", `${inDefault("gadgets")}/a`);
  expect(deleted.status).toBe(200);
});

test("discovery and OpenAPI know a kind as soon as it is established, and no longer when it is gone", async () => {
  await define(api.call, definition({ plural: "knowns", kind: "Known", names: { shortNames: ["kn"], categories: ["all"] } }));
  const resources = (await api.call("GET", "/apis/example.com/v1")).body["resources"] as { name: string; shortNames?: string[] }[];
  expect(resources.find(({ name }) => name === "knowns")).toMatchObject({ kind: "Known", singularName: "known", shortNames: ["kn"], categories: ["all"] });
  const document = (await api.call("GET", "/openapi/v3/apis/example.com/v1")).body as unknown as { components: { schemas: Record<string, object> } };
  expect(document.components.schemas["com.example.v1.Known"]).toMatchObject({ properties: { spec: { properties: { size: { type: "integer" } } } } });
  await api.call("DELETE", `${definitionsPath}/knowns.example.com`);
  await until("the kind to go", async () => (await api.call("GET", inDefault("knowns"))).status === 404);
  const left = (await api.call("GET", "/apis/example.com/v1")).body["resources"] as { name: string }[];
  expect(left.map(({ name }) => name)).not.toContain("knowns");
});

test("a definition under deletion takes its objects along, waits for their finalizers, lets nothing new in, and ends watches", async () => {
  await define(api.call, definition({ plural: "leavers", kind: "Leaver" }));
  await api.call("POST", inDefault("leavers"), { body: { metadata: { name: "held", finalizers: ["example.com/hold"] }, spec: {} } });
  await api.call("POST", inDefault("leavers"), { body: { metadata: { name: "free" }, spec: {} } });
  const { resourceVersion } = (await api.call("GET", inDefault("leavers"))).body.metadata; // from here on, however late the watch begins
  const watching = api.call("GET", `${inDefault("leavers")}?watch=true&resourceVersion=${resourceVersion}`);
  expect((await api.call("DELETE", `${definitionsPath}/leavers.example.com`)).status).toBe(200);
  await until("the free one to go", async () => (await api.call("GET", `${inDefault("leavers")}/free`)).status === 404);
  const late = await api.call("POST", inDefault("leavers"), { body: { metadata: { name: "late" }, spec: {} } });
  expect([late.status, late.body.message]).toEqual([405, expect.stringContaining("being deleted")]);
  const waiting = (await api.call("GET", `${definitionsPath}/leavers.example.com`)).body;
  expect(waiting.metadata["finalizers"]).toEqual(["customresourcecleanup.apiextensions.k8s.io"]);
  expect(waiting.status).toMatchObject({
    conditions: expect.arrayContaining([expect.objectContaining({ type: "Terminating", status: "True", reason: "InstanceDeletionInProgress" })]) as unknown,
  });
  await api.call("PATCH", `${inDefault("leavers")}/held`, { body: { metadata: { finalizers: null } } });
  await until("the definition to go", async () => (await api.call("GET", `${definitionsPath}/leavers.example.com`)).status === 404);
  expect((await api.call("GET", inDefault("leavers"))).status).toBe(404);
  const events = (await watching).text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { type: string; object: { metadata: { name: string } } });
  expect(events.filter(({ type }) => type === "DELETED").map(({ object }) => object.metadata.name)).toEqual(["free", "held"]);
});

test("names that others in the group have are not accepted until these go", async () => {
  await define(api.call, definition({ plural: "firsts", kind: "First", names: { shortNames: ["fst"] } }));
  await api.call("POST", definitionsPath, { body: definition({ plural: "seconds", kind: "First" }) });
  const refused = await until("the conflict to be told", async () => {
    const { status } = (await api.call("GET", `${definitionsPath}/seconds.example.com`)).body;
    return ((status as { conditions?: object[] }).conditions ?? []).length > 0 ? status : undefined;
  });
  expect(refused).toMatchObject({
    conditions: [
      { type: "NamesAccepted", status: "False", reason: "ListKindConflict", message: '"FirstList" is already in use' },
      { type: "Established", status: "False", reason: "NotAccepted" },
    ],
  });
  expect((await api.call("GET", inDefault("seconds"))).status).toBe(404);
  await api.call("DELETE", `${definitionsPath}/firsts.example.com`);
  await established(api.call, "seconds.example.com");
  expect((await api.call("GET", inDefault("seconds"))).status).toBe(200);
});

test("several versions: an object is stored once and answered in the version that is asked for", async () => {
  const old = { ...version("v1beta1"), storage: false, deprecated: true };
  await define(api.call, definition({ plural: "movers", kind: "Mover", versions: [version("v1"), old] }));
  const made = await api.call("POST", inDefault("movers", "v1beta1"), { body: { metadata: { name: "m" }, spec: { size: 1 } } });
  expect([made.status, made.body.apiVersion, made.headers["warning"]]).toEqual([
    201,
    "example.com/v1beta1",
    expect.stringContaining("example.com/v1beta1 Mover is deprecated"),
  ]);
  for (const name of ["v1", "v1beta1"]) {
    expect((await api.call("GET", `${inDefault("movers", name)}/m`)).body.apiVersion).toBe(`example.com/${name}`);
    const list = (await api.call("GET", inDefault("movers", name))).body;
    expect([list.apiVersion, list.items[0]?.apiVersion]).toEqual([`example.com/${name}`, `example.com/${name}`]);
    const watched = await api.call("GET", `${inDefault("movers", name)}?watch=true&timeoutSeconds=1`);
    expect(watched.text).toContain(`"apiVersion":"example.com/${name}"`);
    expect(watched.headers["warning"] !== undefined, "a deprecated version warns its watchers too").toBe(name === "v1beta1");
  }
  const group = (await api.call("GET", "/apis/example.com")).body;
  expect(group["preferredVersion"]).toMatchObject({ version: "v1" });
  expect((await api.call("DELETE", `${inDefault("movers")}/m`)).status).toBe(200);
  // v1beta1 is no longer served, and then, with nothing stored in it any more, no longer there.
  const definitionUrl = `${definitionsPath}/movers.example.com`;
  await api.call("PATCH", definitionUrl, { body: { spec: { versions: [version("v1"), { ...old, served: false }] } } });
  await until("v1beta1 to go", async () => (await api.call("GET", inDefault("movers", "v1beta1"))).status === 404);
  expect((await api.call("GET", inDefault("movers"))).status).toBe(200);
  // Objects of a kind that is not served at all are still removed with it.
  await api.call("POST", inDefault("movers"), { body: { metadata: { name: "last" }, spec: {} } });
  await api.call("PATCH", definitionUrl, {
    body: {
      spec: {
        versions: [
          { ...version("v1"), served: false },
          { ...old, served: false },
        ],
      },
    },
  });
  await until("the kind to be served no more", async () => (await api.call("GET", inDefault("movers"))).status === 404);
  await api.call("DELETE", definitionUrl);
  await until("the definition to go", async () => (await api.call("GET", definitionUrl)).status === 404);
});

test("the status subresource: the main endpoint ignores status, and /status all else", async () => {
  await define(api.call, definition({ plural: "states", kind: "State", version: { subresources: { status: {} } } }));
  const made = await api.call("POST", inDefault("states"), { body: { metadata: { name: "s" }, spec: { size: 1 }, status: { phase: "x" } } });
  expect(made.body.status).toBeUndefined();
  const told = await api.call("PATCH", `${inDefault("states")}/s/status`, { body: { spec: { size: 9 }, status: { phase: "y" } } });
  expect([told.body["spec"], told.body.status, told.body.metadata.generation]).toEqual([{ size: 1 }, { phase: "y" }, 1]);
  const changed = await api.call("PATCH", `${inDefault("states")}/s`, { body: { spec: { size: 2 }, status: { phase: "z" } } });
  expect([changed.body.status, changed.body.metadata.generation]).toEqual([{ phase: "y" }, 2]);
});

test("a strategic merge patch is refused: only built-in kinds say how their lists merge", async () => {
  await define(api.call, definition({ plural: "plains", kind: "Plain" }));
  await api.call("POST", inDefault("plains"), { body: { metadata: { name: "p" }, spec: {} } });
  const patched = await api.call("PATCH", `${inDefault("plains")}/p`, {
    body: { spec: { size: 2 } },
    headers: { "content-type": "application/strategic-merge-patch+json" },
  });
  expect([patched.status, patched.body.reason]).toEqual([415, "UnsupportedMediaType"]);
});

test("rules of a schema are compiled when the definition is written, and kept by every object from then on", async () => {
  const spec = (rule: string) => ({
    type: "object",
    properties: { size: { type: "integer" }, mode: { type: "string" } },
    "x-kubernetes-validations": [{ rule, message: "the size may only grow", fieldPath: ".size" }],
  });
  const wrong = await api.call("POST", definitionsPath, {
    body: definition({ plural: "ruleds", kind: "Ruled", version: version("v1", spec("self.sise > 1")) }),
  });
  expect([wrong.status, wrong.body.details?.causes?.[0]?.field]).toEqual([
    422,
    "spec.versions[0].schema.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule",
  ]);
  expect(wrong.body.message).toContain("undefined field 'sise'");
  await define(api.call, definition({ plural: "ruleds", kind: "Ruled", version: version("v1", spec("self.size >= oldSelf.size")) }));
  expect((await api.call("POST", inDefault("ruleds"), { body: { metadata: { name: "r" }, spec: { size: 2 } } })).status).toBe(201);
  const shrunk = await api.call("PATCH", `${inDefault("ruleds")}/r`, { body: { spec: { size: 1 } } });
  expect([shrunk.status, shrunk.body.details?.causes]).toEqual([
    422,
    [{ field: "spec.size", reason: "FieldValueInvalid", message: "Invalid value: the size may only grow" }],
  ]);
  expect((await api.call("PATCH", `${inDefault("ruleds")}/r`, { body: { spec: { size: 3 } } })).status).toBe(200);
});

test("what is stored may stay when the schema becomes narrower; what changes keeps the new schema", async () => {
  const spec = (extra: object, rules: object[]) => ({
    type: "object",
    properties: { size: { type: "integer", ...extra }, name: { type: "string" } },
    "x-kubernetes-validations": rules,
  });
  await define(api.call, definition({ plural: "olds", kind: "Old", version: version("v1", spec({}, [])) }));
  await api.call("POST", inDefault("olds"), { body: { metadata: { name: "o" }, spec: { size: 5, name: "a" } } });
  const narrower = [{ ...version("v1", spec({ maximum: 3 }, [])) }];
  await api.call("PATCH", `${definitionsPath}/olds.example.com`, { body: { spec: { versions: narrower } } });
  await until(
    "the new schema",
    async () => (await api.call("POST", inDefault("olds"), { body: { metadata: { name: "p" }, spec: { size: 5 } } })).status === 422,
  );
  expect((await api.call("PATCH", `${inDefault("olds")}/o`, { body: { spec: { name: "b" } } })).status).toBe(200);
  expect((await api.call("PATCH", `${inDefault("olds")}/o`, { body: { spec: { size: 4 } } })).status).toBe(422);
  expect((await api.call("PATCH", `${inDefault("olds")}/o`, { body: { spec: { size: 3 } } })).status).toBe(200);
});

test("defaults that the schema gets later are there when an object is read", async () => {
  const spec = (extra: object) => ({ type: "object", properties: { size: { type: "integer" }, mode: { type: "string", ...extra } } });
  await define(api.call, definition({ plural: "laters", kind: "Later", version: version("v1", spec({})) }));
  await api.call("POST", inDefault("laters"), { body: { metadata: { name: "l" }, spec: { size: 1 } } });
  await api.call("PATCH", `${definitionsPath}/laters.example.com`, { body: { spec: { versions: [version("v1", spec({ default: "fast" }))] } } });
  await until("the default", async () => ((await api.call("GET", `${inDefault("laters")}/l`)).body["spec"] as { mode?: string }).mode === "fast");
  expect((await api.call("GET", inDefault("laters"))).body.items[0]?.["spec"]).toEqual({ size: 1, mode: "fast" });
  expect((await api.call("GET", `${inDefault("laters")}?watch=true&timeoutSeconds=1`)).text).toContain('"mode":"fast"');
});

test("what a definition cannot be is refused with the field that is wrong", async () => {
  const cases: [object, string][] = [
    [{ ...definition({ plural: "bads" }), metadata: { name: "other.example.com" } }, "metadata.name"],
    [definition({ plural: "bads", version: { storage: false } }), "spec.versions"],
    [definition({ plural: "bads", version: { schema: undefined } }), "spec.versions[0].schema.openAPIV3Schema"],
    [definition({ plural: "bads", group: "bads.k8s.io" }), "metadata.annotations[api-approved.kubernetes.io]"],
    [definition({ plural: "bads", version: version("v1", { properties: {} }) }), "spec.versions[0].schema.openAPIV3Schema.properties[spec].type"],
    [
      definition({ plural: "bads", version: version("v1", { type: "object", properties: { a: { type: "string", pattern: "(" } } }) }),
      "spec.versions[0].schema.openAPIV3Schema.properties[spec].properties[a].pattern",
    ],
    [{ ...definition({ plural: "bads" }), spec: { ...definition({ plural: "bads" }).spec, conversion: { strategy: "Webhook" } } }, "spec.conversion.strategy"],
    [{ ...definition({ plural: "bads" }), spec: { ...definition({ plural: "bads" }).spec, preserveUnknownFields: true } }, "spec.preserveUnknownFields"],
  ];
  for (const [body, field] of cases) {
    const answer = await api.call("POST", definitionsPath, { body });
    expect([answer.status, answer.body.details?.causes?.map((cause) => cause.field)], answer.text).toEqual([422, expect.arrayContaining([field])]);
  }
});
