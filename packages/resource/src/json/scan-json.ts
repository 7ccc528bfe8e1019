import type { PathSegment } from "./field-path.ts";

/** Where and why a text is not JSON. The message never quotes the text: request bodies hold secrets (design.md S7). */
export class JsonSyntaxError extends Error {
  /** Index into the text, in UTF-16 units. */
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.name = "JsonSyntaxError";
    this.offset = offset;
  }
}

export interface JsonVisitor {
  /** An object has this key twice; `path` ends with the key. */
  duplicateKey?(path: readonly PathSegment[]): void;
  /** A number as it is written. The path is made only when asked for: bodies hold millions of numbers. */
  number?(literal: string, path: () => PathSegment[]): void;
}

interface Frame {
  /** Keys seen so far; undefined for a list, or when nobody asks. */
  readonly keys: Set<string> | undefined;
  /** The key or index that is being read. */
  at: PathSegment;
}

const numberAt = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const escapeAt = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const quote = 0x22;
const backslash = 0x5c;
const wordAt = /true|false|null/y;
const spaceAt = /[ \t\n\r]*/y;

/**
 * Reads a JSON text token by token (RFC 8259), without building values and without recursion, so any depth is safe.
 * It finds what `JSON.parse` hides: duplicate keys, how numbers are written, and where an error is.
 * @throws JsonSyntaxError
 */
export function scanJson(text: string, visitor: JsonVisitor = {}): void {
  const frames: Frame[] = [];
  let offset = skipSpace(text, 0);

  const path = () => frames.map((frame) => frame.at);

  /** Reads `"key" :` into the innermost frame. */
  const readKey = (frame: Frame) => {
    const start = offset;
    const key = readString(text, start, "expected a key in double quotes");
    frame.at = key.value;
    if (frame.keys?.has(key.value)) visitor.duplicateKey?.(path());
    else frame.keys?.add(key.value);
    offset = skipSpace(text, key.end);
    if (text[offset] !== ":") throw new JsonSyntaxError(offset, "expected ':' after a key");
    offset = skipSpace(text, offset + 1);
  };

  for (;;) {
    // One value starts here.
    const first = text[offset];
    if (first === "{" || first === "[") {
      const frame: Frame = { keys: first === "{" && visitor.duplicateKey ? new Set() : undefined, at: first === "{" ? "" : 0 };
      offset = skipSpace(text, offset + 1);
      if (text[offset] !== (first === "{" ? "}" : "]")) {
        frames.push(frame);
        if (first === "{") readKey(frame);
        continue;
      }
      offset++;
    } else if (first === '"') {
      offset = readString(text, offset, "").end;
    } else if (first === "-" || (first !== undefined && first >= "0" && first <= "9")) {
      const literal = match(numberAt, text, offset);
      if (literal === undefined) throw new JsonSyntaxError(offset, "expected a number");
      visitor.number?.(literal, path);
      offset += literal.length;
    } else {
      const word = match(wordAt, text, offset);
      if (word === undefined) throw new JsonSyntaxError(offset, offset >= text.length ? "the text ends too early" : "expected a value");
      offset += word.length;
    }

    // A value ended here: close what it completes, up to the next comma.
    for (;;) {
      offset = skipSpace(text, offset);
      const frame = frames.at(-1);
      if (frame === undefined) {
        if (offset < text.length) throw new JsonSyntaxError(offset, "expected nothing after the value");
        return;
      }
      const isObject = typeof frame.at === "string";
      if (text[offset] === ",") {
        offset = skipSpace(text, offset + 1);
        if (typeof frame.at === "number") frame.at++;
        else readKey(frame);
        break;
      }
      if (text[offset] !== (isObject ? "}" : "]")) {
        throw new JsonSyntaxError(offset, offset >= text.length ? "the text ends too early" : `expected ',' or '${isObject ? "}" : "]"}'`);
      }
      offset++;
      frames.pop();
    }
  }
}

function readString(text: string, offset: number, orElse: string): { value: string; end: number } {
  if (text[offset] !== '"') throw new JsonSyntaxError(offset, offset >= text.length ? "the text ends too early" : orElse);
  let escaped = false;
  for (let at = offset + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      const value = escaped ? (JSON.parse(text.slice(offset, at + 1)) as string) : text.slice(offset + 1, at);
      return { value, end: at + 1 };
    }
    if (code < 0x20) throw new JsonSyntaxError(at, "a control character in a string must be escaped");
    if (code === backslash) {
      const escape = match(escapeAt, text, at);
      if (escape === undefined) throw new JsonSyntaxError(at, "a string holds an unknown escape");
      escaped = true;
      at += escape.length - 1;
    }
  }
  throw new JsonSyntaxError(offset, "a string is not closed");
}

function skipSpace(text: string, offset: number): number {
  const code = text.charCodeAt(offset);
  if (code > 0x20) return offset; // the common case: no space at all
  spaceAt.lastIndex = offset;
  spaceAt.test(text);
  return spaceAt.lastIndex;
}

function match(pattern: RegExp, text: string, offset: number): string | undefined {
  pattern.lastIndex = offset;
  return pattern.exec(text)?.[0];
}
