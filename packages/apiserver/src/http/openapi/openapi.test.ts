import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { WireReader, WireType } from "../../protobuf/wire.ts";
import { openTestApi, type TestApi } from "../../testing/test-api.ts";

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: object }[];
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content: Readonly<Record<string, { readonly schema: object }>> }>>;
}

interface PathItem {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[];
  readonly get?: Operation;
  readonly put?: Operation;
  readonly post?: Operation;
  readonly delete?: Operation;
  readonly patch?: Operation;
}

interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components: { readonly schemas: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
}

async function documents(api: TestApi): Promise<Document[]> {
  const { paths } = (await api.call("GET", "/openapi/v3")).body as unknown as { paths: Record<string, { serverRelativeURL: string }> };
  return Promise.all(Object.values(paths).map(async ({ serverRelativeURL }) => (await api.call("GET", serverRelativeURL)).body as unknown as Document));
}

function eachReference(value: unknown, visit: (reference: string) => void): void {
  if (typeof value !== "object" || value === null) return;
  for (const [key, child] of Object.entries(value)) {
    if (key === "$ref" && typeof child === "string") visit(child);
    else eachReference(child, visit);
  }
}

test("every document is valid OpenAPI 3.0 or Swagger 2.0, by somebody else's judgement", async () => {
  await using api = await openTestApi();
  const v2 = (await api.call("GET", "/openapi/v2")).body;
  for (const document of [...(await documents(api)), v2]) {
    // The validator takes a field of the name $ref, which schemas of schemas have, for a reference.
    const readable = JSON.parse(JSON.stringify(document), (key, value: unknown) => (key === "$ref" && typeof value === "object" ? undefined : value)) as object;
    const { valid, errors } = await new Validator().validate({ ...readable });
    expect(JSON.stringify(errors ?? "", undefined, 1).slice(0, 2000)).toBe('""');
    expect(valid).toBe(true);
  }
});

test("every $ref of every document leads to a schema of that document", async () => {
  await using api = await openTestApi();
  for (const document of await documents(api)) {
    let count = 0;
    eachReference(document, (reference) => {
      count++;
      const name = /^#\/components\/schemas\/(.+)$/.exec(reference)?.[1] ?? "";
      expect(Object.keys(document.components.schemas)).toContain(name);
    });
    expect(count).toBeGreaterThan(0);
  }
});

test("the documents have what OpenAPI 3.0 asks for: unique operations, declared path parameters, described answers", async () => {
  await using api = await openTestApi();
  for (const document of await documents(api)) {
    expect([document.openapi, typeof document.info.title, typeof document.info.version]).toEqual(["3.0.0", "string", "string"]);
    const ids: string[] = [];
    for (const [path, item] of Object.entries(document.paths)) {
      const declared = (item.parameters ?? []).filter((parameter) => parameter.in === "path" && parameter.required === true).map((parameter) => parameter.name);
      expect(declared.toSorted(), path).toEqual([...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "").toSorted());
      const { parameters: _, ...operations } = item;
      for (const [verb, operation] of Object.entries(operations)) {
        expect(["get", "put", "post", "delete", "patch"]).toContain(verb);
        ids.push(operation.operationId);
        for (const parameter of operation.parameters ?? [])
          expect([parameter.in, typeof parameter.schema], `${path} ${parameter.name}`).toEqual(["query", "object"]);
        for (const response of Object.values(operation.responses)) expect(response.description).not.toBe("");
      }
    }
    expect(ids.toSorted()).toEqual([...new Set(ids)].toSorted());
  }
});

test("the schemas compile as JSON Schema, take what the server answers, and refuse what it refuses", async () => {
  await using api = await openTestApi();
  const all = await documents(api);
  for (const document of all) {
    const ajv = new Ajv({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: "document", ...document });
    for (const name of Object.keys(document.components.schemas)) expect(ajv.getSchema(`document#/components/schemas/${name}`), name).toBeTypeOf("function");
    const check = ajv.getSchema("document#/components/schemas/io.threeport.test.v1alpha1.Widget");
    if (check === undefined) continue;
    const made = await api.call("POST", "/apis/test.threeport.io/v1alpha1/namespaces/default/widgets", {
      body: { metadata: { name: "a", labels: { a: "b" } }, spec: { size: 2, parts: [{ name: "x" }] } },
    });
    expect(check(made.body), JSON.stringify(check.errors)).toBe(true);
    expect(check({ ...made.body, spec: { size: "2" } })).toBe(false);
    expect(check({ ...made.body, spec: { color: "blue" } })).toBe(false);
    expect(check({ ...made.body, metadata: { name: 5 } })).toBe(false);
  }
});

test("every field of a kind is described, for kubectl explain", async () => {
  await using api = await openTestApi();
  const undescribed: string[] = [];
  const walk = (schema: Readonly<Record<string, unknown>>, path: string) => {
    for (const [name, child] of Object.entries((schema["properties"] ?? {}) as Record<string, Record<string, unknown>>)) {
      if (typeof child["description"] !== "string" && child["$ref"] === undefined) undescribed.push(`${path}.${name}`);
      walk(child, `${path}.${name}`);
      if (typeof child["items"] === "object") walk(child["items"] as Record<string, unknown>, `${path}.${name}[]`);
    }
  };
  for (const document of await documents(api))
    for (const [name, schema] of Object.entries(document.components.schemas))
      if (schema["x-kubernetes-group-version-kind"] !== undefined && !name.endsWith("List")) walk(schema, name);
  expect(undescribed).toEqual([]);
});

test("the address of a document changes with its kinds and with no others, so that no client reads an old one from its cache", async () => {
  await using api = await openTestApi();
  const addresses = async () => (await api.call("GET", "/openapi/v3")).body as unknown as { paths: Record<string, { serverRelativeURL: string }> };
  const before = (await addresses()).paths;
  const known = api.context.registry.byKind("test.threeport.io/v1alpha1", "Widget");
  if (known === undefined) throw new Error("the harness has no Widget");
  api.context.registry.add({ ...known, schema: { ...known.schema, description: "Another description." } });
  const after = (await addresses()).paths;
  const changed = Object.keys(after).filter((place) => after[place]?.serverRelativeURL !== before[place]?.serverRelativeURL);
  expect(changed).toEqual(["apis/test.threeport.io/v1alpha1"]);
  const old = before[changed[0] ?? ""]?.serverRelativeURL ?? "";
  const moved = await api.call("GET", old);
  expect([moved.status, moved.headers["location"]]).toEqual([301, after[changed[0] ?? ""]?.serverRelativeURL]);
  expect((await api.call("GET", moved.headers["location"] ?? "")).text).toContain("Another description.");
});

test("a document under its hash may be kept for ever; without the hash it is asked for again, and 304 says that it is the same", async () => {
  await using api = await openTestApi();
  const { paths } = (await api.call("GET", "/openapi/v3")).body as unknown as { paths: Record<string, { serverRelativeURL: string }> };
  const hashed = await api.call("GET", paths["api/v1"]?.serverRelativeURL ?? "");
  const plain = await api.call("GET", "/openapi/v3/api/v1");
  expect(hashed.headers["cache-control"]).toMatch(/public, immutable/);
  expect([plain.status, plain.headers["cache-control"], plain.text === hashed.text]).toEqual([200, "no-cache, private", true]);
  const again = await api.call("GET", "/openapi/v3/api/v1", { headers: { "if-none-match": String(plain.headers["etag"]) } });
  expect([again.status, again.text]).toEqual([304, ""]);
  expect((await api.call("GET", "/openapi/v3/api/v1", { headers: { accept: "application/com.github.proto-openapi.spec.v3.v1.0+protobuf" } })).status).toBe(406);
  const fallback = await api.call("GET", "/openapi/v3/api/v1", {
    headers: { accept: "application/com.github.proto-openapi.spec.v3.v1.0+protobuf,application/json" },
  });
  expect([fallback.status, fallback.headers["content-type"]]).toEqual([200, "application/json"]);
});

test("OpenAPI v2 is there as JSON and in the binary form that client-go asks for, and both say the same", async () => {
  await using api = await openTestApi();
  const json = (await api.call("GET", "/openapi/v2")).body as unknown as {
    swagger: string;
    paths: Record<string, Record<string, { parameters?: { name: string; in: string }[]; "x-kubernetes-group-version-kind": object }>>;
    definitions: Record<string, Record<string, unknown>>;
  };
  expect(json.swagger).toBe("2.0");
  eachReference(json, (reference) => expect(Object.keys(json.definitions)).toContain(reference.replace("#/definitions/", "")));
  const patch = json.paths["/api/v1/namespaces/{name}"]?.["patch"];
  expect(patch?.["x-kubernetes-group-version-kind"]).toEqual({ group: "", version: "v1", kind: "Namespace" });
  expect(patch?.parameters?.map((parameter) => `${parameter.in} ${parameter.name}`)).toEqual(
    expect.arrayContaining(["body body", "query dryRun", "query fieldValidation"]),
  );
  const { status, headers, bytes } = await rawGet(api, "/openapi/v2", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf");
  expect([status, headers["content-type"]]).toEqual([200, "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"]);
  const document = fieldsOf(bytes);
  expect(document[1]?.map(String)).toEqual(["2.0"]);
  const names = (part: Buffer | undefined, number: number) => (fieldsOf(part ?? Buffer.alloc(0))[number] ?? []).map((entry) => String(fieldsOf(entry)[1]?.[0]));
  expect(names(document[8]?.[0], 2)).toEqual(Object.keys(json.paths));
  expect(names(document[9]?.[0], 1)).toEqual(Object.keys(json.definitions));
});

async function rawGet(api: TestApi, path: string, accept: string): Promise<{ status: number; headers: Record<string, unknown>; bytes: Buffer }> {
  const answer = await api.client.raw(path, { headers: { accept } });
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body) chunks.push(chunk);
  return { status: answer.status, headers: answer.headers, bytes: Buffer.concat(chunks) };
}

/** Length-delimited fields of a protobuf message by number; others do not occur at the top of these. */
function fieldsOf(bytes: Buffer): Record<number, Buffer[]> {
  const found: Record<number, Buffer[]> = {};
  const reader = new WireReader(bytes);
  while (!reader.done) {
    const { number, wireType } = reader.tag();
    if (wireType === WireType.Bytes) (found[number] ??= []).push(Buffer.from(reader.bytes()));
    else reader.skip(wireType);
  }
  return found;
}
