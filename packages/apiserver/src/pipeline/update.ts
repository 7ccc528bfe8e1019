import {
  PlatformError,
  deepClone,
  isErrorCode,
  mergePatch,
  jsonPatch,
  strategicMergePatch,
  type JsonObject,
  type Kind,
  type KubeObject,
  type ObjectMeta,
  type Schema,
} from "@threeport/resource";
import type { Answer, ApiContext, Caller, ObjectName, WriteOptions } from "../api.ts";
import { checkAuthority } from "../auth/check-authority.ts";
import { admit, desiredChanged, invalid, sameObject } from "./admission.ts";
import { decodeObject, serialize, type DecodedObject } from "./body.ts";
import { createObject, placeIn } from "./create.ts";
import { notFound, versionConflict, type Current } from "./current.ts";
import { managedFieldsAfter, setManagedFields, type ManagedFields } from "./managed-fields.ts";
import { checkSecretMarks, splitSecretValues } from "./secret-values.ts";
import { untilWritten, writtenAtFirst } from "./until-written.ts";
import { checkGuards, commitWrite, type WriteInput } from "./write.ts";

export interface UpdateOptions extends WriteOptions {
  /** `status`: only status and the metadata that Kubernetes lets a status write change (K2). */
  readonly subresource?: "status";
  /** The subresource that managedFields name, where another endpoint than the two above wrote: `scale`. */
  readonly recordedAs?: string;
}

export type PatchType = "application/json-patch+json" | "application/merge-patch+json" | "application/strategic-merge-patch+json";

/** PUT: replaces the object. K4: a stale version is a conflict; without one, where the kind allows it, the newest is replaced. */
export async function updateObject(
  context: ApiContext,
  caller: Caller,
  target: ObjectName,
  body: Uint8Array | string | object,
  options: UpdateOptions,
): Promise<Answer> {
  const { kind } = target;
  const { object: sent, warnings } = decodeObject(body, kind, options);
  checkPlace(sent, target);
  const version = versionOf(sent);
  const attempt = async (current: Current | undefined) => {
    if (current === undefined) return createInstead(context, caller, target, { sent, warnings, options });
    if (version === "" && kind.versionRequired) throw versionMissing(target);
    if (version !== "" && version !== String(current.rv)) throw versionConflict(target);
    if (sent.metadata.uid !== undefined && sent.metadata.uid !== "" && sent.metadata.uid !== current.uid)
      throw uidConflict(target, sent.metadata.uid, current.uid);
    return replace(context, caller, target, { current, next: { object: deepClone(sent), warnings }, options });
  };
  return version === "" ? untilWritten(context, target, attempt) : ((await writtenAtFirst(context, target, attempt)) ?? refuseStale(target));
}

/** The version that the object must have now; "" when any will do, which upstream says as 0 too. */
function versionOf({ metadata }: KubeObject): string {
  return metadata.resourceVersion === undefined || metadata.resourceVersion === "0" ? "" : metadata.resourceVersion;
}

/** The URL decides which object it is; a body that is silent about its name, or names another, is refused. */
function checkPlace(sent: KubeObject, { kind, namespace, name }: ObjectName): void {
  placeIn(sent, kind, namespace);
  const named = sent.metadata.name ?? "";
  if (named === "")
    throw new PlatformError("TP_BAD_REQUEST", { message: `the name of the object (${name} based on URL) was undeterminable: name must be provided` });
  if (named !== name) throw new PlatformError("TP_BAD_REQUEST", { message: `the name of the object (${named}) does not match the name on the URL (${name})` });
}

function versionMissing({ kind, name }: ObjectName): PlatformError {
  return invalid({ ...kind, kind: kind.plural }, name, [
    {
      field: "metadata.resourceVersion",
      reason: "FieldValueInvalid",
      message: "Invalid value: 0: must be specified for an update; read the object first, or use a patch",
    },
  ]);
}

/** Undefined when somebody else has created it since. */
async function createInstead(
  context: ApiContext,
  caller: Caller,
  target: ObjectName,
  { sent, warnings, options }: { readonly sent: KubeObject; readonly warnings: readonly string[]; readonly options: UpdateOptions },
): Promise<Answer | undefined> {
  if (!target.kind.createsOnUpdate || options.subresource !== undefined) throw notFound(target);
  if ((sent.metadata.uid ?? "") !== "") throw uidConflict(target, sent.metadata.uid ?? "", "");
  const { resourceVersion: _, ...metadata } = sent.metadata;
  try {
    return { ...(await createObject(context, caller, target, { ...deepClone(sent), metadata: deepClone(metadata) }, options)), warnings, created: true };
  } catch (error) {
    if (isErrorCode(error, "TP_ALREADY_EXISTS")) return undefined;
    throw error;
  }
}

function refuseStale(target: ObjectName): never {
  throw versionConflict(target);
}

/** PATCH of the three classic types; retried by the server when the object moved (K4). */
export async function patchObject(context: ApiContext, caller: Caller, target: ObjectName, patch: Patch, options: UpdateOptions): Promise<Answer> {
  return untilWritten(context, target, async (current) => {
    if (current === undefined) throw notFound(target);
    const next = decodeObject(deepClone(applyPatch(target.kind.schema, current.object, patch)), target.kind, { ...options, from: "patch" });
    checkPlace(next.object, target);
    const { metadata } = next.object;
    const version = versionOf(next.object);
    if (version !== "" && version !== String(current.rv)) throw versionConflict(target);
    if (metadata.uid !== undefined && metadata.uid !== current.uid)
      throw invalid(target.kind, target.name, [{ field: "metadata.uid", reason: "FieldValueInvalid", message: "Invalid value: field is immutable" }]);
    return replace(context, caller, target, { current, next, options });
  });
}

export interface Patch {
  readonly type: PatchType;
  readonly value: unknown;
}

export function applyPatch(schema: Schema, current: KubeObject, patch: Patch): JsonObject {
  const object = current as unknown as JsonObject;
  switch (patch.type) {
    case "application/json-patch+json":
      return jsonPatch(object, patch.value);
    case "application/merge-patch+json":
      return mergePatch(object, patch.value);
    case "application/strategic-merge-patch+json":
      return strategicMergePatch(object, patch.value, schema);
  }
}

export interface Replacement {
  readonly current: Current;
  readonly next: DecodedObject;
  readonly options: UpdateOptions;
  /** Set by apply, which knows the managers; else they follow from what changes. */
  readonly managedFields?: ManagedFields;
}

/** Brings `current` to `next` under the write rules. Undefined when `current` is no longer current. */
export async function replace(context: ApiContext, caller: Caller, target: ObjectName, input: Replacement): Promise<Answer | undefined> {
  const { kind } = target;
  const { current, options } = input;
  const { object, warnings } = input.next;
  const { managedFields: sent } = object.metadata;
  if (options.subresource !== "status") {
    const dryRun = options.dryRun === true;
    const brought = options.brought ?? (await splitSecretValues(context, kind, object, { namespace: target.namespace, dryRun }));
    await checkSecretMarks(context, kind, object, { old: current.object, brought, dryRun });
  }
  const next = options.subresource === "status" ? statusOnly(current.object, object) : mainOnly(kind, current.object, object);
  next.metadata = keepIdentity(current.object.metadata, next.metadata);
  next.metadata.resourceVersion = current.object.metadata.resourceVersion;
  checkFinalizers(kind, current.object, next);
  let { managedFields } = input;
  const recorded = { kind, manager: options.manager, live: current.object, sent, subresource: options.recordedAs ?? options.subresource };
  admit(kind, next, {
    old: current.object,
    shaped: (shape) => void (managedFields ??= managedFieldsAfter(context, recorded, shape)),
  });
  setManagedFields(next, managedFields ?? []);
  if (kind.hasGeneration && options.subresource === undefined) {
    const grown = desiredChanged(kind, current.object, next) ? 1 : 0; // K1
    next.metadata.generation = (current.object.metadata.generation ?? 0) + grown;
  }
  const gone = next.metadata.deletionTimestamp !== undefined && (next.metadata.finalizers ?? []).length === 0;
  if (!gone && sameObject(current.object, next)) return { body: current.body, rv: current.rv, warnings }; // K3
  checkAuthority(context.authorizer, caller.user, { kind, next, old: current.object });
  const subresource = options.recordedAs ?? options.subresource;
  await context.admit?.({ operation: "UPDATE", kind, caller, subresource, object: next, old: current.object, dryRun: options.dryRun === true });
  const write: WriteInput = { kind, author: caller.author, current, next, remove: gone, applied: input.managedFields !== undefined };
  if (options.dryRun === true) {
    await checkGuards(context, write);
    const [before, after] = serialize(next);
    return { body: `${before}${current.rv}${after}`, rv: current.rv, warnings };
  }
  const written = await commitWrite(context, write);
  return written.conflict ? undefined : { body: written.body, rv: written.rv, warnings };
}

/** K2: a write to the main endpoint leaves status as it is. */
function mainOnly(kind: Kind, current: KubeObject, sent: KubeObject): KubeObject {
  if (!kind.hasStatus) return sent;
  const { status: _, ...rest } = sent;
  return (current["status"] === undefined ? rest : { ...rest, status: current["status"] }) as KubeObject;
}

/** K2: a write to /status changes status, and of metadata nothing: labels and the rest belong to the main endpoint. */
function statusOnly(current: KubeObject, sent: KubeObject): KubeObject {
  const next: KubeObject = deepClone(current);
  if (sent["status"] === undefined) delete next["status"];
  else next["status"] = sent["status"];
  return next;
}

/** What clients cannot change, whatever they send. */
function keepIdentity(current: ObjectMeta, sent: ObjectMeta): ObjectMeta {
  const { generation: _n, managedFields: _m, ...rest } = sent;
  return {
    // Who says something else of these is refused by validation, who says nothing means what is there.
    ...(current.deletionTimestamp === undefined ? {} : { deletionTimestamp: current.deletionTimestamp }),
    ...(current.deletionGracePeriodSeconds === undefined ? {} : { deletionGracePeriodSeconds: current.deletionGracePeriodSeconds }),
    ...rest,
    ...(current.uid === undefined ? {} : { uid: current.uid }),
    ...(current.creationTimestamp === undefined ? {} : { creationTimestamp: current.creationTimestamp }),
    ...(current.generation === undefined ? {} : { generation: current.generation }),
  };
}

/** K5: after deletion was asked for, finalizers only leave. */
function checkFinalizers(kind: Kind, current: KubeObject, next: KubeObject): void {
  if (current.metadata.deletionTimestamp === undefined) return;
  const known = new Set(current.metadata.finalizers ?? []);
  const added = (next.metadata.finalizers ?? []).filter((finalizer) => !known.has(finalizer));
  if (added.length > 0)
    throw invalid(kind, next.metadata.name, [
      {
        field: "metadata.finalizers",
        reason: "FieldValueForbidden",
        message: `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`,
      },
    ]);
}

function uidConflict(target: ObjectName, sent: string, current: string): PlatformError {
  return new PlatformError("TP_VERSION_CONFLICT", {
    message: `Operation cannot be fulfilled on ${target.kind.resource} "${target.name}": Precondition failed: UID in precondition: ${sent}, UID in object meta: ${current}`,
    detail: { kind: target.kind.plural, group: target.kind.group, name: target.name },
  });
}
