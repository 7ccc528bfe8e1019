import type { z } from "zod";
import type { ErrorCause } from "@threeport/resource";
import { anyNamesSchema, scoreSchema, type ScoreDocument } from "./document.ts";
import { at, below, invalid, required, shown } from "./field.ts";
import { adviceForUnknown, formInsteadOf, formOf } from "./shape-hints.ts";

/** The document if it fits the format, or what does not. */
export function checkShape(document: unknown): { readonly document: ScoreDocument } | { readonly causes: readonly ErrorCause[] } {
  const result = scoreSchema.safeParse(document, { reportInput: true });
  if (result.success) return { document: result.data };
  const names = result.error.issues.filter(({ code }) => code === "invalid_key");
  if (names.length === 0) return { causes: result.error.issues.flatMap(causesOf) };
  const others = anyNamesSchema.safeParse(document, { reportInput: true }).error?.issues ?? [];
  const wrongIn = new Set(others.filter(({ code }) => code === "invalid_key").map(({ path }) => at(path)));
  return { causes: [...names.filter(({ path }) => !wrongIn.has(at(path))), ...others].flatMap(causesOf) };
}

function causesOf(issue: z.core.$ZodIssue): ErrorCause[] {
  const field = at(issue.path);
  const { input } = issue;
  switch (issue.code) {
    case "unrecognized_keys": {
      const known = issue.message.split(", ");
      return issue.keys.map((key) => ({
        field: below(field, key),
        reason: "FieldValueInvalid",
        message: `Unknown field: ${adviceForUnknown(key, known)}`,
      }));
    }
    case "invalid_key":
      return [invalid(field, `${shown(issue.path.at(-1))}: ${issue.issues[0]?.message ?? "must be another name"}`)];
    case "invalid_type":
      return [wrongType(issue, issue.expected)];
    case "invalid_value":
      if (input === undefined || input === null) return [wrongType(issue, issue.values.map(String).join(" or "))];
      return [invalid(field, `${shown(input)}: write ${issue.values.map(String).join(" or ")}`)];
    default:
      return [invalid(field, `${shown(input)}: ${issue.message}`)];
  }
}

function wrongType({ path, input }: z.core.$ZodIssue, expected: string): ErrorCause {
  const field = at(path);
  const { write, needed } = formOf(path, expected);
  if (input === undefined) return required(field, `write ${write}`);
  if (input === null) return invalid(field, `it stands there without a value: write ${write}${needed ? "" : ", or remove the line"}`);
  // The digits that stand there may be others: 0644 is read as 420, and 1.10 as 1.1.
  if (expected === "string" && (typeof input === "number" || typeof input === "boolean")) {
    const example = path.at(-1) === "mode" ? ', such as "0644"' : "";
    const what = typeof input === "number" ? "number" : "truth value";
    return invalid(field, `${input} is a ${what}, and text is wanted: put quotes around what stands there${example}`);
  }
  return invalid(field, `${shown(input)}: must be ${formInsteadOf(input, path, expected)}`);
}
