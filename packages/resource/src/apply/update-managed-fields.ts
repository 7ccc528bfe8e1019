import { isJsonObject, ownValue } from "../json.ts";
import type { JsonObject } from "../object.ts";
import type { Schema } from "../schema.ts";
import { type Write, adaptOwners, changeOwners, compareForOwnership, resetFieldsOf } from "./change-owners.ts";
import { createdFieldsV1 } from "./created-fields.ts";
import { type Comparison, isSame } from "./compare.ts";
import { type FieldSet, isEmpty, union } from "./field-set.ts";
import {
  type ManagedFieldsEntry,
  type Owner,
  type Owners,
  capUpdateOwners,
  decodeManagedFields,
  encodeManagedFields,
  ownerId,
  withoutUnowned,
} from "./managed-fields.ts";

export interface ManagedUpdate {
  /** The object as stored; undefined on create. */
  readonly live: JsonObject | undefined;
  /** Fields that the kind has whether anybody wrote them or not: on create, who leaves them as they are does not own them. */
  readonly always?: JsonObject;
  /** The object as it will be stored. Its `managedFields` are those that the client sent, if any: with them a client may change or clear ownership. */
  readonly updated: JsonObject;
  readonly manager: string;
  readonly operation: "Update";
  readonly apiVersion: string;
  readonly schema?: Schema;
  readonly nowRfc3339: string;
  /** For example `status`. Absent for the object itself. */
  readonly subresource?: string;
  /** Fields that this endpoint does not write. Absent: `status` for the object itself where the schema has it, all but status and metadata for `status`. */
  readonly resetFields?: FieldSet;
}

/**
 * The new `metadata.managedFields` after create, PUT or a patch other than apply: the writer owns what the write changed, and
 * nobody else does any more. The same entries come back when nothing changed (K3).
 */
export function updateManagedFields(update: ManagedUpdate): readonly ManagedFieldsEntry[] {
  const sent = entriesOf(update.updated);
  if (update.live === undefined && (sent === undefined || sent === null) && update.subresource === undefined && update.resetFields === undefined)
    return creatorAlone(update);
  const live = update.live ?? { ...update.always, ...emptyObject(update.updated) };
  const liveEntries = entriesOf(live);
  const owners = decodeOwners(liveEntries, entriesOf(update.updated), update.subresource);
  const write = writeOf(update);
  const changed = compareForOwnership(withoutManagedFields(live), withoutManagedFields(update.updated), write);
  if (owners === undefined && isSame(changed)) return (liveEntries ?? []) as readonly ManagedFieldsEntry[];
  const current = owners ?? decodeManagedFields(liveEntries) ?? new Map<string, Owner>();
  // As in Kubernetes: an object that nobody's fields are recorded of stays so until somebody applies.
  if (current.size === 0 && update.live !== undefined) return [];
  return encodeManagedFields(updateOwners(current, changed, write));
}

/** Nearly every create: nobody else is there. */
function creatorAlone({ updated, always, manager, apiVersion, schema, nowRfc3339 }: ManagedUpdate): readonly ManagedFieldsEntry[] {
  const fieldsV1 = createdFieldsV1(updated, always, schema);
  if (Object.keys(fieldsV1).length === 0) return [];
  return [{ manager: manager === "" ? "unknown" : manager, operation: "Update", apiVersion, time: nowRfc3339, fieldsType: "FieldsV1", fieldsV1 }];
}

/** Owners that the client sent; undefined where it left those of the live object. */
function decodeOwners(live: unknown, sent: unknown, subresource: string | undefined): Owners | undefined {
  if (subresource !== undefined || sent === live) return undefined;
  if (Array.isArray(sent) && (sent.length === 0 || (sent.length === 1 && isJsonObject(sent[0]) && Object.keys(sent[0]).length === 0))) return new Map();
  const owners = decodeManagedFields(sent);
  return owners === undefined || owners.size === 0 ? undefined : owners;
}

/** What the writer changed goes to it, in addition to what it had. */
export function updateOwners(owners: Owners, changed: Comparison, write: Write): Owners {
  const others = changeOwners({ changed, owners: adaptOwners(owners, write.schema), writerId: "", force: true });
  const written = withoutUnowned(union(changed.modified, changed.added));
  if (!isEmpty(written)) {
    const writer = {
      manager: write.manager === "" ? "unknown" : write.manager,
      operation: "Update",
      apiVersion: write.apiVersion,
      subresource: write.subresource,
    } as const;
    const id = ownerId(writer);
    const earlier = others.get(id);
    others.set(id, { ...writer, time: write.nowRfc3339, set: earlier === undefined ? written : union(written, earlier.set) });
  }
  return capUpdateOwners(others);
}

export function writeOf({
  manager,
  apiVersion,
  schema,
  nowRfc3339,
  subresource = "",
  resetFields,
}: Omit<ManagedUpdate, "live" | "updated" | "operation">): Write {
  return { manager, apiVersion, schema, nowRfc3339, subresource, resetFields: resetFields ?? resetFieldsOf(subresource, schema) };
}

export function entriesOf(object: JsonObject): unknown {
  const metadata = ownValue(object, "metadata");
  return isJsonObject(metadata) ? ownValue(metadata, "managedFields") : undefined;
}

export function withoutManagedFields(object: JsonObject): JsonObject {
  const metadata = ownValue(object, "metadata");
  if (!isJsonObject(metadata) || !Object.hasOwn(metadata, "managedFields")) return object;
  const { managedFields: _, ...rest } = metadata;
  return { ...object, metadata: rest };
}

/** Before it is created an object is nothing but its kind. */
export function emptyObject({ apiVersion, kind }: JsonObject): JsonObject {
  return { apiVersion, kind };
}
