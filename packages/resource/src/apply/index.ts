export { type Applied, type Apply, applyPatch } from "./apply-patch.ts";
export { type ManagedUpdate, updateManagedFields } from "./update-managed-fields.ts";
export { resetFieldsOf } from "./change-owners.ts";
export { type ManagedFieldsEntry } from "./managed-fields.ts";
export { type Comparison, compare } from "./compare.ts";
export { fieldSetOf } from "./field-set-of.ts";
export { type FieldSet, difference, emptyFieldSet, fieldSet, has, intersection, isEmpty, paths, sameFieldSet, union, withoutSubtrees } from "./field-set.ts";
export { decodeFieldsV1, encodeFieldsV1 } from "./fields-v1.ts";
export { type PathElement, printPath } from "./path-element.ts";
