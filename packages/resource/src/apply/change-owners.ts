import type { JsonObject } from "../object.ts";
import type { Schema } from "../schema.ts";
import { type Comparison, compare, ignoring } from "./compare.ts";
import { ApplyConflicts, type Conflict } from "./conflict.ts";
import { type FieldSet, difference, fieldSet, intersection, isEmpty, paths, union } from "./field-set.ts";
import { adaptToSchema } from "./adapt-field-set.ts";
import type { Owner, Owners } from "./managed-fields.ts";
import { fieldElement } from "./path-element.ts";

/** What one write is, as far as ownership goes. */
export interface Write {
  /** Name of the field manager. */
  readonly manager: string;
  readonly apiVersion: string;
  /** "" for the object itself. */
  readonly subresource: string;
  readonly schema: Schema | undefined;
  /** Fields that the endpoint does not write, whatever is sent; see {@link resetFieldsOf}. */
  readonly resetFields: FieldSet;
  /** RFC 3339, whole seconds. */
  readonly nowRfc3339: string;
}

/** The main endpoint does not write `status`, and `/status` writes nothing but that (K2). */
export function resetFieldsOf(subresource: string, schema: Schema | undefined): FieldSet {
  const fields = Object.keys(schema?.properties ?? {});
  const reset =
    subresource === "status"
      ? ["metadata", ...fields.filter((name) => !["apiVersion", "kind", "metadata", "status"].includes(name))]
      : fields.includes("status")
        ? ["status"]
        : [];
  return fieldSet(reset.map((name) => [fieldElement(name)]));
}

/** Owners under the schema of today. */
export function adaptOwners(owners: Owners, schema: Schema | undefined): Map<string, Owner> {
  return new Map([...owners].map(([id, owner]) => [id, { ...owner, set: adaptToSchema(owner.set, schema) }]));
}

/** What a write changes of the fields that its endpoint writes. */
export function compareForOwnership(before: JsonObject, after: JsonObject, write: Pick<Write, "schema" | "resetFields">): Comparison {
  return ignoring(compare(before, after, write.schema), write.resetFields);
}

export interface OwnersChange {
  /** What the write changes, see {@link compareForOwnership}. */
  readonly changed: Comparison;
  readonly owners: Owners;
  /** Who writes: loses nothing. */
  readonly writerId: string;
  /** Takes what others own; without it that is a conflict. */
  readonly force: boolean;
}

/**
 * Takes from the other owners what a write changes or removes. Owners that are left with nothing go.
 * @throws ApplyConflicts when others own what is changed, and `force` is not set
 */
export function changeOwners({ changed, owners, writerId, force }: OwnersChange): Map<string, Owner> {
  const written = union(changed.modified, changed.added);
  const result = new Map<string, Owner>();
  const conflicts: Conflict[] = [];
  for (const [id, owner] of owners) {
    if (id === writerId) {
      result.set(id, owner);
      continue;
    }
    const lost = intersection(owner.set, written);
    for (const path of paths(lost)) conflicts.push({ owner, path });
    const set = difference(difference(owner.set, lost), changed.removed);
    if (!isEmpty(set)) result.set(id, { ...owner, set });
  }
  if (conflicts.length > 0 && !force) throw new ApplyConflicts(conflicts);
  return result;
}
