import { isJsonObject, setOwn } from "../json.ts";
import type { JsonObject } from "../object.ts";
import { type Schema, withObjectMeta } from "../schema.ts";
import { type FieldSet, isEmpty } from "./field-set.ts";
import { type MergeType, fieldType, isAtomicMap, itemType, listElements, listKind } from "./merge-type.ts";
import { fieldElement } from "./path-element.ts";

/**
 * The object without the fields of the set, each with all that is below it. A map or list that loses its last element stays,
 * empty, unless it is in the set itself. What stays as it is is shared.
 */
export function removeFields(object: JsonObject, set: FieldSet, schema?: Schema): JsonObject {
  if (isEmpty(set)) return object;
  return removeFromMap(object, set, withObjectMeta(schema));
}

function remove(value: unknown, set: FieldSet, type: MergeType): unknown {
  if (isJsonObject(value)) return isAtomicMap(type) ? value : removeFromMap(value, set, type);
  if (Array.isArray(value)) return listKind(type) === "atomic" ? value : removeFromList(value, set, type);
  return value;
}

function removeFromMap(map: JsonObject, set: FieldSet, type: MergeType): JsonObject {
  const result: JsonObject = {};
  let changed = false;
  for (const key of Object.keys(map)) {
    const element = fieldElement(key);
    const below = set.children.get(element);
    const value = set.members.has(element) ? undefined : below === undefined ? map[key] : remove(map[key], below, fieldType(type, key));
    changed ||= value !== map[key];
    if (value !== undefined) setOwn(result, key, value);
  }
  return changed ? result : map;
}

function removeFromList(list: readonly unknown[], set: FieldSet, type: MergeType): readonly unknown[] {
  const elements = listElements(list, type);
  if (elements === undefined) return list;
  const result: unknown[] = [];
  for (const [index, element] of elements.entries()) {
    if (set.members.has(element)) continue;
    const below = set.children.get(element);
    result.push(below === undefined ? list[index] : remove(list[index], below, itemType(type)));
  }
  return result.length === list.length && result.every((item, index) => item === list[index]) ? list : result;
}
