import { isJsonObject, ownValue, setOwn } from "../json.ts";
import type { JsonObject } from "../object.ts";
import { type Schema, withObjectMeta } from "../schema.ts";
import { type MergeType, fieldType, isAtomicMap, itemType, listElements, listKind, shapeOf } from "./merge-type.ts";
import type { PathElement } from "./path-element.ts";

/** The live object with an applied configuration merged in: nothing is removed, and where both have a leaf the applied one stands. What does not change is shared. */
export function mergeApplied(live: JsonObject, applied: JsonObject, schema?: Schema): JsonObject {
  const type = withObjectMeta(schema);
  return isAtomicMap(type) ? applied : mergeMaps(live, applied, type);
}

/** `undefined` stands for a value that is not there; the result is undefined when nothing is left to stand there. */
function mergeValues(live: unknown, applied: unknown, type: MergeType): unknown {
  if (applied === undefined) return live;
  const shape = shapeOf(applied, type);
  if (shape === "map" && !isAtomicMap(type)) {
    const left = isJsonObject(live) ? live : {};
    const right = isJsonObject(applied) ? applied : {};
    if (Object.keys(left).length > 0 || Object.keys(right).length > 0) return orUndefined(mergeMaps(left, right, type));
  }
  if (shape === "list" && listKind(type) !== "atomic") {
    const left = Array.isArray(live) ? (live as unknown[]) : [];
    const right = Array.isArray(applied) ? (applied as unknown[]) : [];
    const [leftElements, rightElements] = [listElements(left, type), listElements(right, type)];
    if (left.length + right.length > 0 && leftElements !== undefined && rightElements !== undefined) {
      return mergeLists({ items: left, elements: leftElements }, { items: right, elements: rightElements }, type);
    }
  }
  // `null` says the same as an empty map or list: a second apply must not turn one into the other.
  return applied === null && isEmptyContainer(live) ? live : applied;
}

function isEmptyContainer(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function orUndefined(map: JsonObject): JsonObject | undefined {
  return Object.keys(map).length === 0 ? undefined : map;
}

function mergeMaps(live: JsonObject, applied: JsonObject, type: MergeType): JsonObject {
  let result = live;
  for (const key of Object.keys(applied)) {
    const before = ownValue(live, key);
    const after = mergeValues(before, ownValue(applied, key), fieldType(type, key));
    if (after === before) continue;
    if (result === live) result = { ...live };
    if (after === undefined) delete result[key];
    else setOwn(result, key, after);
  }
  return result;
}

interface Indexed {
  readonly items: readonly unknown[];
  readonly elements: readonly PathElement[];
}

/**
 * Merges two lists by identity. Elements that both have stand in the applied order; those that only the live list has keep
 * their place relative to the shared ones.
 */
function mergeLists(live: Indexed, applied: Indexed, type: MergeType): unknown[] {
  const liveItems = new Map<PathElement, unknown>();
  // Of an element that stands there twice none is merged into; the applied one replaces them.
  for (const [index, element] of live.elements.entries()) liveItems.set(element, liveItems.has(element) ? null : live.items[index]);
  const appliedItems = new Map(applied.elements.map((element, index) => [element, applied.items[index]]));
  const shared = applied.elements.filter((element) => liveItems.has(element));

  const result: unknown[] = [];
  const taken = new Set<PathElement>();
  const push = (item: unknown) => {
    if (item !== undefined) result.push(item);
  };
  let nextShared = 0;
  let l = 0;
  let r = 0;
  const takeApplied = (element: PathElement) => {
    taken.add(element);
    push(mergeValues(liveItems.get(element), appliedItems.get(element), itemType(type)));
    r++;
    if (shared[nextShared] === element) nextShared++;
  };

  while (l < live.elements.length || r < applied.elements.length) {
    const liveElement = live.elements[l];
    const appliedElement = applied.elements[r];
    if (liveElement !== undefined && appliedElement !== undefined) {
      if (liveElement === appliedElement) {
        takeApplied(appliedElement);
        l++;
        continue;
      }
      const expected = shared[nextShared];
      if (appliedItems.has(liveElement) && expected !== undefined && expected !== liveElement) {
        l++; // shared, but its turn comes later in the applied order
        continue;
      }
    }
    if (liveElement !== undefined && !appliedItems.has(liveElement)) {
      push(live.items[l]);
      l++;
      continue;
    }
    if (liveElement !== undefined && taken.has(liveElement)) l++;
    if (appliedElement !== undefined) takeApplied(appliedElement);
  }
  return result.length === live.items.length && result.every((item, index) => item === live.items[index]) ? (live.items as unknown[]) : result;
}
