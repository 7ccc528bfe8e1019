import { PlatformError, deepClone, type KubeObject } from "@threeport/resource";
import { rfc3339 } from "@threeport/platform";
import type { Guard } from "@threeport/store";
import type { Answer, ApiContext, Caller, WriteOptions } from "../api.ts";
import type { Kind } from "@threeport/resource";
import { definitionsResource } from "../crd/definition.ts";
import { checkAuthority } from "../auth/check-authority.ts";
import { admit } from "./admission.ts";
import { decodeObject, type DecodedObject } from "./body.ts";
import { readCurrent } from "./current.ts";
import { managedFieldsAfter, setManagedFields, type ManagedFields } from "./managed-fields.ts";
import { checkSecretMarks, splitSecretValues } from "./secret-values.ts";
import { checkGuards, commitWrite, type WriteInput } from "./write.ts";

/** Random characters after a generateName, as upstream. */
const suffixLength = 5;
/** Longest generateName that still leaves room for the suffix in 63 characters. */
const generatedPrefixMax = 63 - suffixLength;
const nameTries = 8;

/** Creates an object in `namespace` ("" for cluster-scoped kinds). */
export async function createObject(
  context: ApiContext,
  caller: Caller,
  target: { kind: Kind; namespace: string },
  body: Uint8Array | string | object,
  options: WriteOptions,
): Promise<Answer> {
  const { kind, namespace } = target;
  const { object, warnings } = decodeObject(body, kind, options);
  placeIn(object, kind, namespace);
  if (!["", "0"].includes(object.metadata.resourceVersion ?? ""))
    throw new PlatformError("TP_BAD_REQUEST", { message: "resourceVersion should not be set on objects to be created" });
  const { managedFields: sent } = object.metadata;
  const write = { kind, manager: options.manager, live: undefined, sent, subresource: undefined };
  return createFrom(context, caller, target, { object, warnings, options, managedFields: (shaped) => managedFieldsAfter(context, write, shaped) });
}

/** The object is in its place (see {@link placeIn}); it is not changed when its name is generated. */
export interface Creation extends DecodedObject {
  readonly options: WriteOptions;
  readonly managedFields: (shaped: KubeObject) => ManagedFields;
  /** See {@link WriteInput.applied}. */
  readonly applied?: boolean;
}

/** Creates what has been read and put in its place. */
export async function createFrom(context: ApiContext, caller: Caller, target: { kind: Kind; namespace: string }, creation: Creation): Promise<Answer> {
  const { kind, namespace } = target;
  const { object, options } = creation;
  const dryRun = options.dryRun === true;
  const brought = options.brought ?? (await splitSecretValues(context, kind, object, { namespace, dryRun }));
  await checkSecretMarks(context, kind, object, { old: undefined, brought, dryRun });
  const { generateName } = object.metadata;
  const generated = (object.metadata.name ?? "") === "" && typeof generateName === "string" && generateName !== "";
  for (let attempt = 1; ; attempt++) {
    const next = generated ? deepClone(object) : object;
    if (generated) next.metadata.name = `${generateName.slice(0, generatedPrefixMax)}${context.random.suffix(suffixLength)}`;
    let managedFields: ManagedFields = [];
    const shaped = (shape: KubeObject) => void (managedFields = creation.managedFields(shape));
    admit(kind, stamp(context, kind, next), { old: undefined, shaped });
    setManagedFields(next, managedFields);
    checkAuthority(context.authorizer, caller.user, { kind, next, old: undefined });
    await context.admit?.({ operation: "CREATE", kind, caller, subresource: undefined, object: next, old: undefined, dryRun });
    const answer = await store(context, caller, target, { ...creation, object: next });
    if (answer !== undefined) return { ...answer, warnings: creation.warnings };
    if (!generated || attempt >= nameTries) {
      throw new PlatformError("TP_ALREADY_EXISTS", {
        message: `${kind.group === "" ? kind.plural : kind.resource} "${next.metadata.name}" already exists`,
        detail: { kind: kind.plural, group: kind.group, name: next.metadata.name },
      });
    }
  }
}

/** Undefined when the name is taken. */
async function store(
  context: ApiContext,
  caller: Caller,
  target: { kind: Kind; namespace: string },
  { object: next, options, applied = false }: Creation,
): Promise<Omit<Answer, "warnings"> | undefined> {
  const { kind, namespace } = target;
  const guards: Guard[] = [
    ...(kind.namespaced ? [{ target: { kind: "namespaces", namespace: "", name: namespace }, mustExist: true }] : []),
    // Nothing new of a kind that goes: what is there when the definition was marked is all that has to be removed.
    ...(kind.custom === undefined ? [] : [{ target: { kind: definitionsResource, namespace: "", name: kind.custom.definition }, mustExist: true }]),
  ];
  const write: WriteInput = { kind, author: caller.author, current: undefined, next, guards, applied };
  if (options.dryRun === true) {
    if ((await readCurrent(context, { kind, namespace, name: next.metadata.name })) !== undefined) return undefined;
    await checkGuards(context, write);
    return { body: JSON.stringify(next), rv: 0 };
  }
  const written = await commitWrite(context, write);
  return written.conflict ? undefined : { body: written.body, rv: written.rv };
}

/** What the server decides about a new object: identity, times, no status (K2). */
function stamp(context: ApiContext, kind: Kind, object: KubeObject): KubeObject {
  const now = context.clock.now();
  const { deletionTimestamp: _d, deletionGracePeriodSeconds: _g, resourceVersion: _r, generation: _n, ...metadata } = object.metadata;
  object.metadata = { ...metadata, uid: context.random.uuid(now), creationTimestamp: rfc3339(now), ...(kind.hasGeneration ? { generation: 1 } : {}) };
  if (kind.hasStatus) delete object["status"];
  return object;
}

/** The URL decides the namespace; a body that names another is refused. */
export function placeIn(object: KubeObject, kind: Kind, namespace: string): void {
  const named = object.metadata.namespace ?? "";
  if (!kind.namespaced) {
    if (named !== "")
      throw new PlatformError("TP_BAD_REQUEST", {
        message: `${kind.kind} is not namespaced; remove metadata.namespace "${named}"`,
        causes: [{ field: "metadata.namespace", message: "must be empty" }],
      });
    delete object.metadata.namespace;
    return;
  }
  if (named !== "" && named !== namespace) {
    throw new PlatformError("TP_BAD_REQUEST", {
      message: `the namespace of the provided object does not match the namespace sent on the request: "${named}" and "${namespace}"`,
      causes: [{ field: "metadata.namespace", message: `must be "${namespace}"` }],
    });
  }
  object.metadata.namespace = namespace;
}
