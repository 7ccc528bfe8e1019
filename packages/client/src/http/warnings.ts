/** Response headers as undici gives them: lower-case names, repeated ones as a list. */
export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** The texts of the `Warning` headers (RFC 7234 §5.5, as Kubernetes sends them: `299 - "text"`), in order. */
export function warningsOf(headers: ResponseHeaders): string[] {
  const raw = headers["warning"];
  if (raw === undefined) return [];
  const warnings: string[] = [];
  for (const line of Array.isArray(raw) ? raw : [raw]) {
    for (const match of line.matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g)) warnings.push((match[1] ?? "").replaceAll(/\\(.)/g, "$1"));
  }
  return warnings;
}
