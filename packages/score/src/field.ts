import type { ErrorCause } from "@threeport/resource";

/** A field below another one, as paths are written everywhere: plain names with dots, other keys and indexes in brackets. */
export function below(field: string, key: string | number): string {
  if (typeof key === "number") return `${field}[${key}]`;
  if (!/^[\w-]+$/.test(key)) return `${field}[${key}]`;
  return field === "" ? key : `${field}.${key}`;
}

export function at(path: readonly PropertyKey[]): string {
  return path.reduce<string>((field, key) => below(field, typeof key === "symbol" ? String(key) : key), "");
}

/** Characters of a value that a message shows. */
const shownMax = 60;

export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= shownMax ? text : `${text.slice(0, shownMax)}…`;
}

export function invalid(field: string, message: string): ErrorCause {
  return { field, reason: "FieldValueInvalid", message: `Invalid value: ${message}` };
}

export function required(field: string, message: string): ErrorCause {
  return { field, reason: "FieldValueRequired", message: `Required value: ${message}` };
}
