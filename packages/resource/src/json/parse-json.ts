import { PlatformError } from "../errors.ts";
import { deepEqual } from "./deep-equal.ts";
import { formatPath } from "./field-path.ts";
import { setOwn } from "./own-property.ts";
import { JsonSyntaxError, scanJson } from "./scan-json.ts";

export interface JsonLimits {
  /** Longest body, in bytes. 3 MiB is what kube-apiserver takes. */
  readonly bytesMax: number;
  /** Deepest nesting of lists and objects. Real objects stay below 60; our recursive readers are safe far beyond 500. */
  readonly depthMax: number;
  /** What to do with an integer that a double cannot hold exactly, such as 2^53 + 1. */
  readonly unsafeIntegers: "refuse" | "round";
}

export const defaultJsonLimits: JsonLimits = { bytesMax: 3 * 2 ** 20, depthMax: 500, unsafeIntegers: "refuse" };

/** As many duplicate keys as are reported for one body, as kube-apiserver bounds its strict errors. */
const duplicatesMax = 100;

/**
 * Reads a request body. An ordinary body costs one `JSON.parse` and a few searches; only a suspicious one is scanned again.
 * Keys such as `__proto__` and `constructor` become own data properties; of duplicate keys the last wins (see
 * {@link findDuplicateKeys}); lone surrogates become U+FFFD, as in Go.
 * @throws PlatformError TP_BAD_REQUEST (not UTF-8, not JSON, too deep, a number that cannot be held) or TP_TOO_LARGE
 */
export function parseJson(body: Uint8Array | string, limits: Partial<JsonLimits> = {}): unknown {
  const { bytesMax, depthMax, unsafeIntegers } = { ...defaultJsonLimits, ...limits };
  if (body.length > bytesMax) {
    throw new PlatformError("TP_TOO_LARGE", { message: `The body has more than ${bytesMax} bytes; send less.`, detail: { bytesMax } });
  }
  const text = decodeText(body);

  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw explainSyntax(text, cause);
  }

  if (mayHoldBadNumber.test(text)) checkNumbers(text, unsafeIntegers);
  if (mayBeDeeperThan(text, depthMax) && isDeeperThan(value, depthMax)) {
    throw new PlatformError("TP_BAD_REQUEST", {
      message: `The JSON is nested deeper than ${depthMax} levels; flatten it.`,
      detail: { depthMax },
    });
  }
  return surrogateEscape.test(text) ? wellFormed(value) : value;
}

/**
 * Paths of keys that stand twice in one object, for strict field validation, in the order of the text; at most
 * 100. A text that is not JSON gives those before the error.
 */
export function findDuplicateKeys(text: string): string[] {
  const found = new Set<string>();
  try {
    scanJson(text, { duplicateKey: (path) => void (found.size < duplicatesMax && found.add(formatPath(path))) });
  } catch (thrown) {
    if (!(thrown instanceof JsonSyntaxError)) throw thrown;
  }
  return [...found];
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeText(body: Uint8Array | string): string {
  if (typeof body === "string") {
    if (body.isWellFormed()) return body;
    throw new PlatformError("TP_BAD_REQUEST", { message: "The body is not valid Unicode: it holds half of a surrogate pair." });
  }
  try {
    return utf8.decode(body);
  } catch (cause) {
    throw new PlatformError("TP_BAD_REQUEST", { message: "The body is not valid UTF-8.", cause });
  }
}

/** V8's own message quotes the text, which may be a secret; ours gives the place. */
function explainSyntax(text: string, cause: unknown): PlatformError {
  if (text.trim() === "") return new PlatformError("TP_BAD_REQUEST", { message: "The body is empty; send a JSON document." });
  try {
    scanJson(text);
  } catch (thrown) {
    if (!(thrown instanceof JsonSyntaxError)) throw thrown;
    const before = text.slice(0, thrown.offset).split("\n");
    const line = before.length;
    const column = (before.at(-1) ?? "").length + 1;
    return new PlatformError("TP_BAD_REQUEST", {
      message: `The body is not valid JSON at line ${line}, column ${column}: ${thrown.message}.`,
      detail: { line, column },
    });
  }
  return new PlatformError("TP_INTERNAL", { message: "JSON.parse refused what the scanner accepts.", cause });
}

/** A number of 16 digits or with an exponent, after a character that can stand before a number. Hits inside strings only cost a scan. */
const mayHoldBadNumber = /(?:^|[\s:,[])-?(?:\d{16}|\d+(?:\.\d+)?[eE])/;

function checkNumbers(text: string, unsafeIntegers: JsonLimits["unsafeIntegers"]): void {
  scanJson(text, {
    number: (literal, path) => {
      const value = Number(literal);
      if (!Number.isFinite(value)) throw badNumber(path(), "is too large for a number");
      if (unsafeIntegers === "refuse" && losesDigits(literal, value)) {
        throw badNumber(path(), "is an integer beyond ±2^53 that would lose digits; send it as a string");
      }
    },
  });
}

/** An integer that would come back as another one. The shortest form in which JavaScript prints a double is no loss: it reads back as the same. */
function losesDigits(literal: string, value: number): boolean {
  return !Number.isSafeInteger(value) && /^-?\d+$/.test(literal) && String(value) !== literal && BigInt(value) !== BigInt(literal);
}

function badNumber(path: readonly (string | number)[], what: string): PlatformError {
  const field = formatPath(path);
  const message = `${field === "" ? "The number" : field} ${what}.`;
  return new PlatformError("TP_BAD_REQUEST", { message, causes: [{ ...(field === "" ? {} : { field }), reason: "FieldValueInvalid", message }] });
}

/** Cheap and may say yes wrongly: a text of depth d has at least d opening brackets. */
function mayBeDeeperThan(text: string, depthMax: number): boolean {
  if (text.length <= 2 * depthMax) return false;
  let left = depthMax;
  for (const bracket of ["{", "["]) {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) if (--left < 0) return true;
  }
  return false;
}

function isDeeperThan(value: unknown, depthLeft: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (depthLeft === 0) return true;
  for (const child of Array.isArray(value) ? value : Object.values(value)) if (isDeeperThan(child, depthLeft - 1)) return true;
  return false;
}

const surrogateEscape = /\\u[dD][89a-fA-F]/;

function wellFormed(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(wellFormed);
  const copy: Record<string, unknown> = {};
  for (const [key, child] of Object.entries(value)) setOwn(copy, key.toWellFormed(), wellFormed(child));
  return deepEqual(copy, value) ? value : copy;
}
