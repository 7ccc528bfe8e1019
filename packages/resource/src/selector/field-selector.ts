import { PlatformError } from "../errors.ts";

export interface FieldRequirement {
  /** A path such as `metadata.name`; which fields can be selected by is up to the kind. */
  readonly field: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

export interface FieldSelector {
  /** All of them must hold; empty selects everything. */
  readonly requirements: readonly FieldRequirement[];
  /** `getField` gives the text of a field; undefined counts as empty. */
  matches(getField: (field: string) => string | undefined): boolean;
  /** The canonical form: sorted, with escapes. */
  toString(): string;
}

/**
 * Reads `metadata.name=x,metadata.namespace!=y`. In a value `,`, `=` and `\` are written with a `\` before them. The empty
 * text selects everything.
 * @throws PlatformError TP_BAD_REQUEST
 */
export function parseFieldSelector(text: string): FieldSelector {
  const requirements = splitTerms(text)
    .filter((term) => term.trim() !== "")
    .map(parseTerm);
  const canonical = requirements
    .map(({ field, operator, value }) => `${field}${operator}${value.replace(/[\\,=]/g, "\\$&")}`)
    .toSorted()
    .join(",");
  return {
    requirements,
    matches: (getField) => requirements.every(({ field, operator, value }) => ((getField(field) ?? "") === value) === (operator === "=")),
    toString: () => canonical,
  };
}

/** Parts between commas that no backslash protects. */
function splitTerms(text: string): string[] {
  return text.match(/(?:[^,\\]|\\[^]|\\$)+/g) ?? [];
}

function parseTerm(term: string): FieldRequirement {
  const found = /^([^=!]+)(!=|==|=)([^]*)$/.exec(term);
  const field = found?.[1]?.trim() ?? "";
  const raw = found?.[3] ?? "";
  if (found === null || field === "") throw malformed(term, "write field=value or field!=value");
  if (!/^(?:[^\\,=]|\\[\\,=])*$/.test(raw)) throw malformed(term, "in the value, write '\\' before ',', '=' and '\\', and before nothing else");
  return { field, operator: found[2] === "!=" ? "!=" : "=", value: raw.replace(/\\([\\,=])/g, "$1") };
}

function malformed(term: string, what: string): PlatformError {
  return new PlatformError("TP_BAD_REQUEST", { message: `The field selector cannot be read at ${JSON.stringify(term.slice(0, 100))}: ${what}.` });
}
