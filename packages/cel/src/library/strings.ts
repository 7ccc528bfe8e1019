import type { Environment } from "@marcbachmann/cel-js";
import { findPattern, matchesPattern, patternStepsMax, type PatternBudget } from "@threeport/resource";
import { spend, spendCharacters } from "../budget.ts";

/** Longest text that a function may make: more than any object holds. */
const madeTextMax = 4 * 1024 * 1024;

function bounded(length: number): void {
  if (length > madeTextMax) throw new RangeError("the text would be too long");
  spendCharacters(length);
}

/** Strings beyond what CEL itself has, as Kubernetes offers them: ext strings, regex, and the two whose own ones are not bounded. */
export function registerStrings(environment: Environment): void {
  environment
    .registerFunction("string.matchesRe2(string): bool", (text: string, pattern: string) => matches(pattern, text))
    .registerFunction("list<string>.joinBounded(): string", (list: readonly string[]) => join(list, ""))
    .registerFunction("list<string>.joinBounded(string): string", (list: readonly string[], separator: string) => join(list, separator))
    .registerFunction("string.replace(string, string): string", (text: string, from: string, to: string) => replace(text, from, to, -1n))
    .registerFunction("string.replace(string, string, int): string", replace)
    .registerFunction("string.charAt(int): string", (text: string, at: bigint) => {
      const characters = [...text];
      if (at < 0n || at > BigInt(characters.length)) throw new RangeError(`index out of range: ${at}`);
      return characters[Number(at)] ?? "";
    })
    .registerFunction("string.reverse(): string", (text: string) => [...text].reverse().join(""))
    .registerFunction("string.format(list): string", format)
    .registerFunction("string.find(string): string", (text: string, pattern: string) => findAll(text, pattern, 1)[0] ?? "")
    .registerFunction("string.findAll(string): list<string>", (text: string, pattern: string) => findAll(text, pattern, -1))
    .registerFunction("string.findAll(string, int): list<string>", (text: string, pattern: string, limit: bigint) => findAll(text, pattern, Number(limit)));
}

function patternBudget(): PatternBudget {
  return { stepsLeft: patternStepsMax };
}

function matches(pattern: string, text: string): boolean {
  const budget = patternBudget();
  const found = matchesPattern(pattern, text, budget);
  spend((patternStepsMax - budget.stepsLeft) / 4);
  return found;
}

function findAll(text: string, pattern: string, limit: number): string[] {
  const budget = patternBudget();
  const found = findPattern(pattern, text, { budget, limit });
  spend((patternStepsMax - budget.stepsLeft) / 4);
  return found;
}

function join(list: readonly string[], separator: string): string {
  bounded(list.reduce((sum, text) => sum + text.length + separator.length, 0));
  return list.join(separator);
}

function replace(text: string, from: string, to: string, limit: bigint): string {
  if (limit === 0n) return text;
  const parts = text.split(from);
  const count = limit < 0n ? parts.length - 1 : Math.min(Number(limit), parts.length - 1);
  bounded(text.length + count * to.length);
  return (
    parts.slice(0, count + 1).join(to) +
    parts
      .slice(count + 1)
      .map((part) => from + part)
      .join("")
  );
}

/** `%s`, `%d`, `%f`, `%e`, `%b`, `%o`, `%x`, `%X` and `%%`. */
function format(template: string, values: readonly unknown[]): string {
  let next = 0;
  const text = template.replace(/%(?:\.(\d{1,2}))?([sdfeboxX%])|%/g, (_, precision: string | undefined, verb: string | undefined) => {
    if (verb === "%") return "%";
    if (verb === undefined) throw new SyntaxError("unrecognized formatting clause");
    if (next >= values.length) throw new RangeError("index out of range: too few arguments");
    return formatted(values[next++], verb, precision === undefined ? 6 : Number(precision));
  });
  bounded(text.length);
  return text;
}

function formatted(value: unknown, verb: string, precision: number): string {
  switch (verb) {
    case "f":
      return Number(value).toFixed(precision);
    case "e":
      return Number(value).toExponential(precision);
    case "b":
      return typeof value === "boolean" ? (value ? "1" : "0") : BigInt(value as bigint).toString(2);
    case "o":
      return BigInt(value as bigint).toString(8);
    case "x":
    case "X": {
      const hex =
        typeof value === "string"
          ? Buffer.from(value).toString("hex")
          : value instanceof Uint8Array
            ? Buffer.from(value).toString("hex")
            : BigInt(value as bigint).toString(16);
      return verb === "X" ? hex.toUpperCase() : hex;
    }
    default:
      return shownText(value);
  }
}

function shownText(value: unknown): string {
  if (typeof value === "string") return value;
  if (value === null || value === undefined) return "null";
  if (value instanceof Date) return value.toISOString().replace(/\.000Z$/, "Z");
  if (Array.isArray(value)) return `[${value.map(shownText).join(", ")}]`;
  if (value instanceof Map) return `{${[...value].map(([key, child]) => `${shownText(key)}: ${shownText(child)}`).join(", ")}}`;
  return String(value as bigint);
}
