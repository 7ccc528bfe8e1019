import type { LineCounter } from "yaml";
import { yamlError } from "./yaml-error.ts";

/** The text of a file, without byte order mark. */
export function decodeText(input: string | Uint8Array, bytesMax: number, file: string | undefined): string {
  // A character is at least one byte, so the cheap check comes first.
  if (input.length > bytesMax || (typeof input === "string" && Buffer.byteLength(input) > bytesMax)) {
    throw yamlError(`longer than ${bytesMax / 1024 / 1024} MiB; split the file`, undefined, file);
  }
  const text = typeof input === "string" ? input : decodeUtf8(input, file);
  return text.startsWith("\ufeff") ? text.slice(1) : text;
}

function decodeUtf8(bytes: Uint8Array, file: string | undefined): string {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    throw yamlError("the file is UTF-16; save it as UTF-8", undefined, file);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    const valid = new TextDecoder("utf-8").decode(bytes).split("\ufffd", 1)[0] ?? "";
    const line = valid.split("\n").length;
    throw yamlError("the file holds bytes that are not UTF-8; save it as UTF-8", { line, column: valid.length - valid.lastIndexOf("\n") }, file);
  }
}

/** Control characters that YAML does not allow; the lexer uses some of them as marks of its own, so they must not reach it. */
const forbidden = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u0080-\u0084\u0086-\u009f\ufffe\uffff]/; // eslint-disable-line no-control-regex

/** Fills `lines` with the starts of all lines, and finds the first character that may not be there. */
export function firstForbidden(text: string, lines: LineCounter): { readonly message: string; readonly offset: number } | undefined {
  lines.addNewLine(0);
  for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", end + 1)) lines.addNewLine(end + 1);
  const offset = text.search(forbidden);
  if (offset < 0) return undefined;
  const code = text.charCodeAt(offset).toString(16).toUpperCase().padStart(4, "0");
  return { offset, message: `the character U+${code} is not allowed; remove it, or write it as "\\u${code}" in double quotes` };
}
