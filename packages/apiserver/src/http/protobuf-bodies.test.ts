import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { messageOf } from "../protobuf/kinds.ts";
import { encodeBody, encodeMessage, lengthDelimited } from "../protobuf/testing/encode-message.ts";
import { configMap, configMaps, namespaces, widget, widgets } from "../testing/paths.ts";
import { openTestApi, type TestApi } from "../testing/test-api.ts";

const headers = { "content-type": "application/vnd.kubernetes.protobuf", accept: "application/vnd.kubernetes.protobuf,application/json" };

let api: TestApi;
beforeAll(async () => void (api = await openTestApi()));
afterAll(() => api[Symbol.asyncDispose]());

/** The same object as a typed client of Go sends it; `unknown` is put behind its known fields. */
function protobuf(object: { apiVersion: string; kind: string }, unknown: Uint8Array = new Uint8Array()): Buffer {
  const message = messageOf(object.apiVersion, object.kind);
  if (message === undefined) throw new Error(`${object.kind} has no message`);
  return encodeBody({ ...object, raw: Buffer.concat([encodeMessage(message, object), unknown]) });
}

test("a CustomResourceDefinition in protobuf is the one that JSON would be", async () => {
  const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const schema = { type: "object", properties: { spec: { type: "object", properties: { size: { type: "integer", default: 1, minimum: 0 } } } } };
  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "gadgets.example.com" },
    spec: {
      group: "example.com",
      names: { plural: "gadgets", kind: "Gadget" },
      scope: "Namespaced",
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  };
  const asJson = await api.call("POST", `${path}?dryRun=All`, { body: definition });
  const made = await api.call("POST", path, { headers, body: protobuf(definition) });
  expect([asJson.status, made.status, made.body["spec"]]).toEqual([201, 201, asJson.body["spec"]]);
});

const deleteOptions = (options: object): Buffer => protobuf({ apiVersion: "v1", kind: "DeleteOptions", ...options });
const fromNewerClient = lengthDelimited(99, Buffer.from("new"));

test("what kubectl 1.36 sends to create a namespace, and a ConfigMap and a Secret in it, is stored", async () => {
  const sent = JSON.parse(readFileSync(new URL("../protobuf/testdata/kubectl-1.36.4.json", import.meta.url), "utf8")) as { command: string; hex: string }[];
  const body = (start: string): Buffer => Buffer.from(sent.find(({ command }) => command.startsWith(start))?.hex ?? "", "hex");
  const query = "?fieldManager=kubectl-create&fieldValidation=Strict";
  expect(await api.call("POST", `${namespaces}${query}`, { headers, body: body("create namespace") })).toMatchObject({
    status: 201,
    body: { metadata: { name: "shop" }, status: { phase: "Active" } },
  });
  expect(await api.call("POST", `${namespaces}/shop/configmaps${query}`, { headers, body: body("create configmap") })).toMatchObject({
    status: 201,
    body: { data: { colour: "blue", empty: "" }, binaryData: { blob: "AP/+" } },
  });
  expect(await api.call("POST", `${namespaces}/shop/secrets${query}`, { headers, body: body("create secret generic") })).toMatchObject({
    status: 201,
    body: { type: "Opaque", data: { user: "YWRh", password: "cMOkNTU=" } },
  });
});

test("an update in protobuf replaces the object; the same update in JSON then changes nothing (K3)", async () => {
  await api.call("POST", configMaps, { body: configMap("replaced", { a: "1", b: "2" }) });
  const next = configMap("replaced", { a: "3" }, { namespace: "default", labels: { tier: "web" } });
  const first = await api.call("PUT", `${configMaps}/replaced`, { headers, body: protobuf(next) });
  expect(first).toMatchObject({ status: 200, body: { data: { a: "3" }, metadata: { labels: { tier: "web" } } } });
  expect(first.body["data"]).toEqual({ a: "3" });
  const second = await api.call("PUT", `${configMaps}/replaced`, { body: next });
  expect(second.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
});

test("a field that has no name here is refused by its number under Strict, warned of by default, and passed over under Ignore", async () => {
  const body = protobuf(configMap("newer", { a: "1" }), fromNewerClient);
  const strict = await api.call("POST", `${configMaps}?fieldValidation=Strict`, { headers, body });
  expect(strict.status).toBe(400);
  expect(strict.body.message).toContain('strict decoding error: unknown field "#99" (a protobuf field number)');
  const warned = await api.call("POST", `${configMaps}?dryRun=All`, { headers, body });
  expect(warned).toMatchObject({ status: 201, headers: { warning: expect.stringContaining("#99") as string } });
  const ignored = await api.call("POST", `${configMaps}?dryRun=All&fieldValidation=Ignore`, { headers, body });
  expect(ignored.status).toBe(201);
  expect(ignored.headers["warning"]).toBeUndefined();
});

test("a body of another kind than the URL's is refused", async () => {
  const answer = await api.call("POST", configMaps, { headers, body: protobuf({ apiVersion: "v1", kind: "ServiceAccount" }) });
  expect(answer.status).toBe(400);
  expect(answer.body.message).toContain("the body is a ServiceAccount of v1, but the URL is that of ConfigMap");
});

test("a kind of ours has no protobuf form: the answer says to send JSON", async () => {
  const answer = await api.call("POST", widgets, { headers, body: encodeBody(widget("w")) });
  expect(answer.status).toBe(415);
  expect(answer.body.message).toContain("send it as application/json");
});

test("a patch cannot be protobuf", async () => {
  await api.call("POST", configMaps, { body: configMap("patched") });
  const answer = await api.call("PATCH", `${configMaps}/patched`, { headers, body: protobuf(configMap("patched")) });
  expect(answer).toMatchObject({ status: 415, body: { reason: "UnsupportedMediaType" } });
});

test("a body that is empty or broken is refused and nothing is stored", async () => {
  const whole = protobuf(configMap("broken", { a: "1" }));
  for (const body of [Buffer.alloc(0), Buffer.from("{}"), whole.subarray(0, whole.length - 8)])
    expect((await api.call("POST", configMaps, { headers, body })).status).toBe(400);
  expect((await api.call("GET", `${configMaps}/broken`)).status).toBe(404);
});

test("options of a delete are heeded: preconditions, dry run, and a body that is no DeleteOptions is refused", async () => {
  const made = await api.call("POST", configMaps, { body: configMap("deleted") });
  const remove = (body: Buffer) => api.call("DELETE", `${configMaps}/deleted`, { headers, body });
  expect((await remove(deleteOptions({ preconditions: { uid: "another" } }))).status).toBe(409);
  expect((await remove(deleteOptions({ dryRun: ["All"] }))).status).toBe(200);
  expect((await remove(deleteOptions({ propagationPolicy: "Sideways" }))).status).toBe(422);
  expect((await remove(protobuf(configMap("deleted")))).status).toBe(400);
  expect((await api.call("GET", `${configMaps}/deleted`)).status).toBe(200);
  expect((await remove(deleteOptions({ propagationPolicy: "Background", preconditions: { uid: made.body.metadata.uid } }))).status).toBe(200);
  expect((await api.call("GET", `${configMaps}/deleted`)).status).toBe(404);
});

test("a collection is deleted under options in protobuf", async () => {
  await api.call("POST", configMaps, { body: configMap("one", {}, { labels: { batch: "x" } }) });
  const remove = (options: object) => api.call("DELETE", `${configMaps}?labelSelector=batch%3Dx`, { headers, body: deleteOptions(options) });
  await remove({ dryRun: ["All"] });
  expect((await api.call("GET", `${configMaps}/one`)).status).toBe(200);
  await remove({});
  expect((await api.call("GET", `${configMaps}/one`)).status).toBe(404);
});
