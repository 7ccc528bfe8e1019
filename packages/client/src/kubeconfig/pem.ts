import type { ErrorCause } from "@threeport/resource";

/** Decodes a `…-data` field. Adds a cause, which never quotes the value, when it is not base64 of PEM. */
export function pemOf(value: unknown, field: string, causes: ErrorCause[]): string | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const compact = typeof value === "string" ? value.replaceAll(/\s+/g, "") : "";
  const text = /^[A-Za-z0-9+/]+={0,2}$/.test(compact) ? Buffer.from(compact, "base64").toString("latin1") : "";
  if (/-----BEGIN [A-Z0-9 ]+-----[\s\S]+-----END [A-Z0-9 ]+-----/.test(text)) return text;
  causes.push({ field, reason: "FieldValueInvalid", message: "must be the base64 of a PEM text (`base64 -w0 file.pem`)" });
  return undefined;
}
