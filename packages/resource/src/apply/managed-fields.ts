import { deepEqual, isJsonObject, ownValue } from "../json.ts";
import type { JsonObject } from "../object.ts";
import { type FieldSet, difference, fieldSet, isEmpty, union } from "./field-set.ts";
import { decodeFieldsV1, encodeFieldsV1 } from "./fields-v1.ts";
import { fieldElement } from "./path-element.ts";

/** One element of `metadata.managedFields`, as it travels. */
export interface ManagedFieldsEntry {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  /** RFC 3339, whole seconds. */
  readonly time?: string;
  readonly fieldsType: "FieldsV1";
  readonly fieldsV1: JsonObject;
  readonly subresource?: string;
}

/** Somebody who owns fields. */
export interface Owner {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string | undefined;
  readonly set: FieldSet;
}

/** Owners by identity, see {@link ownerId}. */
export type Owners = ReadonlyMap<string, Owner>;

/** Who applies is known by name and subresource; who updates, also by the version it wrote in. */
export function ownerId({ manager, operation, apiVersion, subresource }: Pick<Owner, "manager" | "operation" | "apiVersion" | "subresource">): string {
  return JSON.stringify([operation, manager, subresource, operation === "Apply" ? "" : apiVersion]);
}

/** Reads `metadata.managedFields`; undefined when it is not a list of well-formed entries. */
export function decodeManagedFields(entries: unknown): Owners | undefined {
  if (entries === undefined || entries === null) return new Map();
  if (!Array.isArray(entries)) return undefined;
  const owners = new Map<string, Owner>();
  for (const entry of entries as unknown[]) {
    if (!isJsonObject(entry)) return undefined;
    const { manager = "", operation, apiVersion, subresource = "", time, fieldsType } = entry;
    if ((operation !== "Apply" && operation !== "Update") || fieldsType !== "FieldsV1") return undefined;
    if (typeof manager !== "string" || typeof apiVersion !== "string" || apiVersion === "" || typeof subresource !== "string") return undefined;
    const owner = {
      manager,
      operation,
      apiVersion,
      subresource,
      time: typeof time === "string" ? time : undefined,
      set: decodeFieldsV1(ownValue(entry, "fieldsV1") ?? {}),
    } as const;
    owners.set(ownerId(owner), owner);
  }
  return owners;
}

/** The entries in Kubernetes' order: who applied first, then by time and name. Owners of nothing are left out. */
export function encodeManagedFields(owners: Owners): ManagedFieldsEntry[] {
  return [...owners.values()]
    .filter((owner) => !isEmpty(owner.set))
    .toSorted(
      (a, b) =>
        order(a.operation, b.operation) ||
        seconds(a) - seconds(b) ||
        order(a.manager, b.manager) ||
        order(a.apiVersion, b.apiVersion) ||
        order(a.subresource, b.subresource),
    )
    .map(({ manager, operation, apiVersion, subresource, time, set }) => ({
      manager,
      operation,
      apiVersion,
      ...(time === undefined ? {} : { time }),
      fieldsType: "FieldsV1",
      fieldsV1: encodeFieldsV1(set),
      ...(subresource === "" ? {} : { subresource }),
    }));
}

/** Whether two lists of entries say the same, times aside (K3). */
export function sameManagedFields(a: unknown, b: readonly ManagedFieldsEntry[]): boolean {
  if (!Array.isArray(a)) return b.length === 0;
  return deepEqual(a.map(withoutTime), b.map(withoutTime));
}

function withoutTime(entry: unknown): unknown {
  return isJsonObject(entry) ? { ...entry, time: undefined } : entry;
}

/** Entries of updates that are kept for one object (K7); Kubernetes' number. */
export const updateOwnersMax = 10;

/** Who owns what the oldest updates wrote. */
const ancientManager = "ancient-changes";

/** Merges the oldest updates of each version into one owner until no more than {@link updateOwnersMax} are left. */
export function capUpdateOwners(owners: Owners): Owners {
  const updates = [...owners].filter(([, owner]) => owner.operation === "Update");
  if (updates.length <= updateOwnersMax) return owners;
  updates.sort(([idA, a], [idB, b]) => seconds(a) - seconds(b) || order(idA, idB));

  const result = new Map(owners);
  const firstOfVersion = new Map<string, Owner>();
  let left = updates.length;
  for (const [id, owner] of updates) {
    if (left <= updateOwnersMax) break;
    const bucket = { manager: ancientManager, operation: "Update", apiVersion: owner.apiVersion, subresource: "" } as const;
    const bucketId = ownerId(bucket);
    if (id === bucketId) continue;
    const earlier = result.get(bucketId) ?? firstOfVersion.get(owner.apiVersion);
    if (earlier === undefined) {
      firstOfVersion.set(owner.apiVersion, owner);
      continue;
    }
    result.delete(id);
    result.delete(ownerId(earlier));
    result.set(bucketId, { ...bucket, time: owner.time, set: union(owner.set, earlier.set) });
    left--;
  }
  return result;
}

/** Of metadata, see {@link withoutUnowned}. */
export const unownedMetadata: ReadonlySet<string> = new Set([
  "name",
  "namespace",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "selfLink",
  "uid",
  "clusterName",
  "generation",
  "managedFields",
  "resourceVersion",
]);

/** Fields that identify the object or that the server writes: nobody owns them. */
const unowned = fieldSet([
  ...["apiVersion", "kind", "metadata"].map((name) => [fieldElement(name)]),
  ...[...unownedMetadata].map((name) => [fieldElement("metadata"), fieldElement(name)]),
]);

export function withoutUnowned(set: FieldSet): FieldSet {
  return difference(set, unowned);
}

function seconds({ time }: Owner): number {
  const ms = time === undefined ? 0 : Date.parse(time);
  return Number.isNaN(ms) ? 0 : Math.floor(ms / 1000);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
