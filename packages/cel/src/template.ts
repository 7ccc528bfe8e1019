// Texts with `${ CEL }` in them, in values of any depth (design.md §7). Typed, bounded, and never scanned again: what an expression gives is a value, not a template.
import { createHash } from "node:crypto";
import { onBudget, type Budget } from "./budget.ts";
import { newEnvironment } from "./environment.ts";
import { instrument, prepare, type CelNode } from "./instrument.ts";
import { loadCel } from "./load-cel.ts";

/** What is wrong with a template, or with what it gives, at the place of the text. */
export interface TemplateProblem {
  /** Path below the value that was compiled: `spec.ports[0].name`; "" for the value itself. */
  readonly path: string;
  readonly message: string;
}

export interface Template {
  /** Nothing when it can be rendered. */
  readonly problems: readonly TemplateProblem[];
  /** Names of variables that are read. */
  readonly names: ReadonlySet<string>;
  /** The value with every text evaluated. A field or an item whose expression gives `optional.none()` is left out. */
  render(variables: Readonly<Record<string, unknown>>): { readonly value: unknown } | { readonly problems: readonly TemplateProblem[] };
}

/** Steps of one rendering, all its expressions together; see budget.ts for what a step is. */
const stepsOfRendering = 2_000_000;
/** Characters of one expression, and expressions of one template. */
const expressionLengthMax = 4_096;
const expressionsMax = 2_000;
/** Characters of all texts that one rendering may give. */
const renderedLengthMax = 2 * 1024 * 1024;

type Piece = { readonly text: string } | { readonly evaluate: (variables: Record<string, unknown>) => unknown };
type Node =
  | { readonly kind: "constant"; readonly value: unknown }
  | { readonly kind: "expression"; readonly path: string; readonly evaluate: (variables: Record<string, unknown>) => unknown }
  | { readonly kind: "text"; readonly path: string; readonly pieces: readonly Piece[] }
  | { readonly kind: "list"; readonly items: readonly Node[] }
  | { readonly kind: "map"; readonly entries: readonly (readonly [string, Node])[] };

/** Templates that are kept: reconcilers meet the same profiles again and again, as other objects each time. They hold nothing of a rendering. */
const keptMax = 256;
const kept = new Map<string, Template>();

/** Reads all texts of a value. `variables` are the names that expressions may use. Keys are never evaluated. The same content gives the same template. */
export function compileTemplate(value: unknown, variables: readonly string[]): Template {
  const key = createHash("sha256")
    .update(JSON.stringify([variables, value]) ?? "")
    .digest("base64");
  const template = kept.get(key) ?? compileAnew(value, variables);
  kept.delete(key); // the least recently used one goes first
  kept.set(key, template);
  const [oldest] = kept.keys();
  if (kept.size > keptMax && oldest !== undefined) kept.delete(oldest);
  return template;
}

function compileAnew(value: unknown, variables: readonly string[]): Template {
  const environment = newEnvironment();
  for (const name of variables) environment.registerVariable(name, "dyn");
  const problems: TemplateProblem[] = [];
  const names = new Set<string>();
  let expressions = 0;

  const compile = (source: string, path: string): ((values: Record<string, unknown>) => unknown) => {
    const nothing = (): undefined => undefined;
    const wrong = (message: string): (() => undefined) => {
      problems.push({ path, message: `\${${shortened(source)}}: ${message}` });
      return nothing;
    };
    if (source.trim() === "") return wrong("there is no expression in it");
    if (source.length > expressionLengthMax) return wrong(`an expression has at most ${expressionLengthMax} characters`);
    if (++expressions > expressionsMax) return wrong(`there are at most ${expressionsMax} expressions`);
    try {
      const parsed = environment.parse(source);
      const root = parsed.ast as unknown as CelNode;
      for (const name of prepare(root, new Map()).names) names.add(name);
      const checked = parsed.check();
      if (!checked.valid) throw checked.error ?? new Error("it has no type");
      instrument(root);
      return (values) => parsed(values) as unknown;
    } catch (error) {
      if (error instanceof TypeError && !("position" in error)) throw error; // a fault of ours
      return wrong(readable(error));
    }
  };

  const read = (each: unknown, path: string): Node => {
    if (typeof each === "string") return readText(each, path);
    if (Array.isArray(each)) return { kind: "list", items: each.map((item: unknown, index) => read(item, `${path}[${index}]`)) };
    if (typeof each !== "object" || each === null) return { kind: "constant", value: each };
    const entries = Object.entries(each).map(([key, item]) => [key, read(item, path === "" ? key : `${path}.${key}`)] as const);
    return { kind: "map", entries };
  };

  const readText = (text: string, path: string): Node => {
    if (!text.includes("${")) return { kind: "constant", value: text };
    const pieces = lexTemplate(text);
    if (typeof pieces === "string") {
      problems.push({ path, message: pieces });
      return { kind: "constant", value: text };
    }
    const [only] = pieces;
    if (pieces.length === 1 && only !== undefined && "expression" in only) return { kind: "expression", path, evaluate: compile(only.expression, path) };
    return { kind: "text", path, pieces: pieces.map((piece) => ("text" in piece ? piece : { evaluate: compile(piece.expression, path) })) };
  };

  const root = read(value, "");
  return {
    problems,
    names,
    render(given) {
      const found: TemplateProblem[] = [];
      const run: Run = { variables: Object.fromEntries(Object.entries(given).map(([name, each]) => [name, toCel(each)])), problems: found, length: 0 };
      const budget: Budget = { stepsLeft: stepsOfRendering };
      const result = onBudget(budget, () => renderNode(root, run));
      if (budget.stepsLeft < 0) return { problems: [{ path: found.at(-1)?.path ?? "", message: "the expressions take too many steps" }] };
      if (run.length > renderedLengthMax) return { problems: [{ path: "", message: `the result is longer than ${renderedLengthMax} characters` }] };
      return found.length > 0 ? { problems: found } : { value: result === left ? undefined : result };
    },
  };
}

interface Run {
  readonly variables: Record<string, unknown>;
  readonly problems: TemplateProblem[];
  /** Characters so far. */
  length: number;
}

/** In place of a value that is left out. */
const left = Symbol("left out");

function renderNode(node: Node, run: Run): unknown {
  if (run.length > renderedLengthMax) return left;
  switch (node.kind) {
    case "constant":
      if (typeof node.value === "string") run.length += node.value.length;
      return node.value;
    case "list":
      return node.items.map((item) => renderNode(item, run)).filter((item) => item !== left);
    case "map":
      return Object.fromEntries(node.entries.map(([key, item]) => [key, renderNode(item, run)] as const).filter(([, item]) => item !== left));
    case "expression":
      return evaluated(node, node.path, run, (result) => fromCel(result, run));
    case "text": {
      const parts = node.pieces.map((piece) => ("text" in piece ? piece.text : evaluated(piece, node.path, run, textOf)));
      const text = parts.map((part) => (part === left ? "" : String(part))).join("");
      run.length += text.length;
      return text;
    }
  }
}

function evaluated(
  { evaluate }: { readonly evaluate: (variables: Record<string, unknown>) => unknown },
  path: string,
  run: Run,
  convert: (value: unknown) => unknown,
): unknown {
  try {
    const result = evaluate(run.variables);
    const { Optional } = loadCel();
    if (!(result instanceof Optional)) return convert(result);
    return result.hasValue() ? convert(result.value()) : left;
  } catch (error) {
    run.problems.push({ path, message: readable(error) });
    return left;
  }
}

/** Plain values as expressions see them: whole numbers are `int`. */
function toCel(value: unknown): unknown {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(toCel);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, toCel(each)]));
}

/** What an expression gave, as a document has it. */
function fromCel(value: unknown, run: Run): unknown {
  if (typeof value === "string") {
    run.length += value.length;
    return value;
  }
  if (typeof value === "bigint") {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw new Error(`${value} is no number that a document can have`);
    return number;
  }
  if (typeof value === "number" || typeof value === "boolean" || value === null) return value;
  if (Array.isArray(value)) return value.map((each: unknown) => fromCel(each, run));
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, each]) => [keyText(key), fromCel(each, run)]));
  if (typeof value === "object" && value !== undefined && Object.getPrototypeOf(value) === Object.prototype)
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, fromCel(each, run)]));
  throw new Error(`gives a ${typeName(value)}, which no document can have; make it a text with string(…)`);
}

function keyText(key: unknown): string {
  if (typeof key === "string") return key;
  throw new Error("gives a map whose keys are no texts");
}

/** Inside of a longer text. */
function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "bigint" || typeof value === "number" || typeof value === "boolean") return String(value);
  throw new Error(`gives a ${typeName(value)}, which cannot stand inside of a text; make it one with string(…)`);
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  return value instanceof Map || Object.getPrototypeOf(value) === Object.prototype ? "map" : (value?.constructor?.name ?? typeof value);
}

/** The first line of what the library says. */
function readable(error: unknown): string {
  const [text = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
  return text
    .replaceAll("matchesRe2", "matches")
    .replaceAll("joinBounded", "join")
    .replace(/^No such key: (\w+)$/, "there is no $1");
}

const shownMax = 80;
const shortened = (text: string): string => (text.length > shownMax ? `${text.slice(0, shownMax)}…` : text);

type LexedPiece = { readonly text: string } | { readonly expression: string };

/**
 * Splits a text at its expressions: `${` up to the brace that closes it, whatever stands in quotes and braces between. `$${` is the text `${`. Every other `$`
 * is itself. A text says what is wrong.
 */
export function lexTemplate(text: string): LexedPiece[] | string {
  const pieces: LexedPiece[] = [];
  let plain = "";
  for (let at = 0; at < text.length;) {
    if (text.startsWith("$${", at)) {
      plain += "${";
      at += 3;
    } else if (text.startsWith("${", at)) {
      const end = closing(text, at + 2);
      if (end === undefined) return `\${${shortened(text.slice(at + 2))}: the expression is not closed; end it with }, or write $\${ for the text \${`;
      if (plain !== "") pieces.push({ text: plain });
      plain = "";
      pieces.push({ expression: text.slice(at + 2, end) });
      at = end + 1;
    } else plain += text[at++];
  }
  if (plain !== "") pieces.push({ text: plain });
  return pieces;
}

/** Where the brace is that closes an expression which begins at `from`. */
function closing(text: string, from: number): number | undefined {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const character = text[at];
    if (character === '"' || character === "'") {
      const end = endOfQuote(text, at);
      if (end === undefined) return undefined;
      at = end;
    } else if (character === "{") depth++;
    else if (character === "}" && depth-- === 0) return at;
  }
  return undefined;
}

/** Where a quoted text ends: CEL has single quotes of either sort, and triple ones; in a raw one a backslash is itself. */
function endOfQuote(text: string, from: number): number | undefined {
  const quote = text[from] ?? "";
  const mark = text.startsWith(quote.repeat(3), from) ? quote.repeat(3) : quote;
  const raw = /(?<![a-zA-Z0-9_])[bB]?[rR][bB]?$/.test(text.slice(Math.max(0, from - 3), from));
  for (let at = from + mark.length; at < text.length; at++) {
    if (text[at] === "\\" && !raw) at++;
    else if (text.startsWith(mark, at)) return at + mark.length - 1;
  }
  return undefined;
}
