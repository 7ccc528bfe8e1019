import type { ErrorCode, YAMLError } from "yaml";

/** What to do about the mistakes that people make most; the library says what is wrong, this says how to get on. */
const advice: Partial<Record<ErrorCode, string>> = {
  TAB_AS_INDENT: "indent with spaces, never with tabs",
  BAD_INDENT: "compare the spaces in front of this line with the lines above",
  BLOCK_AS_IMPLICIT_KEY: "put the value in quotes if the second colon belongs to it, or start a new line",
  MULTILINE_IMPLICIT_KEY: "a colon may be missing in the line before",
  MISSING_CHAR: "something that was opened is not closed, or a space is missing",
  BAD_SCALAR_START: "put the value in quotes",
  KEY_OVER_1024_CHARS: "write the key behind `? ` or make it shorter",
  BAD_DQ_ESCAPE: "use single quotes, or write the backslash twice",
};

const messageCharactersMax = 200;

export function syntaxMessage(error: YAMLError): string {
  // Behind a colon the library quotes the text, which may be a secret.
  const what = (error.message.split("\n", 1)[0] ?? "").replace(/: ".*$/, "").slice(0, messageCharactersMax);
  const hint = advice[error.code];
  return hint === undefined ? what : `${what.replace(/\.$/, "")}; ${hint}`;
}
