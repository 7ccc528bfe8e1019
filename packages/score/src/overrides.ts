import { PlatformError } from "@threeport/resource";
import { shown } from "./field.ts";

type Fields = Record<string, unknown>;

/** An overrides file over a document: mappings merge, everything else replaces, null included. */
export function mergeOverrides(document: unknown, overrides: unknown): unknown {
  if (!isFields(document) || !isFields(overrides)) return overrides;
  const merged: Fields = { ...document };
  for (const [key, value] of Object.entries(overrides)) define(merged, key, Object.hasOwn(document, key) ? mergeOverrides(document[key], value) : value);
  return merged;
}

/**
 * Sets one property by its path: names joined by dots, `\.` for a dot and `\\` for a backslash in a name, numbers for items of a list, -1 behind its end.
 * Mappings on the way are made. `undefined` and null remove.
 * @throws PlatformError TP_USAGE
 */
export function overrideProperty(document: unknown, path: string, value: unknown): unknown {
  const names = pathNames(path);
  if (names.length === 0 || names.some((name) => name === ""))
    throw new PlatformError("TP_USAGE", { message: `${shown(path)} is no path of a property: write names joined by dots, such as containers.web.image` });
  return set(document, names, { path, value });
}

function set(at: unknown, [name, ...rest]: readonly string[], wanted: { readonly path: string; readonly value: unknown }): unknown {
  if (name === undefined) return wanted.value;
  const removes = rest.length === 0 && (wanted.value === undefined || wanted.value === null);
  if (Array.isArray(at)) {
    const items = [...(at as unknown[])];
    const index = name === "-1" ? items.length : Number(name);
    if (!/^(?:-1|\d+)$/.test(name) || index > items.length || (index === items.length && (name !== "-1" || removes)))
      throw new PlatformError("TP_USAGE", {
        message: `${wanted.path}: the list has ${items.length} items: write ${items.length === 0 ? "" : `0 to ${items.length - 1}, or `}-1 to add one`,
      });
    if (removes) items.splice(index, 1);
    else items[index] = set(items[index], rest, wanted);
    return items;
  }
  if (at !== undefined && at !== null && !isFields(at)) throw new PlatformError("TP_USAGE", { message: `${wanted.path}: ${shown(at)} has nothing below it` });
  const fields: Fields = { ...at };
  if (removes) delete fields[name];
  else define(fields, name, set(Object.hasOwn(fields, name) ? fields[name] : undefined, rest, wanted));
  return fields;
}

function pathNames(path: string): string[] {
  const names = [""];
  for (let index = 0; index < path.length; index++) {
    const char = path[index] ?? "";
    const next = path[index + 1];
    if (char === "\\" && (next === "." || next === "\\")) {
      names[names.length - 1] += next;
      index++;
    } else if (char === ".") names.push("");
    else names[names.length - 1] += char;
  }
  return names;
}

/** Any name becomes a plain field, `__proto__` too. */
function define(fields: Fields, name: string, value: unknown): void {
  Object.defineProperty(fields, name, { value, enumerable: true, configurable: true, writable: true });
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
