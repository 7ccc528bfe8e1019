import { deepEqual, isJsonObject, ownValue } from "../json.ts";
import type { JsonObject } from "../object.ts";
import { type Schema, withObjectMeta } from "../schema.ts";
import { type FieldSet, FieldSetBuilder, isEmpty, withoutSubtrees } from "./field-set.ts";
import { type MergeType, type Shape, fieldType, isAtomicMap, itemType, listElements, listKind, shapeOf } from "./merge-type.ts";
import { type PathElement, fieldElement } from "./path-element.ts";

/** What changed between two objects. No field is in two of the sets. */
export interface Comparison {
  readonly removed: FieldSet;
  readonly modified: FieldSet;
  readonly added: FieldSet;
}

export function compare(before: JsonObject, after: JsonObject, schema?: Schema): Comparison {
  const walk: Walk = { path: [], removed: new FieldSetBuilder(), modified: new FieldSetBuilder(), added: new FieldSetBuilder() };
  compareMaps(before, after, withObjectMeta(schema), walk);
  return { removed: walk.removed.build(), modified: walk.modified.build(), added: walk.added.build() };
}

export function isSame({ removed, modified, added }: Comparison): boolean {
  return isEmpty(removed) && isEmpty(modified) && isEmpty(added);
}

/** The comparison without the fields of `ignored` and all below them. */
export function ignoring({ removed, modified, added }: Comparison, ignored: FieldSet): Comparison {
  return { removed: withoutSubtrees(removed, ignored), modified: withoutSubtrees(modified, ignored), added: withoutSubtrees(added, ignored) };
}

interface Walk {
  /** Path of the values that are compared; the same array all the way. */
  readonly path: PathElement[];
  readonly removed: FieldSetBuilder;
  readonly modified: FieldSetBuilder;
  readonly added: FieldSetBuilder;
}

/** `undefined` stands for a value that is not there. */
function compareValues(before: unknown, after: unknown, type: MergeType, walk: Walk): void {
  if (before === after) return;
  const shapeAfter = shapeOf(after, type);
  const shapeBefore = before === undefined ? shapeAfter : shapeOf(before, type);
  let wasLeaf: boolean;
  if (after === undefined || shapeBefore === shapeAfter) {
    wasLeaf = compareAs(after === undefined ? shapeOf(before, type) : shapeAfter, { before, after, type, walk });
  } else {
    // The shape changed: all that was below goes, all that is below comes.
    compareAs(shapeBefore, { before, after, type, walk });
    wasLeaf = compareAs(shapeAfter, { before, after, type, walk });
  }
  if (wasLeaf) return;
  if (before === undefined) walk.added.insert(walk.path);
  else if (after === undefined) walk.removed.insert(walk.path);
}

interface Pair {
  readonly before: unknown;
  readonly after: unknown;
  readonly type: MergeType;
  readonly walk: Walk;
}

/** Compares as values of one shape; true when they were taken as a whole. */
function compareAs(shape: Shape, { before, after, type, walk }: Pair): boolean {
  if (shape === "map" && !isAtomicMap(type)) {
    const [left, right] = [isJsonObject(before) ? before : {}, isJsonObject(after) ? after : {}];
    if (Object.keys(left).length > 0 || Object.keys(right).length > 0) {
      compareMaps(left, right, type, walk);
      return false;
    }
  }
  if (shape === "list" && listKind(type) !== "atomic") {
    const [left, right] = [Array.isArray(before) ? before : [], Array.isArray(after) ? after : []];
    const [leftElements, rightElements] = [listElements(left, type), listElements(right, type)];
    if (left.length + right.length > 0 && leftElements !== undefined && rightElements !== undefined) {
      compareLists({ items: left, elements: leftElements }, { items: right, elements: rightElements }, type, walk);
      return false;
    }
  }
  if (before === undefined) walk.added.insert(walk.path);
  else if (after === undefined) walk.removed.insert(walk.path);
  else if (!deepEqual(before, after)) walk.modified.insert(walk.path);
  return true;
}

function compareMaps(before: JsonObject, after: JsonObject, type: MergeType, walk: Walk): void {
  const step = (key: string) => {
    const [left, right] = [ownValue(before, key), ownValue(after, key)];
    if (left === right) return;
    walk.path.push(fieldElement(key));
    compareValues(left, right, fieldType(type, key), walk);
    walk.path.pop();
  };
  for (const key of Object.keys(before)) step(key);
  for (const key of Object.keys(after)) if (!Object.hasOwn(before, key)) step(key);
}

interface Indexed {
  readonly items: readonly unknown[];
  readonly elements: readonly PathElement[];
}

function compareLists(before: Indexed, after: Indexed, type: MergeType, walk: Walk): void {
  const [left, right] = [groupByElement(before), groupByElement(after)];
  for (const element of new Set([...left.keys(), ...right.keys()])) {
    const was = left.get(element) ?? [];
    const is = right.get(element) ?? [];
    const compareItem = (one: unknown, other: unknown) => {
      walk.path.push(element);
      compareValues(one, other, itemType(type), walk);
      walk.path.pop();
    };
    if (was.length <= 1 && is.length <= 1) compareItem(was[0], is[0]);
    else if (was.length >= 2 && is.length >= 2) {
      if (!deepEqual(was, is)) walk.modified.insert(walk.path, element);
    } else if (was.length >= 2) {
      if (is.length === 1) compareItem(undefined, is[0]);
      walk.removed.insert(walk.path, element);
    } else {
      if (was.length === 1) compareItem(was[0], undefined);
      walk.added.insert(walk.path, element);
    }
  }
}

function groupByElement({ items, elements }: Indexed): Map<PathElement, unknown[]> {
  const groups = new Map<PathElement, unknown[]>();
  for (const [index, element] of elements.entries()) {
    const group = groups.get(element);
    if (group === undefined) groups.set(element, [items[index]]);
    else group.push(items[index]);
  }
  return groups;
}
