import { isJsonObject } from "../json.ts";
import type { JsonObject } from "../object.ts";
import { type Schema, withObjectMeta } from "../schema.ts";
import { type FieldSet, FieldSetBuilder } from "./field-set.ts";
import { type MergeType, fieldType, isAtomicMap, isNamedField, itemType, listElements, listKind } from "./merge-type.ts";
import { type PathElement, fieldElement } from "./path-element.ts";

/** Every field that an object has: its leaves, the elements of its merged lists, and the keys of its maps. */
export function fieldSetOf(object: JsonObject, schema?: Schema): FieldSet {
  const builder = new FieldSetBuilder();
  collectMap(object, withObjectMeta(schema), { path: [], builder });
  return builder.build();
}

interface Walk {
  /** Path of the value that is walked; the same array all the way. */
  readonly path: PathElement[];
  readonly builder: FieldSetBuilder;
}

function collect(value: unknown, type: MergeType, walk: Walk): void {
  if (isJsonObject(value) && !isAtomicMap(type)) collectMap(value, type, walk);
  else if (Array.isArray(value) && listKind(type) !== "atomic") collectList(value, type, walk);
  else walk.builder.insert(walk.path);
}

function collectMap(map: JsonObject, type: MergeType, walk: Walk): void {
  for (const key of Object.keys(map)) {
    const value = map[key];
    if (value === undefined) continue;
    walk.path.push(fieldElement(key));
    collect(value, fieldType(type, key), walk);
    if (!isNamedField(type, key) || (isJsonObject(value) && Object.keys(value).length === 0)) walk.builder.insert(walk.path);
    walk.path.pop();
  }
}

function collectList(list: readonly unknown[], type: MergeType, walk: Walk): void {
  const elements = listElements(list, type);
  if (elements === undefined) return walk.builder.insert(walk.path);
  const repeated = repeatedElements(elements);
  for (const [index, element] of elements.entries()) {
    walk.path.push(element);
    // Elements that stand there twice are owned as a whole: which of them a field belongs to cannot be said.
    if (!repeated.has(element)) collect(list[index], itemType(type), walk);
    walk.builder.insert(walk.path);
    walk.path.pop();
  }
}

export function repeatedElements(elements: readonly PathElement[]): ReadonlySet<PathElement> {
  const seen = new Set<PathElement>();
  const repeated = new Set<PathElement>();
  for (const element of elements) (seen.has(element) ? repeated : seen).add(element);
  return repeated;
}
