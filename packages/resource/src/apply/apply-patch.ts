// Server-side apply (K7, C2). What must always hold:
//   - A manager owns the fields it applied last, whoever else has the same values.
//   - A field that it does not apply any more goes, unless somebody else owns it.
//   - A field that another manager owns changes only by force, which takes it from that manager.
//   - The same configuration applied again changes nothing.
import { PlatformError } from "../errors.ts";
import { deepEqual, isJsonObject, ownValue } from "../json.ts";
import type { JsonObject } from "../object.ts";
import type { Schema } from "../schema.ts";
import { type Write, adaptOwners, changeOwners, compareForOwnership } from "./change-owners.ts";
import { ApplyConflicts, conflictError } from "./conflict.ts";
import { fieldSetOf } from "./field-set-of.ts";
import { type FieldSet, emptyFieldSet, has, isEmpty, sameFieldSet, union, withoutSubtrees } from "./field-set.ts";
import { fieldsAppliedClientSide, kubectlManager, withLastApplied } from "./last-applied.ts";
import {
  type ManagedFieldsEntry,
  type Owner,
  type Owners,
  decodeManagedFields,
  encodeManagedFields,
  ownerId,
  sameManagedFields,
  withoutUnowned,
} from "./managed-fields.ts";
import { mergeApplied } from "./merge.ts";
import { pruneUnapplied } from "./prune-unapplied.ts";
import { emptyObject, entriesOf, updateOwners, withoutManagedFields, writeOf } from "./update-managed-fields.ts";
import { checkMergeable } from "./validate-applied.ts";

export interface Apply {
  /** The object as stored; undefined when apply creates it. */
  readonly live: JsonObject | undefined;
  /** The configuration: what its author has an opinion on. Fields that the kind does not know should be pruned before. */
  readonly applied: unknown;
  /** Fields that the kind has whether anybody wrote them or not: nobody is taken for their owner. */
  readonly always?: JsonObject;
  /** Name of the field manager. */
  readonly manager: string;
  /** Takes fields that others own. */
  readonly force: boolean;
  readonly schema?: Schema;
  /** Group and version in which the object is stored. */
  readonly apiVersion: string;
  readonly nowRfc3339: string;
  /** For example `status`. Absent for the object itself. */
  readonly subresource?: string;
  /** Fields that this endpoint does not write; see `updateManagedFields`. */
  readonly resetFields?: FieldSet;
}

export interface Applied {
  /** The object with its new `metadata.managedFields`; `live` itself when nothing changed but times (K3). */
  readonly object: JsonObject;
  readonly managedFields: readonly ManagedFieldsEntry[];
}

/**
 * Merges an applied configuration into an object. Neither input is changed; what stays as it is is shared with `live`.
 * @throws PlatformError TP_APPLY_CONFLICT with a cause `FieldManagerConflict` for each field that another manager owns (the
 *   same apply fails again: force it, or leave the field out); TP_BAD_REQUEST or TP_INVALID when the configuration cannot be merged
 */
export function applyPatch(apply: Apply): Applied {
  const applied = checkedConfiguration(apply);
  const live = apply.live ?? emptyObject(applied);
  const write = writeOf(apply);
  const bare = withoutManagedFields(live);
  const request: Request = { live: bare, applied, owners: knownOwners(apply, bare, write), force: apply.force };

  const outcome = applyOrTakeOver(request, write);
  const object = apply.manager === kubectlManager ? withLastApplied(outcome.object, applied) : outcome.object;
  const owners = stamped(outcome, write, !deepEqual(object, bare));
  // When nobody owns anything any more, the next apply would record what is left; doing it now keeps that apply without effect.
  const managedFields = encodeManagedFields(owners.size > 0 ? owners : beforeFirstApply(apply, object, write));
  if (apply.live !== undefined && deepEqual(object, bare) && sameManagedFields(entriesOf(live), managedFields)) {
    return { object: apply.live, managedFields: entriesOf(live) as readonly ManagedFieldsEntry[] };
  }
  return { object: withManagedFields(object, managedFields), managedFields };
}

interface Request {
  readonly live: JsonObject;
  readonly applied: JsonObject;
  readonly owners: Owners;
  readonly force: boolean;
}

interface Outcome {
  readonly object: JsonObject;
  readonly owners: Map<string, Owner>;
  readonly applierId: string;
  /** What the applier owned before. */
  readonly last: FieldSet;
}

function checkedConfiguration({ live, applied, apiVersion, schema }: Apply): JsonObject {
  if (!isJsonObject(applied)) throw new PlatformError("TP_BAD_REQUEST", { message: "An applied configuration must be an object." });
  if (ownValue(applied, "apiVersion") !== apiVersion) {
    throw new PlatformError("TP_BAD_REQUEST", {
      message: `Incorrect version specified in apply patch. Specified patch version: ${String(ownValue(applied, "apiVersion") ?? "")}, expected: ${apiVersion}`,
    });
  }
  if (live !== undefined && ownValue(applied, "kind") !== ownValue(live, "kind")) {
    throw new PlatformError("TP_BAD_REQUEST", {
      message: `invalid object type: ${String(ownValue(applied, "kind"))}, expected: ${String(ownValue(live, "kind"))}`,
    });
  }
  const managed = entriesOf(applied);
  if (managed !== undefined && managed !== null) throw new PlatformError("TP_BAD_REQUEST", { message: "metadata.managedFields must be nil" });
  checkMergeable(applied, schema);
  return applied;
}

/** Who owned fields before this apply. */
function knownOwners(apply: Apply, bare: JsonObject, write: Write): Owners {
  const owners = decodeManagedFields(apply.live === undefined ? undefined : entriesOf(apply.live));
  return owners !== undefined && owners.size > 0 ? owners : beforeFirstApply(apply, bare, write);
}

/** Fields that are there and were never recorded get an owner of that name, so that they are not taken without a word. */
function beforeFirstApply({ always }: Apply, bare: JsonObject, write: Write): Owners {
  const there = withoutEmptyMetadata(bare);
  return updateOwners(new Map(), compareForOwnership({ ...always, ...emptyObject(there) }, there, write), { ...write, manager: "before-first-apply" });
}

/** What is empty in metadata is not stored, so nobody shall be recorded as its owner. */
function withoutEmptyMetadata(object: JsonObject): JsonObject {
  const metadata = ownValue(object, "metadata");
  if (!isJsonObject(metadata)) return object;
  const filled = Object.entries(metadata).filter(([, value]) => typeof value !== "object" || value === null || Object.keys(value).length > 0);
  return { ...object, metadata: Object.fromEntries(filled) };
}

/** Applies; what conflicts only with kubectl's own client-side apply is taken over. */
function applyOrTakeOver(request: Request, write: Write): Outcome {
  try {
    return applyTo(request, write);
  } catch (thrown) {
    if (!(thrown instanceof ApplyConflicts)) throw thrown;
    const ours = write.manager === kubectlManager ? fieldsAppliedClientSide(request.live, write.apiVersion, write.schema) : undefined;
    const left = ours === undefined ? thrown.conflicts : thrown.conflicts.filter(({ path }) => !has(ours, path));
    if (left.length === 0) return applyTo({ ...request, force: true }, write);
    throw conflictError(left);
  }
}

/** @throws ApplyConflicts */
function applyTo({ live, applied, owners: recorded, force }: Request, write: Write): Outcome {
  const { schema, resetFields } = write;
  const owners = adaptOwners(recorded, schema);
  const applier = {
    manager: write.manager === "" ? "unknown" : write.manager,
    operation: "Apply",
    apiVersion: write.apiVersion,
    subresource: write.subresource,
  } as const;
  const applierId = ownerId(applier);
  const before = owners.get(applierId);
  const last = before?.set ?? emptyFieldSet;
  const now = withoutSubtrees(fieldSetOf(applied, schema), resetFields);
  owners.delete(applierId);
  const others = [...owners.values()].reduce((all, owner) => union(all, owner.set), emptyFieldSet);
  owners.set(applierId, { ...applier, time: before?.time, set: now });

  const merged = mergeApplied(live, applied, schema);
  const pruned = pruneUnapplied(merged, { last, now, others }, schema);
  // An empty list is nobody's field, so pruning takes it along; merged again it is there at once, not only after the next apply.
  const object = pruned === merged ? merged : mergeApplied(pruned, applied, schema);
  const changed = compareForOwnership(live, object, write);
  const result = changeOwners({ changed, owners, writerId: applierId, force });
  const own = result.get(applierId);
  const set = own === undefined ? emptyFieldSet : withoutUnowned(own.set);
  if (own === undefined || isEmpty(set)) result.delete(applierId);
  else result.set(applierId, { ...own, set });
  return { object, owners: result, applierId, last };
}

/** The applier's entry gets the time of this apply when the apply changed the object or what it owns. */
function stamped({ owners, applierId, last }: Outcome, write: Write, objectChanged: boolean): Owners {
  const own = owners.get(applierId);
  if (own === undefined || (!objectChanged && own.time !== undefined && sameFieldSet(own.set, last))) return owners;
  return new Map(owners).set(applierId, { ...own, time: write.nowRfc3339 });
}

function withManagedFields(object: JsonObject, managedFields: readonly ManagedFieldsEntry[]): JsonObject {
  const metadata = ownValue(object, "metadata");
  return { ...object, metadata: { ...(isJsonObject(metadata) ? metadata : {}), ...(managedFields.length === 0 ? {} : { managedFields }) } };
}
