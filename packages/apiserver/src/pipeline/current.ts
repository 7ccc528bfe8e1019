import { PlatformError, type StoredObject } from "@threeport/resource";
import type { Version } from "@threeport/store";
import type { ApiContext, ObjectName } from "../api.ts";
import { parseBody, servedBody } from "./body.ts";

export type Current = Version & { readonly object: StoredObject };

export async function readCurrent(context: ApiContext, target: ObjectName): Promise<Current | undefined> {
  const version = await context.store.reader.get({ kind: target.kind.resource, namespace: target.namespace, name: target.name });
  if (version === undefined) return undefined;
  const body = servedBody(target.kind, version.body);
  return { ...version, body, object: parseBody(body) };
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
