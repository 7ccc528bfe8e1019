import type { JsonObject } from "../object.ts";
import type { Schema } from "../schema.ts";
import { withNamedFields } from "./adapt-field-set.ts";
import { fieldSetOf } from "./field-set-of.ts";
import { type FieldSet, difference, intersection, isSubset, union } from "./field-set.ts";
import { removeFields } from "./remove-fields.ts";

export interface Unapplied {
  /** What the manager applied the last time. */
  readonly last: FieldSet;
  /** What it applies now. */
  readonly now: FieldSet;
  /** What all others own. */
  readonly others: FieldSet;
}

/**
 * Removes what the manager applied before and does not apply any more, save what somebody else owns, and what is below it
 * that nobody applied (a field that a controller put into an element of ours keeps the element).
 */
export function pruneUnapplied(merged: JsonObject, { last, now, others }: Unapplied, schema?: Schema): JsonObject {
  if (isSubset(last, now)) return merged;
  const named = (set: FieldSet) => withNamedFields(set, schema);
  const mergedSet = named(fieldSetOf(merged, schema));
  const kept = union(now, others);

  // First everything that was ours goes, with all that is below it …
  const bare = removeFields(merged, named(last), schema);
  // … then what somebody owns comes back …
  const owned = removeFields(merged, difference(mergedSet, union(named(fieldSetOf(bare, schema)), named(kept))), schema);
  // … and what only hung below it stays. A list that is left empty goes, unless somebody owns the list itself.
  const gone = difference(difference(mergedSet, named(fieldSetOf(owned, schema))), kept);
  return removeFields(merged, intersection(gone, named(last)), schema);
}
