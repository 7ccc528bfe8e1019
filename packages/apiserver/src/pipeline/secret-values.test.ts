import { expect, test } from "vitest";
import { z } from "zod";
import { defineKind, lastAppliedAnnotation, type KubeObject } from "@threeport/resource";
import { apply } from "../testing/apply.ts";
import { openTestApi, type TestApi } from "../testing/test-api.ts";

const bundleKind = defineKind({
  group: "test.threeport.io",
  version: "v1alpha1",
  kind: "Bundle",
  plural: "bundles",
  scope: "Namespaced",
  sensitive: true,
  documents: ["spec.deep.objects"],
  description: "Carries documents.",
  fields: {
    spec: z
      .object({
        deep: z
          .object({
            objects: z
              .array(z.record(z.string(), z.unknown()).meta({ "x-kubernetes-preserve-unknown-fields": true }))
              .describe("Documents.")
              .meta({ "x-kubernetes-list-type": "atomic" }),
          })
          .describe("Deep."),
      })
      .describe("What is in it."),
    status: z
      .object({ seen: z.boolean().optional().describe("Anything.") })
      .optional()
      .describe("State."),
  },
});

const canary = "canary-b7c1-never-to-be-seen";
const encoded = Buffer.from(canary).toString("base64");
const path = (namespace = "default"): string => `/apis/test.threeport.io/v1alpha1/namespaces/${namespace}/bundles`;
const secret = (fields: object, metadata: object = {}): object => ({ apiVersion: "v1", kind: "Secret", metadata: { name: "s", ...metadata }, ...fields });
const config = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: { plain: "text" } };
const bundle = (name: string, objects: readonly object[], metadata: object = {}): KubeObject =>
  ({ apiVersion: bundleKind.apiVersion, kind: bundleKind.kind, metadata: { name, ...metadata }, spec: { deep: { objects } } }) as unknown as KubeObject;
const documentsOf = (body: unknown): Record<string, Record<string, string>>[] =>
  (body as { spec: { deep: { objects: Record<string, Record<string, string>>[] } } }).spec.deep.objects;
const open = (): Promise<TestApi> => openTestApi({ kinds: [bundleKind] });
const mark = expect.stringMatching(/^threeport\.io\/secret-value:hmac-sha256:[0-9a-f]{64}$/) as string;
/** What stands in the database, opened. */
const valueOf = async (api: TestApi, text: string | undefined): Promise<unknown> =>
  JSON.parse((await api.store.blobs.get((text ?? "").replace("threeport.io/secret-value:", ""))) ?? "null");

test("S7: the values of a Secret are marks in every answer, and sealed blobs in the store; everything else stays as it was written", async () => {
  await using api = await open();
  const made = await api.call("POST", path(), {
    body: bundle("a", [secret({ data: { key: encoded }, stringData: { text: canary, number: 7 }, type: "Opaque" }), config]),
  });
  expect(made.status).toBe(201);
  const answers = [
    made,
    await api.call("GET", `${path()}/a`),
    await api.call("GET", path()),
    await api.call("GET", path(), { headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" } }),
    await api.call("PATCH", `${path()}/a`, { body: { metadata: { labels: { l: "x" } } } }),
    await api.call("DELETE", `${path()}/none`),
  ];
  for (const answer of answers) for (const text of [canary, encoded]) expect(JSON.stringify(answer.body)).not.toContain(text);
  const [first, second] = documentsOf(made.body);
  expect(first).toEqual(secret({ data: { key: mark }, stringData: { text: mark, number: mark }, type: "Opaque" }));
  expect(second).toEqual(config);
  expect(await valueOf(api, first?.["data"]?.["key"])).toEqual(["default", encoded]);
  expect(await valueOf(api, first?.["stringData"]?.["number"])).toEqual(["default", 7]);
});

test("the same value again, and its mark, change nothing: no version, no generation; another value does (K1, K3)", async () => {
  await using api = await open();
  const made = await api.call("POST", path(), { body: bundle("a", [secret({ stringData: { text: canary } })]) });
  const again = await api.call("PATCH", `${path()}/a`, { body: { spec: bundle("a", [secret({ stringData: { text: canary } })])["spec"] } });
  expect([again.status, again.body]).toEqual([200, made.body]);
  const back = await api.call("PUT", `${path()}/a`, { body: made.body });
  expect([back.status, back.body]).toEqual([200, made.body]);
  const other = await api.call("PUT", `${path()}/a`, { body: { ...made.body, spec: bundle("a", [secret({ stringData: { text: "other" } })])["spec"] } });
  expect(other.body.metadata["generation"]).toBe(2);
  expect(documentsOf(other.body)[0]?.["stringData"]?.["text"]).not.toBe(documentsOf(made.body)[0]?.["stringData"]?.["text"]);
});

test("kubectl's annotation with the whole manifest carries the marks too", async () => {
  await using api = await open();
  const manifest = bundle("a", [secret({ stringData: { text: canary } }), config], { namespace: "default", annotations: {} });
  const annotations = { [lastAppliedAnnotation]: `${JSON.stringify(manifest)}\n`, other: "kept" };
  const made = await api.call("POST", path(), { body: bundle("a", [secret({ stringData: { text: canary } }), config], { annotations }) });
  expect(JSON.stringify(made.body)).not.toContain(canary);
  const kept = made.body.metadata["annotations"] as Record<string, string>;
  expect(kept["other"]).toBe("kept");
  expect(documentsOf(JSON.parse(kept[lastAppliedAnnotation] ?? ""))).toEqual(documentsOf(made.body));
  // A Secret that was exported from a cluster carries its manifest once more.
  const exported = secret({ data: { key: encoded } }, { annotations: { [lastAppliedAnnotation]: JSON.stringify(secret({ stringData: { text: canary } })) } });
  const second = await api.call("POST", path(), { body: bundle("b", [exported]) });
  expect(JSON.stringify(second.body)).not.toContain(canary);
});

test("server-side apply compares marks: the same value by another manager is no conflict, another one is", async () => {
  await using api = await open();
  const applied = bundle("a", [secret({ stringData: { text: canary } })]);
  expect((await apply(api, `${path()}/a`, applied)).status).toBe(201);
  const shared = await apply(api, `${path()}/a`, applied, { manager: "bob" });
  expect(shared.status).toBe(200);
  expect(JSON.stringify(shared.body)).not.toContain(canary);
  const refused = await apply(api, `${path()}/a`, bundle("a", [secret({ stringData: { text: "other" } })]), { manager: "eve" });
  expect(refused.status).toBe(409);
  expect(JSON.stringify(refused.body)).not.toContain(canary);
});

test("a mark is worth nothing in another namespace, and one that stands for nothing is refused with its path", async () => {
  await using api = await open();
  await api.call("POST", "/api/v1/namespaces", { body: { apiVersion: "v1", kind: "Namespace", metadata: { name: "other" } } });
  const made = await api.call("POST", path(), { body: bundle("a", [secret({ stringData: { text: canary } })]) });
  const stolen = await api.call("POST", path("other"), { body: bundle("a", documentsOf(made.body)) });
  expect([stolen.status, stolen.body.details?.causes]).toEqual([
    422,
    [{ reason: "FieldValueInvalid", field: "spec.deep.objects[0].stringData.text", message: expect.stringContaining("stands for no secret value") as string }],
  ]);
  const invented = await api.call("POST", path(), {
    body: bundle("b", [config, secret({ data: { key: `threeport.io/secret-value:hmac-sha256:${"0".repeat(64)}` } })]),
  });
  expect(invented.body.details?.causes).toMatchObject([{ field: "spec.deep.objects[1].data.key" }]);
  const copied = await api.call("POST", path(), { body: bundle("c", documentsOf(made.body)) });
  expect([copied.status, documentsOf(copied.body)]).toEqual([201, documentsOf(made.body)]);
});

test("a value lives as long as an object needs it; a write that is only tried stores none", async () => {
  await using api = await open();
  const tried = await api.call("POST", `${path()}?dryRun=All`, { body: bundle("a", [secret({ stringData: { text: "only tried" } })]) });
  expect(tried.status).toBe(201);
  expect(await valueOf(api, documentsOf(tried.body)[0]?.["stringData"]?.["text"])).toBeNull();
  const made = await api.call("POST", path(), { body: bundle("a", [secret({ stringData: { text: canary } })]) });
  const text = documentsOf(made.body)[0]?.["stringData"]?.["text"];
  await api.store.blobs.sweep(0);
  expect(await valueOf(api, text)).toEqual(["default", canary]);
  await api.call("PUT", `${path()}/a`, { body: { ...made.body, spec: { deep: { objects: [config] } } } });
  await api.store.blobs.sweep(0);
  expect(await valueOf(api, text)).toBeNull();
});

test("documents of odd shapes pass without harm: what is no Secret is left alone, what is one is hidden whatever it holds", async () => {
  await using api = await open();
  const odd = [
    { apiVersion: "v1", kind: "Secret", data: canary },
    secret({ data: { key: null, deep: { er: canary } } }),
    { kind: "Secret", data: { key: "not v1" } },
  ];
  const made = await api.call("POST", path(), { body: bundle("a", odd) });
  expect(made.status).toBe(201);
  expect(JSON.stringify(made.body)).not.toContain(canary);
  expect(documentsOf(made.body)[1]?.["data"]).toEqual({ key: null, deep: mark });
  expect(documentsOf(made.body)[2]).toEqual(odd[2]);
});
