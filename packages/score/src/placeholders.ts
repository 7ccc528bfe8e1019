// Placeholders of the format, left to right, never scanned twice:
//   `$${…}` is the text `${…}`; `${…}` refers, up to the first `}`; `$$` is one `$`; any other `$` stays. An unclosed `${` is text.
import { sortKeys, type ErrorCause } from "@threeport/resource";
import { invalid, shown } from "./field.ts";
import { nearest } from "./nearest.ts";

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

interface Known {
  /** Of the resources of the workload. */
  readonly names: readonly string[];
  readonly metadata: unknown;
}

/** What can be said of a reference before anything is provided. */
export function checkReference({ source, path }: Extract<Piece, { kind: "reference" }>, { field, ...known }: Known & { readonly field: string }): ErrorCause[] {
  const why = whyWrong(source, path, known);
  return why === undefined ? [] : [invalid(field, `\${${shown(source).slice(1, -1)}}: ${why}`)];
}

function whyWrong(source: string, path: readonly string[], known: Known): string | undefined {
  const { names, metadata } = known;
  const [root = "", name] = path;
  const meant = meantBy(source, known);
  const literal = `; write $$\{${shown(source).slice(1, -1)}} if the text is meant as it stands`;
  if (path.some((segment) => !segmentForm.test(segment)))
    return `between the braces stand names joined by dots, without spaces, such as ${meant ?? "${metadata.name} or ${resources.db.host}"}${literal}`;
  if (foreignRoots.has(root))
    return `${root} belongs to one commercial platform and not to the Score format; write ${meant ?? "a value of metadata or of a resource"}`;
  if (root !== "metadata" && root !== "resources")
    return meant === undefined
      ? `a placeholder begins with metadata or resources${literal}`
      : `write ${meant}; a placeholder begins with metadata or resources`;
  if (name === undefined) return `say which: \${${root}.NAME}`;
  if (root === "metadata") return lookUp(metadata, path.slice(1)) === undefined ? whyNoMetadata(path.slice(1), metadata) : undefined;
  if (names.includes(name)) return undefined;
  const near = nearest(name, names);
  if (near !== undefined) return `there is no resource ${name}; did you mean ${near}?`;
  return `there is no resource ${name}; ${names.length === 0 ? "the file has none" : `there are ${names.join(", ")}`}`;
}

/** The placeholder that a wrong one was probably meant to be: without spaces, with its root, or with the right one. */
function meantBy(source: string, { names, metadata }: Known): string | undefined {
  const path = segmentsOf(source.trim());
  const [root = "", name = ""] = path;
  if (!path.every((segment) => segmentForm.test(segment))) return undefined;
  const fits = (each: readonly string[]): boolean =>
    each[0] === "metadata" ? lookUp(metadata, each.slice(1)) !== undefined : each.length > 2 && names.includes(each[1] ?? "");
  const likely = names.includes(name) || root === name ? "resources" : nearest(root, ["resources", "metadata"]);
  const found = [path, ["resources", ...path], ...(likely === undefined ? [] : [[likely, ...path.slice(1)]])].find(
    (each) => (each[0] === "resources" || each[0] === "metadata") && fits(each),
  );
  return found === undefined ? undefined : `\${${found.map((segment) => segment.replaceAll(".", "\\.")).join(".")}}`;
}

function whyNoMetadata(path: readonly string[], metadata: unknown): string {
  const near = typeof metadata === "object" && metadata !== null && path.length === 1 ? nearest(path[0] ?? "", Object.keys(metadata)) : undefined;
  return `metadata has no ${path.join(".")}${near === undefined ? "" : `; did you mean ${near}?`}`;
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
