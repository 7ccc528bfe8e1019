import { rfc3339 } from "@threeport/platform";
import {
  PlatformError,
  applyPatch,
  deepClone,
  emptyShape,
  isErrorCode,
  isJsonObject,
  parseApiVersion,
  type JsonObject,
  type Kind,
  type KubeObject,
  type ManagedFieldsEntry,
} from "@threeport/resource";
import type { Answer, ApiContext, Caller, ObjectName } from "../api.ts";
import { invalid } from "./admission.ts";
import { decodeObject } from "./body.ts";
import { createFrom, placeIn } from "./create.ts";
import { notFound, versionConflict, type Current } from "./current.ts";
import { splitSecretValues } from "./secret-values.ts";
import { untilWritten } from "./until-written.ts";
import { replace, type UpdateOptions } from "./update.ts";

export interface ApplyOptions extends UpdateOptions {
  /** Takes the fields that others manage; without it they are conflicts. */
  readonly force: boolean;
}

/** Server-side apply (K7): creates the object, or merges in what `configuration`, the manager's whole opinion, says. Retried by the server when the object moved. */
export async function applyObject(context: ApiContext, caller: Caller, target: ObjectName, configuration: unknown, given: ApplyOptions): Promise<Answer> {
  const { kind, namespace } = target;
  const sent = checkedConfiguration(configuration, target);
  const applied = kind.documents.length === 0 ? sent : deepClone(sent);
  // Before anything is compared: a value that is there already is no change, and no conflict.
  const brought = await splitSecretValues(context, kind, applied as unknown as KubeObject, { namespace, dryRun: given.dryRun === true });
  const options: ApplyOptions = { ...given, brought };
  const subresource = options.recordedAs ?? options.subresource;
  return untilWritten(context, target, async (current) => {
    if (current === undefined && subresource !== undefined) throw notFound(target);
    const { object, managedFields } = applyPatch({
      live: current?.object as JsonObject | undefined,
      always: emptyShape(target.kind),
      applied,
      manager: options.manager,
      force: options.force,
      schema: target.kind.schema,
      apiVersion: target.kind.apiVersion,
      nowRfc3339: rfc3339(context.clock.now()),
      ...(subresource === undefined ? {} : { subresource }),
    });
    if (current === undefined) return create(context, caller, target, { object, managedFields, options });
    if (object === current.object) return { body: current.body, rv: current.rv, warnings: [] }; // K3
    const next = decodeObject(deepClone(object), target.kind, { ...options, from: "patch" });
    checkIdentity(target, current, next.object);
    return replace(context, caller, target, { current, next, options, managedFields });
  });
}

interface Outcome {
  readonly object: JsonObject;
  readonly managedFields: readonly ManagedFieldsEntry[];
  readonly options: ApplyOptions;
}

/** Undefined when somebody else has created it since. */
async function create(context: ApiContext, caller: Caller, target: ObjectName, outcome: Outcome): Promise<Answer | undefined> {
  const { kind, namespace } = target;
  const { object, warnings } = decodeObject(deepClone(outcome.object), kind, { ...outcome.options, from: "patch" });
  if ((object.metadata.uid ?? "") !== "")
    throw new PlatformError("TP_VERSION_CONFLICT", {
      message: `Operation cannot be fulfilled on ${kind.resource} "${target.name}": uid mismatch: the provided object specified uid ${object.metadata.uid}, and no existing object was found`,
      detail: { kind: kind.plural, group: kind.group, name: target.name },
    });
  placeIn(object, kind, namespace);
  const { options, managedFields } = outcome;
  try {
    return { ...(await createFrom(context, caller, target, { object, warnings, options, managedFields: () => managedFields, applied: true })), created: true };
  } catch (error) {
    if (isErrorCode(error, "TP_ALREADY_EXISTS")) return undefined;
    throw error;
  }
}

/** The configuration of an object of this kind and name; what else is sent cannot be applied here. */
export function checkedConfiguration(configuration: unknown, { kind, namespace, name }: ObjectName): JsonObject {
  if (!isJsonObject(configuration)) throw refused("the applied configuration must be one object");
  const { apiVersion, kind: sentKind, metadata } = configuration;
  if (apiVersion !== kind.apiVersion || sentKind !== kind.kind) throw refused(`invalid object type: ${typeName(apiVersion, sentKind)}`);
  const { name: sentName, namespace: sentNamespace } = isJsonObject(metadata) ? metadata : {};
  if (typeof sentName !== "string" || sentName === "") throw refused(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  if (sentName !== name) throw refused(`the name of the object (${sentName.slice(0, shownMax)}) does not match the name on the URL (${name})`);
  if (sentNamespace !== undefined && sentNamespace !== null && sentNamespace !== "" && sentNamespace !== namespace)
    throw refused("the namespace of the provided object does not match the namespace sent on the request");
  return configuration;
}

/** Characters of a name that is wrong that an answer repeats. */
const shownMax = 100;

function typeName(apiVersion: unknown, kind: unknown): string {
  const { group, version } = parseApiVersion(typeof apiVersion === "string" ? apiVersion : "");
  return `${group}/${version}, Kind=${typeof kind === "string" ? kind : ""}`.slice(0, shownMax);
}

/** `metadata.uid` and `metadata.resourceVersion` in a configuration are preconditions. */
function checkIdentity(target: ObjectName, current: Current, next: KubeObject): void {
  const version = next.metadata.resourceVersion ?? "";
  if (version !== "" && version !== String(current.rv)) throw versionConflict(target);
  if (next.metadata.uid !== current.uid) throw immutable(target.kind, target.name, next.metadata.uid);
}

function immutable(kind: Kind, name: string, uid: unknown): PlatformError {
  return invalid(kind, name, [
    { field: "metadata.uid", reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(uid)?.slice(0, shownMax)}: field is immutable` },
  ]);
}

function refused(message: string): PlatformError {
  return new PlatformError("TP_BAD_REQUEST", { message });
}
