import { deepClone, isErrorCode, type KubeObject, type ObjectMeta } from "@threeport/resource";
import type { Answer, ApiContext, Caller, ObjectName } from "../api.ts";
import { createObject } from "./create.ts";
import { readCurrent } from "./current.ts";
import { untilWritten } from "./until-written.ts";
import { replace } from "./update.ts";

/**
 * Creates, or replaces owners and desired fields and adds labels, annotations and finalizers: for objects whose only
 * author is the caller.
 */
export async function applyObject(context: ApiContext, caller: Caller, target: ObjectName, object: KubeObject): Promise<Answer> {
  return untilWritten(context, target, async () => {
    const current = await readCurrent(context, target);
    if (current !== undefined) {
      const next: KubeObject = deepClone(object);
      next.metadata = merged(target, current.object.metadata, next.metadata);
      return replace(context, caller, target, { current, next, options: { fieldValidation: "Strict" } });
    }
    try {
      return await createObject(context, caller, { kind: target.kind, namespace: target.namespace }, deepClone(object), { fieldValidation: "Strict" });
    } catch (error) {
      if (isErrorCode(error, "TP_ALREADY_EXISTS")) return undefined; // somebody else created it since
      throw error;
    }
  });
}

function merged(target: ObjectName, before: ObjectMeta, wanted: ObjectMeta): ObjectMeta {
  const finalizers = [...new Set([...(before.finalizers ?? []), ...(before.deletionTimestamp === undefined ? (wanted.finalizers ?? []) : [])])];
  const labels = { ...before.labels, ...wanted.labels };
  const annotations = { ...before.annotations, ...wanted.annotations };
  const { labels: _l, annotations: _a, finalizers: _f, ...rest } = wanted;
  return {
    ...rest,
    name: target.name,
    ...(target.kind.namespaced ? { namespace: target.namespace } : {}),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    ...(finalizers.length === 0 ? {} : { finalizers }),
    ...(wanted.ownerReferences === undefined && before.ownerReferences !== undefined ? { ownerReferences: before.ownerReferences } : {}),
  };
}
