import { Composer, Lexer, LineCounter, Parser, type Alias, type Document, type Node } from "yaml";
import type { JsonObject } from "../object.ts";
import { decodeText, firstForbidden } from "./decode-text.ts";
import { yamlLimits, type YamlLimits } from "./limits.ts";
import { syntaxMessage } from "./syntax-message.ts";
import { toValue } from "./to-value.ts";
import { yamlError, type Position } from "./yaml-error.ts";

export interface YamlOptions extends Partial<YamlLimits> {
  /** For messages: `app.yaml:3:5: …`. */
  readonly file?: string;
}

export interface YamlDocument {
  readonly value: JsonObject;
  /** Where the document's first key stands; counts from 1. */
  readonly line: number;
  /** What {@link locate} reads. */
  readonly positions: Positions;
}

/** The parsed text behind a document, for look-ups of positions. */
export interface Positions {
  readonly root: Node;
  readonly aliases: ReadonlyMap<Alias, Node>;
  readonly at: (offset: number) => Position;
}

export interface YamlWarning extends Position {
  readonly message: string;
}

export interface YamlText {
  /** Empty documents (between two `---`) are left out. */
  readonly documents: readonly YamlDocument[];
  /** What reads differently elsewhere; worth showing to the one who wrote it. */
  readonly warnings: readonly YamlWarning[];
}

/** What can start a value in the lexer's output. Counting them bounds the memory of the parser before it is spent. */
const valueStarts = new Set(["\x1f", "-", "?", ":", ",", "{", "[", "*"]);

/**
 * Reads YAML (and so JSON) that people wrote: every document must be a mapping. What it costs is bounded by {@link YamlLimits}; nothing in the text
 * can run code or refer to anything outside.
 * @throws PlatformError TP_YAML_INVALID with `file:line:column` and what to do
 */
export function loadYamlDocuments(input: string | Uint8Array, options: YamlOptions = {}): YamlText {
  const { file } = options;
  const limits = { ...yamlLimits, ...options };
  const text = decodeText(input, limits.bytesMax, file);
  const lines = new LineCounter();
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const fail = (message: string, offset: number): never => {
    throw yamlError(message, at(offset), file);
  };
  const forbidden = firstForbidden(text, lines);
  if (forbidden !== undefined) fail(forbidden.message, forbidden.offset);

  const documents: YamlDocument[] = [];
  const warnings: YamlWarning[] = [];
  const count = { nodes: 0 };
  const context = {
    nodesMax: limits.nodesMax,
    depthMax: limits.depthMax,
    count,
    fail,
    warn: (message: string, offset: number) => void warnings.push({ message, ...at(offset) }),
    lineOf: (offset: number) => at(offset).line,
  };
  let documentsSeen = 0;
  for (const document of parse(text, lines, { limits, fail })) {
    const error = document.errors[0] ?? document.warnings.find((warning) => warning.code !== "TAG_RESOLVE_FAILED"); // tags: to-value.ts
    if (error !== undefined) fail(syntaxMessage(error), error.pos[0]);
    if (++documentsSeen > limits.documentsMax) fail(`more than ${limits.documentsMax} documents; split the file`, document.range?.[0] ?? 0);
    const root = document.contents as Node | null;
    const { value, aliases } = toValue(root, context);
    if (root === null || value === null) continue;
    const start = root.range?.[0] ?? 0;
    if (typeof value !== "object" || Array.isArray(value)) fail("a document must be a mapping (`key: value`)", start);
    documents.push({ value: value as JsonObject, line: at(start).line, positions: { root, aliases, at } });
  }
  return { documents, warnings };
}

/** The library's pipeline, taken apart so that depth and size are checked while they grow. */
function* parse(
  text: string,
  lines: LineCounter,
  options: { limits: YamlLimits; fail: (message: string, offset: number) => never },
): Generator<Document.Parsed> {
  const { limits, fail } = options;
  const parser = new Parser();
  // `failsafe`: every scalar stays text, and to-value.ts decides what it means. Duplicate keys are found there too, in linear time.
  const composer = new Composer({ schema: "failsafe", uniqueKeys: false, prettyErrors: false, lineCounter: lines, logLevel: "silent" });
  let starts = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (valueStarts.has(lexeme[0] ?? "") && ++starts > limits.nodesMax * 2) fail(`more than ${limits.nodesMax} values; split the file`, parser.offset);
    for (const token of parser.next(lexeme)) yield* composer.next(token);
    // Each level of nesting is one collection on the parser's stack; two entries are the document and the scalar being read.
    if (parser.stack.length > limits.depthMax + 2) fail(`nested deeper than ${limits.depthMax} levels`, parser.offset);
  }
  for (const token of parser.end()) yield* composer.next(token);
  yield* composer.end();
  const { errors, warnings } = composer.streamInfo(); // what stands behind the last document, for example a lone directive
  const left = errors[0] ?? warnings[0];
  if (left !== undefined) fail(syntaxMessage(left), left.pos[0]);
}
