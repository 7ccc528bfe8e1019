import { isJsonObject, ownValue, setOwn } from "../json.ts";
import type { JsonObject } from "../object.ts";
import { type FieldSet, emptyFieldSet, isEmpty } from "./field-set.ts";
import { normalizeElement } from "./path-element.ts";

/** The key that says that a node with fields below it is in the set itself. */
export const self = ".";

/** The set as it stands in `managedFields[].fieldsV1`; keys are sorted, so equal sets print the same. */
export function encodeFieldsV1(set: FieldSet): JsonObject {
  const fields: JsonObject = {};
  for (const element of [...new Set([...set.members, ...set.children.keys()])].toSorted()) {
    const child = set.children.get(element);
    if (child === undefined) setOwn(fields, element, {});
    else if (!isEmpty(child)) setOwn(fields, element, set.members.has(element) ? { [self]: {}, ...encodeFieldsV1(child) } : encodeFieldsV1(child));
    else if (set.members.has(element)) setOwn(fields, element, {});
  }
  return fields;
}

/** Reads a set, of any server. Elements of a form that we do not know own nothing, as Kubernetes has it. */
export function decodeFieldsV1(fields: unknown): FieldSet {
  return readNode(fields).below ?? emptyFieldSet;
}

/** `below` is undefined when nothing is below; then the node itself is a path of the set. */
function readNode(fields: unknown): { readonly isMember: boolean; readonly below: FieldSet | undefined } {
  if (!isJsonObject(fields)) return { isMember: true, below: undefined };
  const members = new Set<string>();
  const children = new Map<string, FieldSet>();
  for (const key of Object.keys(fields)) {
    const element = key === self ? undefined : normalizeElement(key);
    if (element === undefined) continue;
    const node = readNode(ownValue(fields, key));
    if (node.isMember) members.add(element);
    if (node.below !== undefined) children.set(element, node.below);
  }
  if (members.size === 0 && children.size === 0) return { isMember: true, below: undefined };
  return { isMember: Object.hasOwn(fields, self), below: { members, children } };
}
