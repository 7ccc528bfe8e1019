import { type Schema, withObjectMeta } from "../schema.ts";
import { type FieldSet, isEmpty } from "./field-set.ts";
import { type MergeType, elementType, isAtomicMap, isNamedField, listKind } from "./merge-type.ts";
import { type PathElement, fieldNameOf } from "./path-element.ts";

/**
 * The set with the fields that the schema names and that have something of the set below them. Somebody who owns
 * `spec.replicas` does not own `spec`; but when all that was theirs below `spec` goes, `spec` shall not stay as an empty husk.
 */
export function withNamedFields(set: FieldSet, schema?: Schema): FieldSet {
  return addNamedFields(set, withObjectMeta(schema));
}

function addNamedFields(set: FieldSet, type: MergeType): FieldSet {
  if (set.children.size === 0) return set;
  const members = new Set(set.members);
  const children = new Map<PathElement, FieldSet>();
  for (const [element, child] of set.children) {
    const name = fieldNameOf(element);
    if (name !== undefined && isNamedField(type, name)) members.add(element);
    children.set(element, addNamedFields(child, elementType(type, element)));
  }
  return { members, children };
}

/**
 * The set as it would be had the schema always been this one. Where a list or map has become atomic since, who owned
 * something in it owns all of it.
 */
export function adaptToSchema(set: FieldSet, schema?: Schema): FieldSet {
  return adapt(set, withObjectMeta(schema));
}

function adapt(set: FieldSet, type: MergeType): FieldSet {
  let members: Set<PathElement> | undefined;
  let children: Map<PathElement, FieldSet> | undefined;
  for (const [element, child] of set.children) {
    const childType = elementType(type, element);
    if (childType === undefined) continue;
    if (isAtomic(childType) && !isEmpty(child)) {
      members ??= new Set(set.members);
      members.add(element);
      children ??= new Map(set.children);
      children.delete(element);
      continue;
    }
    const adapted = adapt(child, childType);
    if (adapted === child) continue;
    children ??= new Map(set.children);
    children.set(element, adapted);
  }
  return members === undefined && children === undefined ? set : { members: members ?? set.members, children: children ?? set.children };
}

function isAtomic(type: Schema): boolean {
  if (type.type === "array") return listKind(type) === "atomic";
  return type.type === "object" && isAtomicMap(type);
}
