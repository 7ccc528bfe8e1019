export { type LabelRequirement, type Selector, compileLabelSelector, parseLabelSelector, selectEverything, selectNothing } from "./label-selector.ts";
export { type FieldRequirement, type FieldSelector, parseFieldSelector } from "./field-selector.ts";
