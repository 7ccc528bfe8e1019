/** One of the media types that a client accepts. */
export interface AcceptedType {
  /** `type/subtype`, lower case; either may be `*`. */
  readonly type: string;
  /** Without `q`. Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** What an Accept header asks for, best first: by `q`, then as written, with wildcards behind what is named (RFC 9110 §12.5.1). */
export function parseAccept(accept: string | undefined): readonly AcceptedType[] {
  const found: (AcceptedType & { quality: number; wild: number })[] = [];
  for (const part of (accept ?? "").split(",")) {
    const [name = "", ...rest] = part.split(";").map((text) => text.trim());
    if (name === "") continue;
    const parameters: Record<string, string> = {};
    let quality = 1;
    for (const parameter of rest) {
      const equals = parameter.indexOf("=");
      const [key, value] = equals < 0 ? [parameter, ""] : [parameter.slice(0, equals).trim().toLowerCase(), unquoted(parameter.slice(equals + 1).trim())];
      if (key === "q") quality = Number(value);
      else parameters[key] = value;
    }
    if (!(quality > 0)) continue; // also what is no number
    const type = name.toLowerCase();
    found.push({ type, parameters, quality, wild: type === "*/*" ? 2 : type.endsWith("/*") ? 1 : 0 });
  }
  return found.sort((a, b) => b.quality - a.quality || a.wild - b.wild);
}

function unquoted(value: string): string {
  return value.startsWith('"') && value.endsWith('"') && value.length >= 2 ? value.slice(1, -1) : value;
}

/** Whether a client that accepts `accepted` takes `type`. */
export function takes(accepted: AcceptedType, type: string): boolean {
  return accepted.type === type || accepted.type === "*/*" || (accepted.type.endsWith("/*") && type.startsWith(accepted.type.slice(0, -1)));
}
