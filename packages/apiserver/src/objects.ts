import {
  PlatformError,
  deepClone,
  deepEqual,
  type DeleteQuery,
  type KubeObject,
  type ListQuery,
  type Objects,
  type StoredObject,
  type Target,
} from "@threeport/resource";
import type { Answer, ApiContext, Caller, ObjectName } from "./api.ts";
import { applyObject } from "./pipeline/apply.ts";
import { parseBody, servedBody } from "./pipeline/body.ts";
import { createObject } from "./pipeline/create.ts";
import { deleteObject } from "./pipeline/delete.ts";
import { listObjects } from "./pipeline/list.ts";
import { createSelection, type Selection } from "./pipeline/selection.ts";
import { updateObject } from "./pipeline/update.ts";
import { kindOf } from "./registry.ts";

/** The in-process face of the API for reconcilers: the same pipeline and admission as over HTTP, on behalf of `caller`. */
export function createObjects(context: ApiContext, caller: Caller, manager = caller.author.fence?.queue ?? "threeport"): Objects {
  // K7: a reconciler manages fields under the name of its queue, which is the resource that it looks after.
  const options = { manager, fieldValidation: "Strict" } as const;
  const place = (target: Target): ObjectName => ({
    kind: kindOf(context.registry, target.apiVersion, target.kind),
    namespace: target.namespace ?? "",
    name: target.name,
  });
  const placeOf = (object: KubeObject): ObjectName =>
    place({
      apiVersion: object.apiVersion,
      kind: object.kind,
      name: object.metadata.name,
      ...(object.metadata.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
    });

  return {
    async get<T extends KubeObject = StoredObject>(target: Target): Promise<T | undefined> {
      const { kind, namespace, name } = place(target);
      const version = await context.store.reader.get({ kind: kind.resource, namespace, name });
      return version === undefined ? undefined : (parseBody(servedBody(kind, version.body)) as unknown as T);
    },
    async list<T extends KubeObject = StoredObject>(kind: { apiVersion: string; kind: string }, query: ListQuery = {}): Promise<readonly T[]> {
      const selection = createSelection(kindOf(context.registry, kind.apiVersion, kind.kind), query);
      if (query.refersTo !== undefined) return (await referring(context, selection, place(query.refersTo))) as unknown as T[];
      const listed = await listObjects(context, selection, {});
      return listed.items.map((item) => parseBody(item.body) as unknown as T);
    },
    async apply<T extends KubeObject = StoredObject>(object: KubeObject): Promise<T> {
      const answer = await applyObject(context, caller, placeOf(object), object, { ...options, force: true });
      return objectOf<T>(answer);
    },
    async create<T extends KubeObject = StoredObject>(object: KubeObject): Promise<T> {
      const target = placeOf(object);
      const answer = await createObject(context, caller, target, deepClone(object), options);
      return objectOf<T>(answer);
    },
    async patchStatus<T extends KubeObject = StoredObject>(object: T): Promise<T> {
      const answer = await updateObject(context, caller, placeOf(object), object, { manager: options.manager, subresource: "status" });
      return objectOf<T>(answer);
    },
    async commit<T extends KubeObject>(original: T, draft: T): Promise<T | undefined> {
      if (deepEqual(original, draft)) return original;
      const answer = await updateObject(context, caller, placeOf(original), draft, options);
      const stored = objectOf<T>(answer);
      const gone = stored.metadata.deletionTimestamp !== undefined && (stored.metadata.finalizers ?? []).length === 0;
      return gone ? undefined : stored;
    },
    async delete(target: Target, query: DeleteQuery = {}): Promise<void> {
      try {
        await deleteObject(context, caller, place(target), query);
      } catch (error) {
        if (!(error instanceof PlatformError && error.code === "TP_NOT_FOUND")) throw error;
      }
    },
  };
}

function objectOf<T>(answer: Answer): T {
  return parseBody(answer.body) as unknown as T;
}

/** Objects of the selection that refer to `target`: by the references table, not by reading all of them. */
async function referring(context: ApiContext, selection: Selection, target: ObjectName): Promise<StoredObject[]> {
  const keys = await context.store.references.referrersOfKind(
    { kind: target.kind.resource, namespace: target.namespace, name: target.name },
    selection.kind.resource,
  );
  const versions = await Promise.all(
    keys.filter((key) => selection.namespace === undefined || key.namespace === selection.namespace).map((key) => context.store.reader.get(key)),
  );
  return versions
    .flatMap((version) => (version === undefined ? [] : [parseBody(servedBody(selection.kind, version.body))]))
    .filter((object) => selection.matches(object));
}
