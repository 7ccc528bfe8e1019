import { stripVTControlCharacters } from "node:util";
import type { Environment } from "../environment.ts";

export type Color = "green" | "yellow" | "red" | "cyan" | "dim" | "bold";

export interface Terminal {
  /** Standard output is a terminal: things may move on it. */
  readonly interactive: boolean;
  /** Returns the text in that colour, or as it is where colours are not wanted. */
  paint(color: Color, text: string): string;
  size(): { readonly columns: number; readonly rows: number };
}

const codes: Readonly<Record<Color, readonly [number, number]>> = {
  green: [32, 39],
  yellow: [33, 39],
  red: [31, 39],
  cyan: [36, 39],
  dim: [2, 22],
  bold: [1, 22],
};
/** Of terminals that do not say their size. */
const sizeDefault = { columns: 80, rows: 24 };

/** Colours only on a terminal and without NO_COLOR (no-color.org: any value but the empty one). */
export function createTerminal(stream: { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number }, environment: Environment): Terminal {
  const interactive = stream.isTTY === true && environment["TERM"] !== "dumb";
  const colors = interactive && (environment["NO_COLOR"] ?? "") === "";
  return {
    interactive,
    paint: (color, text) => (colors ? `\u001b[${codes[color][0]}m${text}\u001b[${codes[color][1]}m` : text),
    size: () => ({ columns: stream.columns || sizeDefault.columns, rows: stream.rows || sizeDefault.rows }),
  };
}

/** Text from elsewhere on one line: no escape sequence or control character of it reaches the terminal. */
export function plainText(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is removed
  return stripVTControlCharacters(text).replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]+/g, " ");
}

/** The text cut to `columns` characters, with an ellipsis where something was cut. */
export function cut(text: string, columns: number): string {
  const characters = [...text];
  if (characters.length <= columns) return text;
  return columns <= 1 ? "…".slice(0, Math.max(columns, 0)) : `${characters.slice(0, columns - 1).join("")}…`;
}
