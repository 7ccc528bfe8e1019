export { type Applied, type Apply, applyPatch } from "./apply-patch.ts";
export { type ManagedUpdate, updateManagedFields } from "./update-managed-fields.ts";
export { type ManagedFieldsEntry, sameManagedFields } from "./managed-fields.ts";
