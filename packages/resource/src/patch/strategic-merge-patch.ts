// Strategic merge patch: a merge patch that knows from the schema which lists have elements with an identity. Directives are
// keys of the patch that never become data:
//   $patch: replace | delete | merge       for the object (or list element) it stands in
//   $retainKeys: [...]                     keys of the object that stay; all others go
//   $deleteFromPrimitiveList/<field>       values that leave a set
//   $setElementOrder/<field>               order of a merged list
import { PlatformError } from "../errors.ts";
import { deepEqual, isJsonObject, ownValue, setOwn } from "../json.ts";
import type { JsonObject } from "../object.ts";
import { type Schema, childSchema, withObjectMeta } from "../schema.ts";
import { type ListStrategy, identityOf, listStrategy, orderList, patchStrategies } from "./merge-list.ts";

const patchDirective = "$patch";
const retainKeysDirective = "$retainKeys";
const deletePrefix = "$deleteFromPrimitiveList/";
const orderPrefix = "$setElementOrder/";

/**
 * Applies a strategic merge patch as kube-apiserver does for its built-in kinds. Lists merge where the schema gives a patch
 * strategy, or else a list type of `set` or `map`; any other list is replaced. The inputs stay as they are; what does not
 * change is shared with `current`.
 * @throws PlatformError TP_BAD_REQUEST for a malformed patch, TP_INVALID for one that contradicts the object or itself
 */
export function strategicMergePatch(current: JsonObject, patch: unknown, schema?: Schema): JsonObject {
  if (!isJsonObject(patch)) throw malformed("A strategic merge patch must be a JSON object.");
  return mergeObject(current, patch, withObjectMeta(schema));
}

function mergeObject(current: JsonObject, patch: JsonObject, schema: Schema | undefined): JsonObject {
  const directive = ownValue(patch, patchDirective);
  if (directive === "delete") return {};
  if (directive === "replace") return mergeObject({}, without(patch, patchDirective), schema);
  if (directive !== undefined && directive !== "merge") throw malformed("`$patch` must be replace, delete or merge.");

  const result = { ...retained(current, patch) };
  removeFromSets(result, patch, schema);
  for (const [key, value] of Object.entries(patch)) {
    if (isDirective(key)) continue;
    if (value === null) delete result[key];
    else mergeField(result, key, value, childSchema(schema, key));
  }
  reorderLists(result, { current, patch, schema });
  return sameFields(current, result) ? current : result;
}

function mergeField(result: JsonObject, key: string, value: unknown, schema: Schema | undefined): void {
  const before = ownValue(result, key);
  if (isJsonObject(value)) {
    if (!isJsonObject(before)) {
      if (ownValue(value, patchDirective) === "delete") delete result[key];
      else setOwn(result, key, mergeObject({}, value, schema));
      return;
    }
    const replaces = patchStrategies(schema).includes("replace");
    return setOwn(result, key, replaces ? mergeObject({}, without(value, patchDirective), schema) : mergeObject(before, value, schema));
  }
  if (Array.isArray(value)) {
    const strategy = listStrategy(schema);
    const after = Array.isArray(before) && strategy.kind !== "replace" ? mergeList(before, value, schema, strategy) : withoutDirectives(value, schema?.items);
    return setOwn(result, key, deepEqual(before, after) ? before : after);
  }
  setOwn(result, key, value);
}

function mergeList(current: readonly unknown[], patch: readonly unknown[], schema: Schema | undefined, strategy: ListStrategy): unknown[] {
  const identity = identityOf(strategy);
  if (strategy.kind === "set") {
    const all = [...current, ...patch];
    if (all.some((element) => typeof element === "object" && element !== null)) throw contradiction("A list of scalars holds a list or an object.");
    const seen = new Set<string | undefined>();
    const merged = all.filter((element) => !seen.has(identity(element)) && seen.add(identity(element)));
    return orderList(merged, { wanted: patch.map(identity), before: current.map(identity), identity });
  }

  const { kept, elements, replaces } = applyElementDirectives(current, patch, identity);
  if (replaces) return withoutDirectives(elements, schema?.items);
  const merged: unknown[] = [...kept];
  const placeOf = new Map<string, number>();
  for (const [index, element] of merged.entries()) {
    const id = identity(element);
    if (id !== undefined && !placeOf.has(id)) placeOf.set(id, index);
  }
  for (const element of elements) {
    const id = requireIdentity(element, identity);
    const place = placeOf.get(id);
    const before = place === undefined ? {} : merged[place];
    const after = mergeObject(isJsonObject(before) ? before : {}, element, schema?.items);
    if (place !== undefined) merged[place] = after;
    else placeOf.set(id, merged.push(after) - 1);
  }
  return orderList(merged, { wanted: elements.map(identity), before: kept.map(identity), identity });
}

/** Takes out the patch elements that carry a `$patch`, and does what they say. */
function applyElementDirectives(current: readonly unknown[], patch: readonly unknown[], identity: (element: unknown) => string | undefined) {
  const elements: JsonObject[] = [];
  const deleted = new Set<string>();
  let replaces = false;
  for (const element of patch) {
    if (!isJsonObject(element)) throw contradiction("A list that merges by key holds something that is not an object.");
    const directive = ownValue(element, patchDirective);
    if (directive === undefined) elements.push(element);
    else if (directive === "delete") deleted.add(requireIdentity(element, identity));
    else if (directive === "replace") replaces = true;
    else throw malformed("`$patch` in a list element must be replace or delete.");
  }
  const kept = current.filter((element) => !deleted.has(identity(element) ?? ""));
  return { kept, elements, replaces };
}

function requireIdentity(element: unknown, identity: (element: unknown) => string | undefined): string {
  const id = identity(element);
  if (id === undefined) throw contradiction("An element of a list that merges by key does not have the key.");
  return id;
}

/** The current fields that `$retainKeys` leaves. */
function retained(current: JsonObject, patch: JsonObject): JsonObject {
  const keep = ownValue(patch, retainKeysDirective);
  if (keep === undefined) return current;
  if (!Array.isArray(keep) || keep.some((key) => typeof key !== "string")) throw malformed("`$retainKeys` must be a list of keys.");
  const keys = new Set<unknown>(keep);
  for (const [key, value] of Object.entries(patch)) {
    if (value !== null && !isDirective(key) && !keys.has(key)) throw malformed("`$retainKeys` must name every field that the patch sets.");
  }
  return Object.fromEntries(Object.entries(current).filter(([key]) => keys.has(key)));
}

function removeFromSets(result: JsonObject, patch: JsonObject, schema: Schema | undefined): void {
  for (const [key, values] of Object.entries(patch)) {
    if (!key.startsWith(deletePrefix)) continue;
    const field = key.slice(deletePrefix.length);
    if (!Array.isArray(values) || field === "") throw malformed("`$deleteFromPrimitiveList/<field>` must be a list of values.");
    const before = ownValue(result, field);
    if (!Array.isArray(before)) continue;
    if (listStrategy(childSchema(schema, field)).kind === "map") throw malformed("`$deleteFromPrimitiveList` is for lists of scalars.");
    const gone = new Set(values.map((value) => JSON.stringify(value)));
    setOwn(
      result,
      field,
      before.filter((value) => !gone.has(JSON.stringify(value))),
    );
  }
}

interface Reordering {
  readonly current: JsonObject;
  readonly patch: JsonObject;
  readonly schema: Schema | undefined;
}

function reorderLists(result: JsonObject, { current, patch, schema }: Reordering): void {
  for (const [key, order] of Object.entries(patch)) {
    if (!key.startsWith(orderPrefix)) continue;
    const field = key.slice(orderPrefix.length);
    if (!Array.isArray(order) || field === "") throw malformed("`$setElementOrder/<field>` must be a list.");
    const list = ownValue(result, field);
    if (!Array.isArray(list)) continue;
    const identity = identityOf(listStrategy(childSchema(schema, field)));
    const wanted = order.map(identity);
    checkOrder(ownValue(patch, field), wanted, identity);
    const before = ownValue(current, field);
    const after = orderList(list, { wanted, before: Array.isArray(before) ? before.map(identity) : [], identity });
    setOwn(result, field, deepEqual(before, after) ? before : after);
  }
}

/** The elements of the patch must stand in `$setElementOrder`, in the same order. */
function checkOrder(list: unknown, wanted: readonly (string | undefined)[], identity: (element: unknown) => string | undefined): void {
  if (!Array.isArray(list) || wanted.length === 0) return;
  let next = 0;
  for (const element of list) {
    if (isJsonObject(element) && Object.hasOwn(element, patchDirective)) continue;
    const id = identity(element);
    while (next < wanted.length && wanted[next] !== id) next++;
    if (next++ >= wanted.length) throw contradiction("The order of a list in the patch is not that of its `$setElementOrder`.");
  }
}

/** A list that replaces or is new: its elements as data, without directives and nulls in objects. */
function withoutDirectives(list: readonly unknown[], schema: Schema | undefined): unknown[] {
  return list
    .filter((element) => !isJsonObject(element) || !Object.hasOwn(element, patchDirective))
    .map((element) =>
      Array.isArray(element) ? withoutDirectives(element, schema?.items) : isJsonObject(element) ? mergeObject({}, element, schema) : element,
    );
}

function isDirective(key: string): boolean {
  return key === patchDirective || key === retainKeysDirective || key.startsWith(deletePrefix) || key.startsWith(orderPrefix);
}

function without(object: JsonObject, key: string): JsonObject {
  const { [key]: _, ...rest } = object;
  return rest;
}

/** Same keys with the very same values: then the old object can stand for the new one. */
function sameFields(a: JsonObject, b: JsonObject): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && a[key] === b[key]);
}

function malformed(message: string): PlatformError {
  return new PlatformError("TP_BAD_REQUEST", { message });
}

function contradiction(message: string): PlatformError {
  return new PlatformError("TP_INVALID", { message, causes: [{ field: "patch", reason: "FieldValueInvalid", message }] });
}
