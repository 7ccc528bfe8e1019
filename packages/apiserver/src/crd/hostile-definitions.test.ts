import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { define, definition, definitionsPath, version } from "../testing/definitions.ts";
import { openTestApi, type TestApi } from "../testing/test-api.ts";

// I2, I15: whatever stands in a definition, the server refuses it or lives with it.

let api: TestApi;
beforeAll(async () => void (api = await openTestApi({ definitions: true })));
afterAll(() => api?.[Symbol.asyncDispose]());

const words = [
  ..."type,format,default,enum,nullable,properties,required,additionalProperties,items,allOf,anyOf,oneOf,not,pattern,minimum,maximum,multipleOf,maxLength,minItems".split(
    ",",
  ),
  ..."$ref,id,definitions,dependencies,patternProperties,uniqueItems,title,description,example,externalDocs".split(","),
  ..."preserve-unknown-fields,embedded-resource,int-or-string,list-type,list-map-keys,map-type,validations".split(",").map((word) => `x-kubernetes-${word}`),
];

/** JSON that looks like a schema more often than chance would have it. */
const schemas = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<unknown>("object", "array", "string", "integer", "map", "set", "atomic", true, false, null, 0, -1, 1.5, "", "(", "self.a > 1", "date-time"),
    fc.dictionary(fc.constantFrom(...words, "a", "__proto__", "constructor"), tie("value"), { maxKeys: 4 }),
    fc.array(tie("value"), { maxLength: 3 }),
  ),
})).value;

test("a definition of any JSON is taken or refused, and never an error of the server", async () => {
  await fc.assert(
    fc.asyncProperty(schemas, schemas, async (spec, other) => {
      const schema = { type: "object", properties: { spec, other } };
      const answer = await api.call("POST", `${definitionsPath}?dryRun=All`, {
        body: definition({ plural: "any", version: { schema: { openAPIV3Schema: schema } } }),
      });
      expect([201, 400, 422], answer.text).toContain(answer.status);
      const whole = await api.call("POST", `${definitionsPath}?dryRun=All`, { body: { ...definition({ plural: "any" }), spec } });
      expect([400, 422], whole.text).toContain(whole.status);
    }),
    { numRuns: 60 },
  );
});

/** CPU of the whole process for one call, ms. */
async function cpuOf(call: () => Promise<unknown>): Promise<number> {
  const started = process.cpuUsage();
  await call();
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1000;
}

test("a small schema and a small object that multiply are refused in time", async () => {
  const deep = { type: "object", properties: { a: { type: "string" } } };
  const branches = Array.from({ length: 2_000 }, (_, index) => ({ required: [`b${index}`] }));
  const spec = {
    type: "object",
    properties: {
      alternatives: { type: "array", items: { ...deep, anyOf: branches } },
      words: { type: "array", items: { type: "string", enum: Array.from({ length: 5_000 }, (_, index) => `word${index}`) } },
      defaults: {
        type: "array",
        items: {
          type: "object",
          properties: { big: { type: "object", "x-kubernetes-preserve-unknown-fields": true, default: { text: "x".repeat(100_000) } } },
        },
      },
      patterns: { type: "array", items: { type: "string", pattern: "^(([a-z])+.)+[A-Z]([a-z])+$" } },
      unique: { type: "array", "x-kubernetes-list-type": "set", items: { type: "integer" } },
    },
  };
  await define(api.call, definition({ plural: "larges", kind: "Large", version: version("v1", spec) }));
  const many = <T>(count: number, make: (index: number) => T) => Array.from({ length: count }, (_, index) => make(index));
  const cases: object[] = [
    { alternatives: many(20_000, () => ({})) },
    { words: many(20_000, () => "none") },
    { defaults: many(50_000, () => ({})) },
    { patterns: many(20, () => "a".repeat(100_000)) },
    { unique: many(200_000, () => 1) },
  ];
  for (const [index, body] of cases.entries()) {
    const cpu = await cpuOf(async () => {
      const answer = await api.call("POST", "/apis/example.com/v1/namespaces/default/larges", { body: { metadata: { name: `l${index}` }, spec: body } });
      expect(answer.status, answer.text.slice(0, 300)).toBe(422);
    });
    expect(cpu, JSON.stringify(body).slice(0, 40)).toBeLessThan(4_000);
  }
});

test("paths of columns are bounded, and one that is none is refused where it stands", async () => {
  const column = (jsonPath: string) => definition({ plural: "paths", version: { additionalPrinterColumns: [{ name: "A", type: "string", jsonPath }] } });
  for (const path of ["..a..a", ".a[", "[?(@.a==)]", ".a".repeat(100), "{.a", ".a b"]) {
    const answer = await api.call("POST", `${definitionsPath}?dryRun=All`, { body: column(path) });
    expect([answer.status, answer.body.details?.causes?.[0]?.field], path).toEqual([422, "spec.versions[0].additionalPrinterColumns[0].jsonPath"]);
  }
  for (const path of [
    ".spec.a",
    "{.spec.a}",
    ".a[0].b",
    ".a[*].b",
    '.a[?(@.type=="Ready")].status',
    "..name",
    ".metadata.annotations.a\\.b/c",
    "['a']['b.c']",
    ".a[-1:]",
    `.a[?(@.${"\\".repeat(200)} == 1)]`,
  ])
    expect((await api.call("POST", `${definitionsPath}?dryRun=All`, { body: column(path) })).status, path).toBe(201);
});
