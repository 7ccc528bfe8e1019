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
