// Placeholders of the format, left to right, never scanned twice:
//   `$${…}` is the text `${…}`; `${…}` refers, up to the first `}`; `$$` is one `$`; any other `$` stays. An unclosed `${` is text.
import { sortKeys, type ErrorCause } from "@threeport/resource";
import { invalid, shown } from "./field.ts";

export type Piece =
  | { readonly kind: "text"; readonly text: string }
  /** `path` is what stands in the braces, split at its dots. */
  | { readonly kind: "reference"; readonly source: string; readonly path: readonly string[] };

export function lex(text: string): Piece[] {
  const pieces: Piece[] = [];
  let literal = "";
  let index = 0;
  const flush = (): void => {
    if (literal !== "") pieces.push({ kind: "text", text: literal });
    literal = "";
  };
  while (index < text.length) {
    const next = text.indexOf("$", index);
    if (next < 0) break;
    literal += text.slice(index, next);
    const escaped = text.startsWith("$${", next);
    const close = escaped || text.startsWith("${", next) ? text.indexOf("}", next) : -1;
    if (close >= 0 && escaped) {
      literal += text.slice(next + 1, close + 1);
      index = close + 1;
    } else if (close >= 0) {
      flush();
      const source = text.slice(next + 2, close);
      pieces.push({ kind: "reference", source, path: segmentsOf(source) });
      index = close + 1;
    } else {
      literal += "$";
      index = next + (text.startsWith("$$", next) ? 2 : 1);
    }
  }
  literal += text.slice(index);
  flush();
  return pieces;
}

/** Splits at dots; `\.` is a dot in a segment. */
function segmentsOf(source: string): string[] {
  const segments = [""];
  for (let index = 0; index < source.length; index++) {
    const last = segments.length - 1;
    if (source.startsWith("\\.", index)) {
      segments[last] += ".";
      index++;
    } else if (source[index] === ".") segments.push("");
    else segments[last] += source[index] ?? "";
  }
  return segments;
}

/** Characters of a segment; a dot can only have come from `\.`. */
const segmentForm = /^[A-Za-z0-9_.-]+$/;
/** Roots of one commercial platform, which real files hold. */
const foreignRoots: ReadonlySet<string> = new Set(["pod", "externals", "values", "modules", "shared", "context"]);

/** What can be said of a reference before anything is provided. `names` are the resources of the workload. */
export function checkReference(
  { source, path }: Extract<Piece, { kind: "reference" }>,
  { field, names, metadata }: { readonly field: string; readonly names: readonly string[]; readonly metadata: unknown },
): ErrorCause[] {
  const wrong = (why: string): ErrorCause[] => [invalid(field, `\${${shown(source).slice(1, -1)}}: ${why}`)];
  const [root = "", name] = path;
  const literal = "; write $${…} if the text is meant as it stands";
  if (path.some((segment) => !segmentForm.test(segment)))
    return wrong(`between the braces stand names joined by dots, without spaces, such as \${metadata.name} or \${resources.db.host}${literal}`);
  if (foreignRoots.has(root)) {
    const same =
      name !== undefined && names.includes(name) ? `; write \${resources.${path.slice(1).join(".")}}` : "; write a value of metadata or of a resource";
    return wrong(`${root} belongs to one commercial platform and not to the Score format${same}`);
  }
  if (root !== "metadata" && root !== "resources") return wrong(`a placeholder begins with metadata or resources${literal}`);
  if (name === undefined) return wrong(`say which: \${${root}.NAME}`);
  if (root === "metadata") return lookUp(metadata, path.slice(1)) === undefined ? wrong(`metadata has no ${path.slice(1).join(".")}`) : [];
  if (!names.includes(name)) return wrong(`there is no resource ${name}; ${names.length === 0 ? "the file has none" : `there are ${names.join(", ")}`}`);
  return [];
}

/** A value in mappings within mappings; undefined where there is none. */
export function lookUp(value: unknown, path: readonly string[]): unknown {
  let found: unknown = value;
  for (const segment of path) {
    if (typeof found !== "object" || found === null || Array.isArray(found) || !Object.hasOwn(found, segment)) return undefined;
    found = (found as Record<string, unknown>)[segment];
  }
  return found;
}

/** A value inside a text: text as it is, everything else as JSON with sorted keys, in the form that other implementations write. */
export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return JSON.stringify(sortKeys(value)).replaceAll(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
