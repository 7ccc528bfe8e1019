import type { ErrorCause } from "@threeport/resource";

/** Values are cut so that an error stays readable whatever was sent. */
const shownCharactersMax = 100;

export function invalidCause(field: string, value: unknown, problem: string): ErrorCause {
  const shown = JSON.stringify(value) ?? "null";
  const cut = shown.length > shownCharactersMax ? `${shown.slice(0, shownCharactersMax)}…` : shown;
  return { field, reason: "FieldValueInvalid", message: `Invalid value: ${cut}: ${problem}` };
}

export function requiredCause(field: string, why = ""): ErrorCause {
  return { field, reason: "FieldValueRequired", message: why === "" ? "Required value" : `Required value: ${why}` };
}

export function forbiddenCause(field: string, why: string): ErrorCause {
  return { field, reason: "FieldValueForbidden", message: `Forbidden: ${why}` };
}

export function duplicateCause(field: string, value: unknown): ErrorCause {
  return { field, reason: "FieldValueDuplicate", message: `Duplicate value: ${JSON.stringify(value)}` };
}

export function unsupportedCause(field: string, value: unknown, supported: readonly string[]): ErrorCause {
  return {
    field,
    reason: "FieldValueNotSupported",
    message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported.map((name) => JSON.stringify(name)).join(", ")}`,
  };
}
