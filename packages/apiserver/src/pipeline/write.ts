import { PlatformError, deepEqual, type Kind, type KindView, type KubeObject, type StoredObject } from "@threeport/resource";
import { formatKey, workKey, type Guard, type ObjectKey, type ReferenceRow, type Version, type Write } from "@threeport/store";
import type { ApiContext, Author } from "../api.ts";
import { definitionsResource } from "../crd/definition.ts";
import { invalid } from "./admission.ts";
import { parseBody, serialize, servedBody } from "./body.ts";
import { changesBetween, declaredReferences, gcQueue, referenceGuards, referencesOf, wakesOthers } from "./references.ts";

export interface WriteInput {
  readonly kind: Kind;
  readonly author: Author;
  /** The version that `next` was made from; undefined on create. */
  readonly current: (Version & { readonly object: StoredObject }) | undefined;
  /** The state to store; on removal the last state, for watchers. */
  readonly next: KubeObject;
  readonly remove?: boolean;
  /** The write is an apply: it cannot do without managedFields. */
  readonly applied?: boolean;
  readonly guards?: readonly Guard[];
}

export type Written = { readonly conflict: false; readonly rv: number; readonly body: string } | { readonly conflict: true };

/** Commits one change with its references, guards and work. A stale `current` answers `conflict`; everything else that fails throws. */
export async function commitWrite(context: ApiContext, input: WriteInput): Promise<Written> {
  if (input.kind.view !== undefined) return commitView(context, input, input.kind.view);
  const { kind, current, next, author } = input;
  const key: ObjectKey = { kind: kind.resource, namespace: next.metadata.namespace ?? "", name: next.metadata.name };
  const remove = input.remove === true;
  const added = remove ? [] : referenceGuards(kind, next, current?.object);
  const references = remove ? undefined : referencesOf(context.registry, kind, next, context.controlled);
  const before = current === undefined ? [] : referencesOf(context.registry, kind, current.object, context.controlled);
  const result = await context.store.writer.write({
    key,
    uid: next.metadata.uid ?? "",
    expectRv: current?.rv ?? 0,
    remove,
    terminating: next.metadata.deletionTimestamp !== undefined,
    schemaVersion: kind.version,
    body: boundedBody(input),
    sensitive: kind.sensitive,
    prevBody: current?.body,
    references: references === undefined || deepEqual(references, before) ? undefined : references,
    guards: [...(input.guards ?? []), ...added.map((entry) => entry.guard)],
    wake: [...wakeOf(context, input, key), ...wokenByLeaving(before, references ?? [])],
    changes: changesBetween(kind, current?.object, remove ? undefined : next),
    priority: author.priority,
    fence: author.fence,
  });
  switch (result.outcome) {
    case "written":
      return { conflict: false, rv: result.rv, body: result.body };
    case "conflict":
      return { conflict: true };
    case "lease-lost":
      throw new PlatformError("TP_LEASE_LOST", { detail: { queue: author.fence?.queue, key: author.fence?.key } });
    case "refused":
      throw await refusal(context, input, result.guard, added.find((entry) => entry.guard === result.guard)?.path);
  }
}

/** What is written in another form is stored in its own. */
async function commitView(context: ApiContext, input: WriteInput, view: KindView): Promise<Written> {
  const { kind, current } = input;
  const before = current === undefined ? undefined : (view.toStored(current.object) as StoredObject);
  const written = await commitWrite(context, {
    ...input,
    kind: view.of,
    current: current === undefined || before === undefined ? undefined : { ...current, object: before, body: serialize(before).join(String(current.rv)) },
    next: view.toStored(input.next),
  });
  return written.conflict ? written : { ...written, body: servedBody(kind, written.body) };
}

/** An object may have as many bytes as a request. JSON text, managedFields included. */
const objectBytesMax = 3 * 2 ** 20;
/** UTF-8 takes at most so many bytes for a UTF-16 unit. */
const bytesPerUnit = 3;

/**
 * The body as it is stored. Patches could let an object grow without an end, and each field counts again for its manager:
 * as upstream, managedFields go before a write is refused, unless the write is an apply.
 */
function boundedBody({ next, remove, applied = false }: WriteInput): readonly [before: string, after: string] {
  const body = serialize(next);
  if (remove === true || fits(body)) return body;
  const { managedFields: _, ...metadata } = next.metadata;
  const bare = applied ? body : serialize({ ...next, metadata });
  if (fits(bare)) return bare;
  throw new PlatformError("TP_TOO_LARGE", { message: `the object is too large: it may have ${objectBytesMax} bytes as JSON` });
}

function fits([before, after]: readonly [before: string, after: string]): boolean {
  const units = before.length + after.length;
  return units * bytesPerUnit <= objectBytesMax || Buffer.byteLength(before) + Buffer.byteLength(after) <= objectBytesMax;
}

/** What a write that is only tried would be refused for, as far as it can be known now: its guards, read one by one. */
export async function checkGuards(context: ApiContext, input: WriteInput): Promise<void> {
  const added = input.remove === true ? [] : referenceGuards(input.kind, input.next, input.current?.object);
  for (const { guard, path } of [...(input.guards ?? []).map((own) => ({ guard: own, path: undefined })), ...added]) {
    if (!(await holds(context, guard))) throw await refusal(context, input, guard, path);
  }
}

async function holds(context: ApiContext, guard: Guard): Promise<boolean> {
  if (guard.unreferenced === true) return (await context.store.references.users(guard.target, 1)).length === 0;
  const version = await context.store.reader.get(guard.target);
  return version === undefined ? !guard.mustExist : parseBody(version.body).metadata.deletionTimestamp === undefined;
}

/** An object takes the rows of what it refers to no longer along, all of them when it is removed: those whom they would have woken are woken by the write. */
function wokenByLeaving(before: readonly ReferenceRow[], now: readonly ReferenceRow[]): Write["wake"][number][] {
  const kept = new Set(now.map((row) => `${row.wakerQueue}|${row.wakerKey}`));
  return before
    .filter((row) => wakesOthers(row) && !kept.has(`${row.wakerQueue}|${row.wakerKey}`))
    .map((row) => ({ queue: row.wakerQueue, key: row.wakerKey }));
}

/**
 * An object's own key is looked at again when its desired state or metadata changed; its reconciler's own writes wake it
 * not, since it knows them.
 */
function wakeOf(context: ApiContext, input: WriteInput, key: ObjectKey): Write["wake"] {
  const { kind, current, next, author } = input;
  if (input.remove === true) return [];
  const wake: { queue: string; key: string }[] = [];
  // The owner may have gone while this was on its way: the collector looks once.
  if (current === undefined && (next.metadata.ownerReferences ?? []).length > 0) wake.push({ queue: gcQueue, key: formatKey(key) });
  const finalizers = next.metadata.finalizers ?? [];
  if (next.metadata.deletionTimestamp !== undefined && (finalizers.includes("foregroundDeletion") || finalizers.includes("orphan")))
    wake.push({ queue: gcQueue, key: formatKey(key) });
  if (!context.controlled(kind.resource)) return wake;
  const own = workKey(key.namespace, key.name);
  if (author.fence?.queue === kind.resource && author.fence.key === own) {
    // What it refers to from now on may have changed between its reading of that and this write.
    const refersAnew = deepEqual(declaredReferences(kind, next), current === undefined ? [] : declaredReferences(kind, current.object))
      ? []
      : [{ queue: kind.resource, key: own }];
    return [...wake, ...refersAnew];
  }
  const { resourceVersion: _a, managedFields: _am, ...before } = current?.object.metadata ?? { name: "" };
  const { resourceVersion: _b, managedFields: _bm, ...after } = next.metadata;
  const statusOnly = current !== undefined && deepEqual(before, after);
  return statusOnly && author.fence !== undefined ? wake : [...wake, { queue: kind.resource, key: own }];
}

async function refusal(context: ApiContext, input: WriteInput, guard: Guard, path: string | undefined): Promise<PlatformError> {
  const { kind, next } = input;
  const target = guard.target;
  if (guard.unreferenced === true) {
    const users = await context.store.references.users(target, usersShown + 1);
    const names = users.slice(0, usersShown).map((user) => `${user.source.kind}/${workKey(user.source.namespace, user.source.name)}`);
    return new PlatformError("TP_IN_USE", {
      message: `${kind.plural} "${next.metadata.name}" is in use by ${names.join(", ")}${users.length > usersShown ? " and others" : ""}; delete or change them first`,
      causes: names.map((name) => ({ reason: "InUse", message: name })),
      detail: { kind: kind.kind, group: kind.group, name: next.metadata.name },
    });
  }
  if (target.kind === "namespaces" && path === undefined) {
    const exists = (await context.store.reader.get(target)) !== undefined;
    if (!exists)
      return new PlatformError("TP_NOT_FOUND", {
        message: `namespaces "${target.name}" not found; create it first: kubectl create namespace ${target.name}`,
        detail: { kind: "namespaces", name: target.name },
      });
    return new PlatformError("TP_FORBIDDEN", {
      message: `${kind.plural} "${next.metadata.name}" is forbidden: unable to create new content in namespace ${target.name} because it is being terminated`,
      causes: [{ reason: "NamespaceTerminating", field: "metadata.namespace", message: `namespace ${target.name} is being terminated` }],
    });
  }
  if (target.kind === definitionsResource && path === undefined)
    return new PlatformError("TP_METHOD_NOT_ALLOWED", {
      message: `create not allowed while the CustomResourceDefinition ${target.name} is being deleted`,
      detail: { kind: kind.plural, group: kind.group, name: next.metadata.name },
    });
  const named = `${target.kind}/${workKey(target.namespace, target.name)}`;
  const exists = (await context.store.reader.get(target)) !== undefined;
  const message = exists ? `Invalid value: "${target.name}": ${named} is being deleted` : `Not found: "${target.name}": there is no ${named}; create it first`;
  return invalid(kind, next.metadata.name, [
    { ...(path === undefined ? {} : { field: path }), reason: exists ? "FieldValueInvalid" : "FieldValueNotFound", message },
  ]);
}

/** Users named in a refusal: enough to act on. */
const usersShown = 10;
