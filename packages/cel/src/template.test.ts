import { expect, test } from "vitest";
import { compileTemplate, lexTemplate } from "./template.ts";

const names = ["params", "name"];
const rendered = (value: unknown, variables: Record<string, unknown> = {}): unknown => {
  const template = compileTemplate(value, names);
  expect(template.problems).toEqual([]);
  const result = template.render({ params: {}, name: "db", ...variables });
  return "value" in result ? result.value : result.problems.map(({ path, message }) => `${path}: ${message}`);
};

test.each<[unknown, unknown]>([
  ["${name}", "db"],
  ["${name}-0.${name}", "db-0.db"],
  ["${1 + 2}", 3],
  ["port ${1 + 2}", "port 3"],
  ["${1.5}", 1.5],
  ["${[1, 2]}", [1, 2]],
  ["${{'a': {'b': name}}}", { a: { b: "db" } }],
  ["${'}'}${\"{\"}", "}{"],
  ["${'it\\'s }'}", "it's }"],
  ["${r'a\\b}'}", "a\\b}"],
  ["$${name} costs $5", "${name} costs $5"],
  ["$name", "$name"],
  [
    { list: ["${name}", { deep: "${name}" }], "${name}": true, nothing: null },
    { list: ["db", { deep: "db" }], "${name}": true, nothing: null },
  ],
])("%j gives %j", (template, value) => {
  expect(rendered(template)).toEqual(value);
});

test("what an expression gives is never read as a template again", () => {
  expect(rendered("${params.text} ${params.text}", { params: { text: "${name}" } })).toBe("${name} ${name}");
  expect(rendered("${params.text}", { params: { text: "$${name}" } })).toBe("$${name}");
});

test("an optional that is not there leaves its field, or its item, out", () => {
  const template = { size: "${params.?size}", kept: "${params.?size.orValue('1Gi')}", list: ["${params.?size}", "x"] };
  expect(rendered(template)).toEqual({ kept: "1Gi", list: ["x"] });
  expect(rendered(template, { params: { size: "2Gi" } })).toEqual({ size: "2Gi", kept: "2Gi", list: ["2Gi", "x"] });
});

test("whole numbers of params stay whole numbers, and others stay what they are", () => {
  expect(rendered(["${params.port}", "${params.port + 1}", "${params.ratio}"], { params: { port: 5432, ratio: 0.5 } })).toEqual([5432, 5433, 0.5]);
});

test.each<[unknown, RegExp]>([
  ["${name", /^: \$\{name: the expression is not closed; end it with \}, or write \$\$\{ for the text \$\{$/],
  ["${}", /there is no expression in it/],
  [{ a: ["${name +}"] }, /^a\[0\]: /],
  ["${unknown}", /unknown/i],
  ["${nofunction(name)}", /nofunction/],
  [`\${'${"x".repeat(5_000)}'}`, /at most 4096 characters/],
])("%j is refused when it is read, with its place", (template, message) => {
  const { problems } = compileTemplate(template, names);
  expect(problems.map((problem) => `${problem.path}: ${problem.message}`).join("\n")).toMatch(message);
});

test.each<[unknown, RegExp]>([
  [{ a: "${params.missing}" }, /^a: there is no missing/],
  ["x${[1]}", /gives a list, which cannot stand inside of a text; make it one with string/],
  ["${9007199254740993}", /no number that a document can have/],
  ["${duration('1s')}", /which no document can have/],
  [{ a: "${1 / 0}" }, /^a: /],
])("%j is told when it is rendered, with its place", (template, message) => {
  expect(String(rendered(template))).toMatch(message);
});

test("an expression that never comes to an end, and one that gives more than fits, are refused in time", () => {
  const list = `[${Array.from({ length: 60 }, (_, index) => index).join(",")}]`;
  const nested = "${" + `${list}.all(a, ${list}.all(b, ${list}.all(c, ${list}.all(d, a + b + c + d >= 0))))` + "}";
  expect(String(rendered(nested))).toMatch(/too many steps/);
  const doubled = "${" + "['0123456789abcdef'].map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a)[0]" + "}";
  expect(String(rendered(Array.from({ length: 60 }, () => doubled)))).toMatch(/longer than|too many steps/);
});

test("a text is split at its expressions, whatever stands in quotes and braces", () => {
  expect(lexTemplate("a${'''}'''}b")).toEqual([{ text: "a" }, { expression: "'''}'''" }, { text: "b" }]);
  expect(lexTemplate("${{'k': '}'}['k']}")).toEqual([{ expression: "{'k': '}'}['k']" }]);
});

test("a template is read once for its content, the least recently used one is read again, and other names make another one", () => {
  const of = (index: number) => compileTemplate({ text: `kept ${index} \${name}` }, names);
  const first = of(0);
  const second = of(1);
  expect(of(0)).toBe(first);
  expect(compileTemplate({ text: "kept 0 ${name}" }, ["name"])).not.toBe(first);
  for (let index = 2; index < 300; index++) {
    of(index);
    expect(of(0)).toBe(first);
  }
  expect(of(1)).not.toBe(second);
});

test("a rendering leaves nothing behind for the next one, neither what it gave, nor what was wrong, nor its steps", () => {
  const template = compileTemplate({ list: "${params.list}", text: "${name}-${params.list.map(a, params.list.map(b, a + b)).size()}" }, names);
  const render = (list: unknown, name: string): unknown => template.render({ params: list === undefined ? {} : { list }, name });
  const long = Array.from({ length: 2_000 }, (_, index) => index);
  const first = render([1, 2], "db") as { value: { list: number[] } };
  expect(first).toEqual({ value: { list: [1, 2], text: "db-2" } });
  first.value.list.push(3);
  expect(JSON.stringify(render(undefined, "db"))).toContain("there is no list");
  expect(JSON.stringify(render(long, "db"))).toContain("too many steps");
  expect(render(["a"], "cache")).toEqual({ value: { list: ["a"], text: "cache-1" } });
  expect(render([1, 2], "db")).toEqual({ value: { list: [1, 2], text: "db-2" } });
});
