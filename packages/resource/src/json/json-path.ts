import { isJsonObject, ownValue } from "./own-property.ts";

/** A JSON path, compiled: the values that it finds in an object. */
export type JsonPath = (value: unknown) => readonly unknown[];

type Step = (values: readonly unknown[]) => unknown[];

/** Steps of one path. */
const stepsMax = 50;
/** Values that one path may find: bounds what `..` can gather. */
const foundMax = 10_000;

/**
 * The JSON paths that Kubernetes' printer columns use: `.spec.a`, `.b[0]`, `[-1]`, `[0:2]`, `[*]`, `['a.b']`, `.a\.b`, `..name`,
 * and filters `[?(@.type=="Ready")]`. Braces around it are allowed. Text that is no such path is an error.
 */
export function parseJsonPath(text: string): JsonPath {
  const source = text.startsWith("{") && text.endsWith("}") ? text.slice(1, -1) : text;
  const steps = parseSteps(source.replace(/^\$/, ""));
  if (steps.length > stepsMax) throw new SyntaxError(`a path may have at most ${stepsMax} steps`);
  return (value) => {
    let values: readonly unknown[] = [value];
    for (const step of steps) {
      values = step(values);
      if (values.length > foundMax) values = values.slice(0, foundMax);
    }
    return values;
  };
}

function parseSteps(source: string): Step[] {
  const steps: Step[] = [];
  let at = 0;
  while (at < source.length) {
    if (source.startsWith("..", at)) {
      if (source.lastIndexOf("..") !== source.indexOf("..")) throw new SyntaxError('".." may stand in a path once');
      at += 2;
      const name = readName(source, at);
      if (name === undefined) throw new SyntaxError(`a name is missing after ".." in ${JSON.stringify(source)}`);
      at = name.end;
      steps.push((values) => values.flatMap((value) => descendants(value, name.text)));
    } else if (source[at] === "." || at === 0) {
      if (source[at] === ".") at++;
      if (at >= source.length || source[at] === "[") {
        if (source[at] !== "[" && steps.length > 0) throw new SyntaxError(`a name is missing at the end of ${JSON.stringify(source)}`);
        if (source[at] !== "[") continue;
        at = readBracket(source, at, steps);
        continue;
      }
      const name = readName(source, at);
      if (name === undefined) throw new SyntaxError(`a name is missing at character ${at + 1} of ${JSON.stringify(source)}`);
      at = name.end;
      steps.push(name.text === "*" ? allOf : fieldOf(name.text));
    } else if (source[at] === "[") at = readBracket(source, at, steps);
    else throw new SyntaxError(`unexpected ${JSON.stringify(source[at])} at character ${at + 1} of ${JSON.stringify(source)}`);
  }
  return steps;
}

function readName(source: string, start: number): { readonly text: string; readonly end: number } | undefined {
  let text = "";
  let at = start;
  for (; at < source.length; at++) {
    const character = source[at] ?? "";
    if (character === "\\" && at + 1 < source.length) text += source[++at] ?? "";
    else if (character === "." || character === "[") break;
    else if (/[\s\]()'"{}]/.test(character))
      throw new SyntaxError(`unexpected ${JSON.stringify(character)} at character ${at + 1} of ${JSON.stringify(source)}`);
    else text += character;
  }
  return text === "" ? undefined : { text, end: at };
}

/** Reads `[…]` at `start`; returns where it ends. */
function readBracket(source: string, start: number, steps: Step[]): number {
  const end = closing(source, start);
  const inside = source.slice(start + 1, end - 1).trim();
  if (inside === "*") steps.push(allOf);
  else if (/^-?\d+$/.test(inside)) steps.push(elementOf(Number(inside)));
  else if (/^(?:-?\d+)?:(?:-?\d+)?(?::-?\d+)?$/.test(inside)) steps.push(sliceOf(inside.split(":").map((part) => (part === "" ? undefined : Number(part)))));
  else if (/^(?:'[^']*'|"[^"]*")(?:\s*,\s*(?:'[^']*'|"[^"]*"))*$/.test(inside)) {
    const names = [...inside.matchAll(/'([^']*)'|"([^"]*)"/g)].map(([, single, double]) => single ?? double ?? "");
    steps.push((values) => names.flatMap((name) => fieldOf(name)(values)));
  } else if (inside.startsWith("?(") && inside.endsWith(")")) steps.push(filterOf(inside.slice(2, -1)));
  else throw new SyntaxError(`[${inside}] is not known`);
  return end;
}

function closing(source: string, start: number): number {
  let depth = 0;
  let quote = "";
  for (let at = start; at < source.length; at++) {
    const character = source[at] ?? "";
    if (quote !== "") quote = character === quote ? "" : quote;
    else if (character === "'" || character === '"') quote = character;
    else if (character === "[") depth++;
    else if (character === "]" && --depth === 0) return at + 1;
  }
  throw new SyntaxError(`unterminated "[" in ${JSON.stringify(source)}`);
}

const fieldOf =
  (name: string): Step =>
  (values) =>
    values.flatMap((value) => {
      const found = isJsonObject(value) ? ownValue(value, name) : undefined;
      return found === undefined ? [] : [found];
    });

const allOf: Step = (values) => values.flatMap((value) => (Array.isArray(value) ? (value as unknown[]) : isJsonObject(value) ? Object.values(value) : []));

const elementOf =
  (index: number): Step =>
  (values) =>
    values.flatMap((value) => {
      const found: unknown = Array.isArray(value) ? value.at(index) : undefined;
      return found === undefined ? [] : [found];
    });

const sliceOf =
  ([from, to, by]: readonly (number | undefined)[]): Step =>
  (values) =>
    values.flatMap((value) => (Array.isArray(value) ? (value as unknown[]).slice(from, to).filter((_, index) => index % Math.max(1, by ?? 1) === 0) : []));

function descendants(value: unknown, name: string): unknown[] {
  if (Array.isArray(value)) return value.flatMap((item: unknown) => descendants(item, name));
  if (!isJsonObject(value)) return [];
  const own = ownValue(value, name);
  return [...(own === undefined ? [] : [own]), ...Object.values(value).flatMap((child) => descendants(child, name))];
}

const comparison = /^\s*(@(?:[^=!<>\s\\]|\\.)*)\s*(?:(==|!=|<=|>=|<|>)\s*(.+?))?\s*$/;

function filterOf(text: string): Step {
  const match = comparison.exec(text);
  if (match === null) throw new SyntaxError(`the filter (${text}) is not known`);
  const [, left = "", operator, right] = match;
  const path = parseJsonPath(left.slice(1));
  const literal = right === undefined ? undefined : literalOf(right);
  const keep = (element: unknown): boolean => {
    const found = path(element);
    if (operator === undefined) return found.length > 0;
    return found.length > 0 && compare(found[0], operator, literal);
  };
  return (values) =>
    values.flatMap((value) =>
      (Array.isArray(value) ? (value as unknown[]) : isJsonObject(value) ? Object.values(value) : []).filter((element) => keep(element)),
    );
}

function literalOf(text: string): unknown {
  const quoted = /^'([^']*)'$|^"([^"]*)"$/.exec(text);
  if (quoted !== null) return quoted[1] ?? quoted[2] ?? "";
  if (text === "true") return true;
  if (text === "false") return false;
  if (/^-?\d+(?:\.\d+)?$/.test(text)) return Number(text);
  throw new SyntaxError(`${text} is no value that can be compared with`);
}

function compare(left: unknown, operator: string, right: unknown): boolean {
  if (operator === "==") return left === right;
  if (operator === "!=") return left !== right;
  if (typeof left !== typeof right || (typeof left !== "number" && typeof left !== "string")) return false;
  const [a, b] = [left, right as typeof left];
  return operator === "<" ? a < b : operator === ">" ? a > b : operator === "<=" ? a <= b : a >= b;
}
