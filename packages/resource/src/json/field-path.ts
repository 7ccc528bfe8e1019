import { PlatformError } from "../errors.ts";
import type { JsonObject } from "../object.ts";
import { isJsonObject, ownValue, setOwn } from "./own-property.ts";

/** A key of an object, or an index into a list. */
export type PathSegment = string | number;

const plainKey = /^[^.[\]"'\\\s]+$/;
const bracketKey = /^[^[\]"'\\\s]*[^[\]"'\\\s\d][^[\]"'\\\s]*$/;

/**
 * A path as Kubernetes prints it: `spec.containers[0].env`, `metadata.labels[app.kubernetes.io/name]`. A key that could be
 * read in two ways is quoted, so {@link parsePath} gives the same segments back.
 */
export function formatPath(segments: readonly PathSegment[]): string {
  let text = "";
  for (const segment of segments) {
    if (typeof segment === "number") text += `[${segment}]`;
    else if (plainKey.test(segment) && !segment.includes("/")) text += text === "" ? segment : `.${segment}`;
    else if (bracketKey.test(segment)) text += `[${segment}]`;
    else text += `[${JSON.stringify(segment)}]`;
  }
  return text;
}

const segmentAt = /\.?([^.[\]]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|\['([^']*)'\]|\[([^[\]"']+)\]/y;

/**
 * Segments of a path such as `spec.a[2].b["x.y/z"]`; `['x']` and `[x]` are taken too. The empty path is the object itself.
 * @throws PlatformError TP_BAD_REQUEST
 */
export function parsePath(path: string): PathSegment[] {
  const segments: PathSegment[] = [];
  let offset = 0;
  while (offset < path.length) {
    segmentAt.lastIndex = offset;
    const found = segmentAt.exec(path);
    const segment = found === null ? undefined : segmentOf(found);
    if (found === null || segment === undefined) {
      throw new PlatformError("TP_BAD_REQUEST", { message: `The field path ${JSON.stringify(path)} cannot be read at character ${offset + 1}.` });
    }
    segments.push(segment);
    offset += found[0].length;
  }
  return segments;
}

function segmentOf(found: RegExpExecArray): PathSegment | undefined {
  const [, plain, index, quoted, single, bare] = found;
  if (index !== undefined) return Number(index);
  if (quoted !== undefined) {
    try {
      return JSON.parse(quoted) as string;
    } catch {
      return undefined;
    }
  }
  return plain ?? single ?? bare;
}

/** The value at a path, or undefined when something on the way is missing or of another type. */
export function getPath(object: unknown, path: string | readonly PathSegment[]): unknown {
  let value = object;
  for (const segment of typeof path === "string" ? parsePath(path) : path) {
    if (Array.isArray(value)) value = typeof segment === "number" ? value[segment] : undefined;
    else if (isJsonObject(value)) value = typeof segment === "string" ? ownValue(value, segment) : undefined;
    else return undefined;
  }
  return value;
}

/**
 * The object with the value at a path changed; the input stays as it is and the rest is shared. Missing objects on the way
 * are made; `undefined` removes the field. An index may name an element that exists, or the place after the last.
 * @throws PlatformError TP_BAD_REQUEST when the path goes through a scalar, or leaves a gap in a list
 */
export function setPath(object: JsonObject, path: string | readonly PathSegment[], value: unknown): JsonObject {
  const segments = typeof path === "string" ? parsePath(path) : path;
  return setAt(object, segments, 0, value) as JsonObject;
}

function setAt(current: unknown, segments: readonly PathSegment[], depth: number, value: unknown): unknown {
  const segment = segments[depth];
  if (segment === undefined) return value;
  const here = current ?? (value === undefined ? undefined : typeof segment === "number" ? [] : {});
  if (here === undefined) return current;

  if (typeof segment === "number" && Array.isArray(here) && segment <= here.length) {
    const child = setAt(here[segment], segments, depth + 1, value);
    return child === undefined ? here.toSpliced(segment, 1) : here.toSpliced(segment, 1, child);
  }
  if (typeof segment === "string" && isJsonObject(here)) {
    const child = setAt(ownValue(here, segment), segments, depth + 1, value);
    const copy = { ...here };
    if (child === undefined) delete copy[segment];
    else setOwn(copy, segment, child);
    return copy;
  }
  throw new PlatformError("TP_BAD_REQUEST", {
    message: `${formatPath(segments.slice(0, depth + 1))} does not exist in this object: ${describe(here)} is there.`,
  });
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return isJsonObject(value) ? "an object" : `a ${typeof value}`;
}
