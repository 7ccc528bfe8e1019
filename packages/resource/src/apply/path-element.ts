import { isJsonObject } from "../json.ts";

/**
 * One step of a field path, in the text form of FieldsV1, which is also its identity:
 * `f:name` a field, `k:{"name":"a"}` the list element with these keys, `v:"x"` the element of a set, `i:0` a place in a list.
 */
export type PathElement = string;

export function fieldElement(name: string): PathElement {
  return `f:${name}`;
}

/** Keys are sorted, so that equal elements have equal text. */
export function keyElement(keys: Readonly<Record<string, unknown>>): PathElement {
  return `k:${JSON.stringify(Object.fromEntries(Object.entries(keys).toSorted(([a], [b]) => (a < b ? -1 : 1))))}`;
}

export function valueElement(value: unknown): PathElement {
  return `v:${JSON.stringify(value)}`;
}

/** The name of an `f:` element, else undefined. */
export function fieldNameOf(element: PathElement): string | undefined {
  return element.startsWith("f:") ? element.slice(2) : undefined;
}

/** The element in our spelling, whatever spelling another server used; undefined for a form that we do not know. */
export function normalizeElement(text: string): PathElement | undefined {
  try {
    if (text.startsWith("k:")) {
      const keys = JSON.parse(text.slice(2)) as unknown;
      return isJsonObject(keys) ? keyElement(keys) : undefined;
    }
    if (text.startsWith("v:")) return valueElement(JSON.parse(text.slice(2)));
  } catch {
    return undefined; // what cannot be read owns nothing
  }
  return text.startsWith("f:") || /^i:\d+$/.test(text) ? text : undefined;
}

/** A path as Kubernetes prints it in conflicts: `.spec.containers[name="a"].image`. */
export function printPath(path: readonly PathElement[]): string {
  return path.map(printElement).join("");
}

function printElement(element: PathElement): string {
  const body = element.slice(2);
  if (element.startsWith("f:")) return `.${body}`;
  if (element.startsWith("v:")) return `[=${body}]`;
  if (element.startsWith("i:")) return `[${body}]`;
  const keys = Object.entries(JSON.parse(body) as Record<string, unknown>);
  return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(",")}]`;
}
