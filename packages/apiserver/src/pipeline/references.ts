import { WaitsFor, deepEqual, type ErrorCause, type Kind, type KindReference, type KubeObject } from "@threeport/resource";
import { blobKind, formatKey, workKey, type Guard, type ObjectKey, type ReferenceRow } from "@threeport/store";
import type { Registry } from "../registry.ts";
import { markedIn } from "./documents.ts";

/** Queue of the garbage collector; keys are whole keys of objects. */
export const gcQueue = "$gc";
/** Path of the reference row that ties an object to each of its owners. */
export const ownerPath = "$owner";
/** Path of the row that wakes a referenced object whose state depends on its users. */
const userPath = "$user";
/** Path of the row that keeps a secret value which stands in the object as a mark; behind it stands the value's digest. */
const valuePath = "$value";
/** Path of the row that tells the collector of an owner in foreground deletion that this object is gone. */
const blockPath = "$block";
/** Path of the row that wakes an owner when this object changes; behind it stands the owner's uid, since an object may have several. */
const controllerPath = "$controller";

/** Which kinds have a reconciler: only their keys become work. */
export type Controlled = (resource: string) => boolean;

/** Everything that an object's body refers to: declared paths, owners, and their interest in it. */
export function referencesOf(registry: Registry, kind: Kind, object: KubeObject, controlled: Controlled): ReferenceRow[] {
  const self: ObjectKey = { kind: kind.resource, namespace: object.metadata.namespace ?? "", name: object.metadata.name };
  const rows: ReferenceRow[] = [];
  for (const { target, path, waitsFor, wakesTarget } of declaredReferences(kind, object)) {
    if (wakesTarget && controlled(target.kind)) {
      rows.push({
        path: `${userPath}:${path}`,
        target: self,
        waitsFor: WaitsFor.Existence | WaitsFor.Readiness | WaitsFor.Generation,
        wakerQueue: target.kind,
        wakerKey: workKey(target.namespace, target.name),
      });
    }
    rows.push({ path, target, waitsFor: controlled(kind.resource) ? waitsFor : 0, wakerQueue: kind.resource, wakerKey: workKey(self.namespace, self.name) });
  }
  for (const digest of markedIn(kind, object)) {
    const target = { kind: blobKind, namespace: "", name: digest };
    rows.push({ path: `${valuePath}:${digest}`, target, waitsFor: 0, wakerQueue: kind.resource, wakerKey: workKey(self.namespace, self.name) });
  }
  for (const owner of object.metadata.ownerReferences ?? []) {
    const ownerKind = registry.byKind(owner.apiVersion, owner.kind);
    if (ownerKind === undefined) continue;
    const target = { kind: ownerKind.resource, namespace: ownerKind.namespaced ? self.namespace : "", name: owner.name };
    if (owner.blockOwnerDeletion === true)
      rows.push({ path: `${blockPath}:${owner.uid}`, target: self, waitsFor: WaitsFor.Existence, wakerQueue: gcQueue, wakerKey: formatKey(target) });
    rows.push({ path: ownerPath, target, waitsFor: WaitsFor.Existence, wakerQueue: gcQueue, wakerKey: formatKey(self) });
    if (controlled(ownerKind.resource)) {
      rows.push({
        path: `${controllerPath}:${owner.uid}`,
        target: self,
        waitsFor: WaitsFor.Existence | WaitsFor.Readiness | WaitsFor.Outputs,
        wakerQueue: ownerKind.resource,
        wakerKey: workKey(target.namespace, owner.name),
      });
    }
  }
  return rows;
}

export interface Declared {
  readonly declaration: KindReference;
  readonly path: string;
  readonly target: ObjectKey;
  readonly waitsFor: number;
  readonly mustExist: boolean;
  readonly wakesTarget: boolean;
}

/** Rows by which an object wakes others when it changes itself. They go with it, so its removal wakes these others directly. */
export function wakesOthers(row: ReferenceRow): boolean {
  return [controllerPath, blockPath, userPath].some((path) => row.path.startsWith(path));
}

/** References at the paths that the kind names. Empty names refer to nothing. */
export function declaredReferences(kind: Kind, object: KubeObject): Declared[] {
  const found: Declared[] = [];
  for (const reference of kind.references) {
    for (const { value, path, parent } of valuesAt(object, reference.path)) {
      if (typeof value !== "string" || value === "") continue;
      let namespace = "";
      if (reference.namespace === "same") namespace = object.metadata.namespace ?? "";
      else if (reference.namespace !== "cluster") namespace = String((parent as Record<string, unknown>)[reference.namespace.path] ?? "");
      const resource = reference.to.group === "" ? reference.to.resource : `${reference.to.resource}.${reference.to.group}`;
      found.push({
        declaration: reference,
        path,
        target: { kind: resource, namespace, name: value },
        waitsFor: reference.waitsFor,
        mustExist: reference.mustExist === true,
        wakesTarget: reference.wakesTarget === true,
      });
    }
  }
  return found;
}

/** Names of all forms fit; kinds with longer ones do not exist. Longer text would not even fit into an index. */
const nameLengthMax = 253;
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const neverInNames = /[\u0000-\u001f\u007f/|]/;

/**
 * References to what can be no name: they could only be refused by the database, together with writes of others. And
 * references into another namespace (P2): there is no way yet to say in that namespace who may.
 */
export function referenceCauses(kind: Kind, object: KubeObject): ErrorCause[] {
  const named = declaredReferences(kind, object).flatMap(({ path, target }) => [
    { field: path, name: target.name },
    { field: path, name: target.namespace },
  ]);
  const owners = Array.isArray(object.metadata.ownerReferences) ? object.metadata.ownerReferences : [];
  owners.forEach((owner, index) => named.push({ field: `metadata.ownerReferences[${index}].name`, name: String(owner?.name ?? "") }));
  const abroad = !kind.namespaced
    ? []
    : declaredReferences(kind, object)
        .filter(({ target }) => target.namespace !== "" && target.namespace !== object.metadata.namespace)
        .map(({ path }) => ({ field: path, reason: "FieldValueForbidden", message: "Forbidden: must not refer to an object in another namespace" }));
  const misnamed = named
    .filter(({ name }) => name.length > nameLengthMax || neverInNames.test(name))
    .map(({ field, name }) => ({
      field,
      reason: "FieldValueInvalid",
      message: `Invalid value: ${JSON.stringify(name.slice(0, 50))}: must be the name of an object: at most ${nameLengthMax} characters, without '/', '|' and control characters`,
    }));
  return [...misnamed, ...abroad];
}

/** K6 for references that this write adds: the target is not under deletion and, where the kind says so, exists. Blobs are no objects. */
export function referenceGuards(kind: Kind, object: KubeObject, old: KubeObject | undefined): { guard: Guard; path: string }[] {
  const before = old === undefined ? [] : declaredReferences(kind, old);
  return declaredReferences(kind, object)
    .filter((reference) => !reference.target.kind.startsWith("$") && !before.some((known) => deepEqual(known.target, reference.target)))
    .map((reference) => ({ guard: { target: reference.target, mustExist: reference.mustExist }, path: reference.path }));
}

function valuesAt(object: unknown, path: string): { value: unknown; path: string; parent: unknown }[] {
  let current: { value: unknown; path: string; parent: unknown }[] = [{ value: object, path: "", parent: undefined }];
  for (const segment of path.split(".")) {
    const list = segment.endsWith("[*]");
    const name = list ? segment.slice(0, -3) : segment;
    current = current.flatMap(({ value, path: at }) => {
      if (typeof value !== "object" || value === null) return [];
      const child = (value as Record<string, unknown>)[name];
      const here = at === "" ? name : `${at}.${name}`;
      if (!list) return [{ value: child, path: here, parent: value }];
      if (Array.isArray(child)) return child.map((item: unknown, index) => ({ value: item, path: `${here}[${index}]`, parent: value }));
      if (typeof child !== "object" || child === null) return [];
      return Object.entries(child).map(([key, item]) => ({ value: item as unknown, path: `${here}.${key}`, parent: value }));
    });
  }
  return current;
}

/** What others could wait for that differs between two states of an object (S5). `undefined` stands for "not there". */
export function changesBetween(kind: Kind, old: KubeObject | undefined, now: KubeObject | undefined): number {
  if (old === undefined || now === undefined) return WaitsFor.Existence | WaitsFor.Readiness | WaitsFor.Outputs | WaitsFor.Generation;
  let changes = 0;
  if ((old.metadata.deletionTimestamp === undefined) !== (now.metadata.deletionTimestamp === undefined)) changes |= WaitsFor.Existence;
  if (!kind.hasStatus) {
    if (!deepEqual({ ...old, metadata: null }, { ...now, metadata: null })) changes |= WaitsFor.Generation | WaitsFor.Outputs;
    return changes;
  }
  if (old.metadata.generation !== now.metadata.generation) changes |= WaitsFor.Generation;
  if (!deepEqual(readiness(old), readiness(now))) changes |= WaitsFor.Readiness;
  if (!deepEqual(statusField(old, "outputs"), statusField(now, "outputs"))) changes |= WaitsFor.Outputs;
  return changes;
}

function statusField(object: KubeObject, field: string): unknown {
  return (object["status"] as Record<string, unknown> | undefined)?.[field];
}

/** All that a waiter may read of another's readiness. */
function readiness(object: KubeObject): unknown {
  const conditions = statusField(object, "conditions");
  return [
    statusField(object, "observedGeneration"),
    Array.isArray(conditions) ? (conditions as Record<string, unknown>[]).map(({ lastTransitionTime: _, ...condition }) => condition) : conditions,
  ];
}
