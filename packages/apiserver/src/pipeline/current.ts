import { PlatformError, type StoredObject } from "@threeport/resource";
import type { ObjectKey, Version } from "@threeport/store";
import type { ApiContext, ObjectName } from "../api.ts";
import { parseBody, servedBody } from "./body.ts";

export type Current = Version & { readonly object: StoredObject };

export async function readCurrent(context: ApiContext, target: ObjectName): Promise<Current | undefined> {
  return toCurrent(target, await context.store.reader.get(keyOf(target)));
}

/** The newest version that this process has heard of, which need not be the newest there is. Costs nothing; undefined when it keeps none. */
export function knownCurrent(context: ApiContext, target: ObjectName): Current | undefined {
  const change = context.store.feed.newest(keyOf(target));
  return change?.deleted === true ? undefined : toCurrent(target, change);
}

function keyOf({ kind, namespace, name }: ObjectName): ObjectKey {
  return { kind: kind.resource, namespace, name };
}

function toCurrent({ kind }: ObjectName, version: Version | undefined): Current | undefined {
  if (version === undefined) return undefined;
  const { rv, key, uid } = version;
  const body = servedBody(kind, version.body);
  return { rv, key, uid, body, object: parseBody(body) };
}

export function notFound(target: ObjectName): PlatformError {
  const qualified = target.kind.group === "" ? target.kind.plural : `${target.kind.plural}.${target.kind.group}`;
  return new PlatformError("TP_NOT_FOUND", {
    message: `${qualified} "${target.name}" not found`,
    detail: { kind: target.kind.plural, group: target.kind.group, name: target.name },
  });
}

export function versionConflict(target: ObjectName): PlatformError {
  const qualified = target.kind.group === "" ? target.kind.plural : `${target.kind.plural}.${target.kind.group}`;
  return new PlatformError("TP_VERSION_CONFLICT", {
    message: `Operation cannot be fulfilled on ${qualified} "${target.name}": the object has been modified; please apply your changes to the latest version and try again`,
    detail: { kind: target.kind.plural, group: target.kind.group, name: target.name },
  });
}
