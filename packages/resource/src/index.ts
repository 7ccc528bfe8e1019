export * from "./errors.ts";
export * from "./object.ts";
export * from "./objects.ts";
export { secretData, secretTexts } from "./secret-texts.ts";
export { lastAppliedAnnotation, mapSecretValues, markedDigest, secretDigests, secretMark } from "./secret-values.ts";
export * from "./status.ts";
export type { Schema, SchemaType } from "./schema.ts";
export * from "./json.ts";
export * from "./patch/index.ts";
export { applyPatch, sameManagedFields, updateManagedFields, type ManagedFieldsEntry } from "./apply/index.ts";
export * from "./selector/index.ts";
export * from "./names.ts";
export {
  ageColumn,
  conditionReason,
  conditionStatus,
  defineKind,
  kindWithSchema,
  WaitsFor,
  type Column,
  type CustomKind,
  type Kind,
  type KindReference,
  type KindTraits,
  type KindView,
  type ObjectOf,
  type ObjectWith,
  type ScalePaths,
  type TypedKind,
} from "./kind/define-kind.ts";
export { metadataSchema } from "./kind/object-schema.ts";
export { pruneAndDefault } from "./kind/prune.ts";
export { emptyShape, shapeObject } from "./kind/shape-object.ts";
export type { TypedShape } from "./kind/typed-shape.ts";
export { isCidr, isIpv4, isIpv6 } from "./kind/formats.ts";
export { findPattern, matchesPattern, patternProblem, patternStepsMax, type PatternBudget } from "./pattern.ts";
export { validateSchema } from "./kind/validate-object.ts";
export { addQuantities, compareQuantities, formatQuantity, parseQuantity, type Quantity } from "./quantity.ts";
export { fields, items } from "./loose.ts";
