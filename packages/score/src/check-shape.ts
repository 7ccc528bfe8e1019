import type { z } from "zod";
import type { ErrorCause } from "@threeport/resource";
import { scoreSchema, type ScoreDocument } from "./document.ts";
import { at, below, invalid, required, shown } from "./field.ts";
import { nearest } from "./nearest.ts";

/** The document if it fits the format, or what does not. */
export function checkShape(document: unknown): { readonly document: ScoreDocument } | { readonly causes: readonly ErrorCause[] } {
  const result = scoreSchema.safeParse(document, { reportInput: true });
  return result.success ? { document: result.data } : { causes: result.error.issues.flatMap(causesOf) };
}

function causesOf(issue: z.core.$ZodIssue): ErrorCause[] {
  const field = at(issue.path);
  const { input } = issue;
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = issue.message.split(", ");
      return issue.keys.map((key) => unknownField(below(field, key), key, known));
    }
    case "invalid_key":
      return [invalid(field, `${shown(issue.path.at(-1))}: ${issue.issues[0]?.message ?? "must be another name"}`)];
    case "invalid_type":
      return [wrongType(field, issue.expected, input)];
    case "invalid_value":
      if (input === undefined || input === null) return [wrongType(field, "string", input, issue.values)];
      return [invalid(field, `${shown(input)}: write ${issue.values.map(String).join(" or ")}`)];
    default:
      return [invalid(field, `${shown(input)}: ${issue.message}`)];
  }
}

function unknownField(field: string, key: string, known: readonly string[]): ErrorCause {
  const meant = nearest(key, known);
  return {
    field,
    reason: "FieldValueInvalid",
    message: `Unknown field: ${meant === undefined ? "" : `did you mean ${meant}? `}There can be ${known.join(", ")}`,
  };
}

const nouns: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  record: "a mapping",
};

function wrongType(field: string, expected: string, input: unknown, values?: readonly unknown[]): ErrorCause {
  const wanted = values === undefined ? (nouns[expected] ?? expected) : values.map(String).join(" or ");
  if (input === undefined) return required(field, `write ${wanted}`);
  if (input === null) return invalid(field, `it stands there without a value: write ${wanted}, or remove the line`);
  if (expected === "string" && (typeof input === "number" || typeof input === "boolean"))
    return invalid(
      field,
      `${shown(input)} is a ${typeof input === "number" ? "number" : "truth value"}, and text is wanted: write "${String(input)}" in quotes`,
    );
  return invalid(field, `${shown(input)}: must be ${wanted}`);
}
