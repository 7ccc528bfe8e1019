import { describe, expect, test } from "vitest";
import type { JsonObject, Schema } from "@threeport/resource";
import { compileRules } from "./rules.ts";

const specSchema = (spec: Schema): Schema => ({ type: "object", properties: { spec } });

/** A spec with one field of each sort, and rules. */
function ruled(...rules: readonly (string | object)[]): Schema {
  return specSchema({
    type: "object",
    properties: {
      replicas: { type: "integer" },
      minReplicas: { type: "integer" },
      ratio: { type: "number" },
      name: { type: "string" },
      on: { type: "boolean" },
      tags: { type: "array", items: { type: "string" } },
      parts: {
        type: "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        items: { type: "object", required: ["name"], properties: { name: { type: "string" }, count: { type: "integer" } } },
      },
      labels: { type: "object", additionalProperties: { type: "string" } },
      port: { "x-kubernetes-int-or-string": true },
      at: { type: "string", format: "date-time" },
      lasts: { type: "string", format: "duration" },
      free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
      "a-b.c": { type: "string" },
      namespace: { type: "string" },
    },
    "x-kubernetes-validations": rules.map((rule) => (typeof rule === "string" ? { rule } : rule)),
  } as Schema);
}

const spec = {
  replicas: 3,
  minReplicas: 2,
  ratio: 2,
  name: "web-1",
  on: true,
  tags: ["a", "b"],
  parts: [
    { name: "x", count: 1 },
    { name: "y", count: 2 },
  ],
  labels: { a: "b" },
  port: 80,
  at: "2026-01-02T03:04:05Z",
  lasts: "1h30m",
  free: { n: 1, list: [1, 2], "odd key": true },
  "a-b.c": "escaped",
  namespace: "reserved",
};

function outcome(rule: string | object, object: JsonObject = { spec }, old?: JsonObject): string[] {
  const rules = compileRules(ruled(rule), "schema");
  expect(rules.problems).toEqual([]);
  return rules.check(object, old).map(({ message }) => message);
}

const holding = [
  "self.replicas >= self.minReplicas",
  "self.ratio > 1.5 && self.ratio < 3.0",
  "self.name.startsWith('web') && self.name.matches('^[a-z]+-[0-9]$')",
  "self.tags.all(t, t.size() == 1) && self.tags.exists(t, t == 'a') && self.tags.exists_one(t, t == 'b')",
  "self.tags.map(t, t + '!') == ['a!', 'b!'] && self.tags.filter(t, t != 'a') == ['b']",
  "self.parts.map(p, p.count).sum() == 3 && self.parts.map(p, p.count).isSorted() && self.parts.map(p, p.count).max() == 2",
  "self.parts == self.parts && self.parts[0] != self.parts[1] && self.parts[0] in self.parts",
  "'a' in self.labels && self.labels['a'] == 'b' && self.labels.all(k, self.labels[k].size() > 0)",
  "type(self.port) == int ? self.port == 80 : self.port == '80'",
  "self.at > timestamp('2026-01-01T00:00:00Z') && self.at.getFullYear() == 2026",
  "self.lasts == duration('90m') && self.lasts > duration('1h')",
  "self.free.n == 1 && self.free.list.size() == 2 && self.free['odd key']",
  "self.a__dash__b__dot__c == 'escaped' && self.__namespace__ == 'reserved'",
  "self.name.replace('-', '.').split('.') == ['web', '1'] && self.name.charAt(0) == 'w' && self.name.reverse() == '1-bew'",
  "'%s has %d'.format([self.name, self.replicas]) == 'web-1 has 3'",
  "self.name.find('[0-9]+') == '1' && 'a1b22'.findAll('[0-9]+') == ['1', '22']",
  "isURL('https://example.com:80/a?b=c') && url('https://example.com:8080/a?b=c').getHostname() == 'example.com'",
  "quantity('1Gi').isGreaterThan(quantity('900Mi')) && quantity('100m').add(quantity('900m')).asInteger() == 1 && !isQuantity('x')",
  "isIP('::1') && ip('127.0.0.1').isLoopback() && ip('10.0.0.1').family() == 4",
  "isCIDR('10.0.0.0/8') && cidr('10.0.0.0/8').containsIP('10.1.2.3') && cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')",
  "sets.contains([1, 2, 3], [1, 2]) && sets.intersects(self.tags, ['b']) && sets.equivalent(['b', 'a'], self.tags)",
  "self.?name.orValue('') == 'web-1'",
  "cel.bind(n, self.replicas, n * n == 9)",
  "self.tags.all(self, self.size() == 1) && cel.bind(oldSelf, 1, oldSelf == 1)",
  "self.tags.join('-') == 'a-b' && self.tags.indexOf('b') == 1",
];
test.each(holding)("holds: %s", (rule) => {
  expect(outcome(rule)).toEqual([]);
});

test("what does not hold is told with the rule, its message, or what its expression makes; at its field and with its reason", () => {
  expect(outcome("self.replicas > 5")).toEqual(["Invalid value: failed rule: self.replicas > 5"]);
  expect(outcome({ rule: "self.replicas > 5", message: "too few" })).toEqual(["Invalid value: too few"]);
  expect(outcome({ rule: "self.replicas > 5", messageExpression: "'only ' + string(self.replicas)" })).toEqual(["Invalid value: only 3"]);
  const rules = compileRules(ruled({ rule: "self.replicas > 5", reason: "FieldValueForbidden", fieldPath: ".replicas", message: "no" }), "schema");
  expect(rules.check({ spec }, undefined)).toEqual([{ field: "spec.replicas", reason: "FieldValueForbidden", message: "Forbidden: no" }]);
});

test("a field that is not there is an error of the rule, and null is as not there", () => {
  expect(outcome("self.replicas > 0", { spec: {} })[0]).toContain("evaluating rule: failed rule: self.replicas > 0");
  expect(outcome("!has(self.replicas)", { spec: { replicas: null } })).toEqual([]);
});

test("transition rules look at the old value: on updates alone, element by element of a map list", () => {
  const rule = { rule: "self.replicas >= oldSelf.replicas", message: "may only grow" };
  expect(outcome(rule)).toEqual([]);
  expect(outcome(rule, { spec: { ...spec, replicas: 2 } }, { spec })).toEqual(["Invalid value: may only grow"]);
  expect(
    outcome({ rule: "!oldSelf.hasValue() || oldSelf.value().name == self.name", optionalOldSelf: true }, { spec: { ...spec, name: "z" } }, { spec }),
  ).toHaveLength(1);
  expect(outcome({ rule: "oldSelf.hasValue()", optionalOldSelf: true })).toHaveLength(1);
  const items: Schema = {
    type: "object",
    properties: { name: { type: "string" }, count: { type: "integer" } },
    "x-kubernetes-validations": [{ rule: "self.count >= oldSelf.count" }],
  };
  const list = (extra: object) => specSchema({ type: "object", properties: { parts: { type: "array", items, ...extra } as Schema } });
  const found = compileRules(list({ "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] }), "schema").check(
    {
      spec: {
        parts: [
          { name: "y", count: 1 },
          { name: "new", count: 0 },
          { name: "x", count: 1 },
        ],
      },
    },
    { spec },
  );
  expect(found.map(({ field }) => field)).toEqual(["spec.parts[0]"]);
  expect(compileRules(list({}), "schema").problems[0]?.message).toContain("uncorrelatable");
});

const refused: readonly (readonly [rule: string | object, field: string, says: string])[] = [
  ["self.nope == 1", "rule", "undefined field 'nope'"],
  ["has(self.nope)", "rule", "undefined field 'nope'"],
  ["self.parts.all(p, has(p.nope))", "rule", "undefined field 'nope'"],
  ["self.replicas == 'a'", "rule", "no such overload"],
  ["self.replicas +", "rule", "compilation failed"],
  ["self.replicas", "rule", "must evaluate to a bool"],
  ["unknown(self)", "rule", "compilation failed"],
  ["self.tags.nothing()", "rule", "compilation failed"],
  [" ", "rule", "rule is not specified"],
  [{ rule: "true", message: "a\nb" }, "message", "line breaks"],
  [{ rule: "true", messageExpression: "1" }, "messageExpression", "must evaluate to a string"],
  [{ rule: "true", reason: "Because" }, "reason", "Unsupported value"],
  [{ rule: "true", fieldPath: ".nope" }, "fieldPath", "valid path"],
  [{ rule: "true", optionalOldSelf: true }, "optionalOldSelf", "oldSelf is not used"],
];
test.each(refused)("%j is refused when the definition is written", (rule, field, says) => {
  const [problem] = compileRules(ruled(rule), "schema").problems;
  expect(problem?.field).toBe(`schema.properties[spec].x-kubernetes-validations[0].${field}`);
  expect(problem?.message).toContain(says);
});

describe("I15: no rule and no object holds the event loop", () => {
  const numbers = Array.from({ length: 3_000 }, (_, index) => String(index));
  const long = "a".repeat(1_000_000);
  const hostile: readonly (readonly [rule: string, object: object])[] = [
    ["self.tags.all(a, self.tags.all(b, self.tags.all(c, a != 'x')))", { tags: numbers }],
    ["self.tags.map(a, self.tags.map(b, self.tags.map(c, a + b + c))).size() > 0", { tags: numbers }],
    ["self.tags.all(a, self.tags == self.tags)", { tags: numbers }],
    ["self.tags.exists(a, self.name + self.name + self.name == 'x')", { tags: numbers, name: long }],
    [
      "cel.bind(a, self.name + self.name, cel.bind(b, a + a, cel.bind(c, b + b, cel.bind(d, c + c, cel.bind(e, d + d, cel.bind(f, e + e, cel.bind(g, f + f, (g + g + g + g + g + g).size() > 0)))))))",
      { name: long },
    ],
    ["self.name.matches('(a+)+$')", { name: `${long}!` }],
    ["self.tags.all(t, self.name.matches('(a|aa)*b'))", { tags: numbers, name: long }],
    ["self.name.matches('(x+x+)+y') || self.name.matches('^(([a-z])+.)+[A-Z]([a-z])+$')", { name: long }],
    ["self.name.replace('a', self.name).size() > 0", { name: long.slice(0, 100_000) }],
    ["self.tags.join(self.name).size() > 0", { tags: numbers, name: long }],
    ["self.tags.all(t, self.name.contains(self.free.needle))", { tags: numbers, name: long, free: { needle: `${"a".repeat(400_000)}b` } }],
    ["duration(self.name) > duration('1h')", { name: "1".repeat(1_000_000) }],
    ["int(self.name) > 1", { name: "9".repeat(1_000_000) }],
    ["self.tags.all(t, self.name.split('').size() > 0)", { tags: numbers, name: long }],
    ["self.tags.all(t, self.at.getHours('Europe/Berlin') > 100)", { tags: numbers, at: spec.at }],
    ["'%s%s%s%s%s%s'.format([self.name, self.name, self.name, self.name, self.name, self.name]).size() > 0", { name: long }],
    ["self.tags.all(t, sets.contains(self.tags, self.tags))", { tags: numbers }],
  ];
  test.each(hostile)("%s", (rule, object) => {
    const rules = compileRules(ruled(rule), "schema");
    expect(rules.problems).toEqual([]);
    rules.check({ spec: { ...spec } }, undefined); // what is loaded once is not counted
    const started = process.cpuUsage();
    rules.check({ spec: { ...spec, ...object } }, undefined);
    const { user, system } = process.cpuUsage(started);
    // Not a benchmark: an order of magnitude above what it takes, and three below what it would take without bounds.
    expect((user + system) / 1000).toBeLessThan(2_000);
  });

  test("a rule that runs out of its budget refuses the object, also where logic would swallow the error", () => {
    const many = { spec: { ...spec, tags: numbers } };
    expect(outcome("self.tags.all(a, self.tags.all(b, a != 'x' || b != 'y')) || true", many)).toEqual([
      'Invalid value: "object": validation failed due to running out of cost budget, no further validation rules will be run',
    ]);
  });

  test("rules that are too many, too long or too deep are refused when the definition is written", () => {
    expect(compileRules(ruled(...Array.from({ length: 1_001 }, () => "true")), "schema").problems[0]?.message).toContain("at most 1000 rules");
    const nested = (depth: number): Schema => ({
      type: "object",
      properties: {
        ...Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`p${index}`, { type: "object", properties: { x: { type: "integer" } } }])),
        ...(depth === 0 ? {} : { n: nested(depth - 1) }),
      } as Record<string, Schema>,
      "x-kubernetes-validations": [{ rule: "has(self.p0)" }],
    });
    const started = process.cpuUsage();
    expect(compileRules(nested(90), "schema").problems).toEqual([]);
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(2_000);
    expect(compileRules(ruled(`true && ${"true && ".repeat(5_000)}true`), "schema").problems[0]?.message).toContain("compilation failed");
    expect(compileRules(ruled(`${"(".repeat(2_000)}true${")".repeat(2_000)}`), "schema").problems[0]?.message).toContain("compilation failed");
  });
});
