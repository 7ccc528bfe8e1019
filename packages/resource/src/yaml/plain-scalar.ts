import type { Json } from "../object.ts";

/** What an unquoted word means: a value, or the reason why it must be written in another way. Reasons never quote the text: it may be a secret. */
export type PlainScalar = { readonly value: Json; readonly warning?: string } | { readonly problem: string };

const words: Readonly<Record<string, null | boolean>> = {
  "": null,
  "~": null,
  null: null,
  Null: null,
  NULL: null,
  true: true,
  True: true,
  TRUE: true,
  false: false,
  False: false,
  FALSE: false,
};

/** Booleans for YAML 1.1 (so for kubectl), text for YAML 1.2 (so for Score). */
const switchWord = /^(?:yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)$/;
const decimal = /^[-+]?(?:0|[1-9][0-9]*)$/;
/** `0644` is octal for kubectl and everybody who writes file modes; longer ones are ids or telephone numbers and must be quoted. */
const fileMode = /^0[0-7]{1,5}$/;
const leadingZero = /^[-+]?0[0-9]+$/;
const prefixed = /^(?:0o[0-7]+|0x[0-9a-fA-F]+)$/;
const float = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const notFinite = /^(?:[-+]?\.(?:inf|Inf|INF)|\.nan|\.NaN|\.NAN)$/;

/** The core schema of YAML 1.2, with file modes as kubectl reads them, and without numbers that JSON or a double cannot hold. */
export function plainScalar(text: string): PlainScalar {
  if (Object.hasOwn(words, text)) return { value: words[text] ?? null };
  const first = text.charCodeAt(0);
  if (first > 0x39) return switchWord.test(text) ? switchAsText(text) : { value: text }; // no number starts with a letter
  if (fileMode.test(text)) return { value: Number.parseInt(text, 8) };
  if (leadingZero.test(text)) return { problem: "the number starts with 0, which some read as octal; put it in quotes if it is text, or leave the 0 out" };
  if (decimal.test(text) || prefixed.test(text)) {
    const value = Number(text);
    if (!Number.isSafeInteger(value)) return { problem: "the number is larger than a number can be exactly; put it in quotes" };
    return { value: value === 0 ? 0 : value };
  }
  if (notFinite.test(text) || (float.test(text) && !Number.isFinite(Number(text))))
    return { problem: "this is a number that JSON cannot hold; put it in quotes if it is text" };
  return { value: float.test(text) ? Number(text) : text };
}

function switchAsText(text: string): PlainScalar {
  const boolean = /^(?:y|on)/i.test(text);
  return { value: text, warning: `${text} is text here, but ${boolean} for kubectl; write "${text}" or ${boolean} to say which` };
}
