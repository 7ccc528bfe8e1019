import { isJsonObject, ownValue } from "../json.ts";
import { type Schema, childSchema } from "../schema.ts";
import { type PathElement, fieldNameOf, keyElement, valueElement } from "./path-element.ts";

/**
 * How a value takes part in apply. It is the value's schema; undefined where the schema says nothing (unknown fields,
 * kinds without a schema): then the shape is deduced from the value: objects merge, lists are one value.
 */
export type MergeType = Schema | undefined;

export type Shape = "map" | "list" | "scalar";

/** Shape of a value; `null` takes the shape of its type. */
export function shapeOf(value: unknown, type: MergeType): Shape {
  if (Array.isArray(value)) return "list";
  if (value !== null) return typeof value === "object" ? "map" : "scalar";
  if (type?.type === undefined || type.type === "object") return "map";
  return type.type === "array" ? "list" : "scalar";
}

/** An atomic map has one owner, like a scalar. */
export function isAtomicMap(type: MergeType): boolean {
  return type?.["x-kubernetes-map-type"] === "atomic";
}

export type ListKind = "atomic" | "set" | "map";

/** The list type, else what the patch strategy implies, else atomic. */
export function listKind(type: MergeType): ListKind {
  const declared = type?.["x-kubernetes-list-type"];
  if (declared !== undefined) return declared;
  if (type?.["x-kubernetes-patch-strategy"]?.split(",").includes("merge") !== true) return "atomic";
  return type["x-kubernetes-patch-merge-key"] === undefined ? "set" : "map";
}

function listKeys(type: MergeType): readonly string[] {
  const mergeKey = type?.["x-kubernetes-patch-merge-key"];
  return type?.["x-kubernetes-list-map-keys"] ?? (mergeKey === undefined ? [] : [mergeKey]);
}

/** Whether the schema names the field, as opposed to a key of a map. */
export function isNamedField(type: MergeType, name: string): boolean {
  return type?.properties !== undefined && Object.hasOwn(type.properties, name);
}

export function fieldType(type: MergeType, name: string): MergeType {
  return childSchema(type, name);
}

export function itemType(type: MergeType): MergeType {
  return type?.items;
}

/** Type of what an element of a path leads to. */
export function elementType(type: MergeType, element: PathElement): MergeType {
  const name = fieldNameOf(element);
  return name === undefined ? itemType(type) : fieldType(type, name);
}

/** The identity of each element of a `set` or `map` list; undefined when one has none, and the list can only be taken as a whole. */
export function listElements(list: readonly unknown[], type: MergeType): PathElement[] | undefined {
  const elements: PathElement[] = [];
  const identify = listKind(type) === "map" ? keyedElement : setElement;
  for (const item of list) {
    const element = identify(item, type);
    if (element === undefined) return undefined;
    elements.push(element);
  }
  return elements;
}

/** A key that is left out takes its default; without one it is not part of the identity. */
export function keyedElement(item: unknown, type: MergeType): PathElement | undefined {
  if (!isJsonObject(item)) return undefined;
  const keys: Record<string, unknown> = {};
  for (const key of listKeys(type)) {
    const value = ownValue(item, key) ?? type?.items?.properties?.[key]?.default;
    if (value !== undefined) keys[key] = value;
  }
  return Object.keys(keys).length === 0 ? undefined : keyElement(keys);
}

export function setElement(item: unknown): PathElement | undefined {
  return typeof item === "object" ? undefined : valueElement(item);
}
