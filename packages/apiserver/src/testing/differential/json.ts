export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonDocument = { readonly [key: string]: Json };

export type Path = readonly (string | number)[];

export function isDocument(value: Json | undefined): value is JsonDocument {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A copy in which `path` holds `value`; undefined takes it away. What stands in the way is replaced. */
export function withPath(value: Json | undefined, [first, ...rest]: Path, next: Json | undefined): Json | undefined {
  if (first === undefined) return next;
  if (typeof first === "number") {
    const copy = Array.isArray(value) ? [...(value as Json[])] : [];
    const changed = withPath(copy[first], rest, next);
    if (changed === undefined) copy.splice(first, 1);
    else copy[Math.min(first, copy.length)] = changed;
    return copy;
  }
  const copy: Record<string, Json> = isDocument(value) ? { ...value } : {};
  const changed = withPath(copy[first], rest, next);
  if (changed === undefined) delete copy[first];
  else copy[first] = changed;
  return copy;
}

/** Where two values differ, as lines of `path: left ≠ right`. */
export function differences(left: unknown, right: unknown, path = ""): string[] {
  if (Object.is(left, right)) return [];
  if (Array.isArray(left) && Array.isArray(right)) {
    if (left.length !== right.length) return [`${path}: ${short(left)} ≠ ${short(right)}`];
    return left.flatMap((item, index) => differences(item, right[index], `${path}[${index}]`));
  }
  if (typeof left === "object" && typeof right === "object" && left !== null && right !== null && !Array.isArray(left) && !Array.isArray(right)) {
    const [a, b] = [left as Record<string, unknown>, right as Record<string, unknown>];
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].sort().flatMap((key) => differences(a[key], b[key], path === "" ? key : `${path}.${key}`));
  }
  return [`${path}: ${short(left)} ≠ ${short(right)}`];
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? "absent";
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
