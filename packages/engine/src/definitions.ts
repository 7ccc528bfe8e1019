import { rfc3339 } from "@threeport/platform";
import { deepEqual, type Kind, type StoredObject } from "@threeport/resource";
import type { ObjectKey, ObjectStore } from "@threeport/store";
import { withoutFinalizer } from "./finalizers.ts";
import { settled, waiting, type ObjectContext, type ObjectReconciler } from "./reconciler.ts";

export interface DefinitionsOptions {
  /** The store's name of CustomResourceDefinitions: whose keys these are. */
  readonly resource: string;
  /** Holds a definition until its objects are gone. */
  readonly finalizer: string;
  readonly reader: ObjectStore["reader"];
  /** The status that a definition should have by the names that are served now, or while its objects go. */
  readonly judge: (definition: StoredObject, now: string) => object;
  readonly kindByResource: (resource: string) => Kind | undefined;
  /** Whether its names were accepted, as `judge` said. */
  readonly accepted: (status: object) => boolean;
}

const definitionType = { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" };
/** Names that are taken may become free: nothing else tells of it. */
const namesRecheckMs = 2_000;
/** How soon the objects of a definition under deletion are looked at again while their finalizers hold them. */
const objectsRecheckMs = 500;
const page = 500;
/** Objects asked to go at the same time: enough to fill write groups. */
const parallel = 32;

/** Accepts the names of CustomResourceDefinitions; removes all their objects before they go themselves. */
export function definitionsReconciler(options: DefinitionsOptions): ObjectReconciler {
  return {
    queue: options.resource,
    async reconcile(key, context) {
      const definition = await context.objects.get<StoredObject>({ ...definitionType, name: key.name });
      if (definition === undefined) return settled;
      const status = options.judge(definition, rfc3339(context.clock.now()));
      const current = deepEqual(status, definition["status"]) ? definition : await context.objects.patchStatus<StoredObject>({ ...definition, status });
      if (definition.metadata.deletionTimestamp === undefined) return options.accepted(status) ? settled : waiting("names that others have", namesRecheckMs);
      if (!(definition.metadata.finalizers ?? []).includes(options.finalizer)) return settled;
      // Nothing new can come in: a create is refused in its statement once the definition is under deletion (K6).
      if (await removeAll(options, key.name, context)) return waiting("objects whose finalizers hold them", objectsRecheckMs);
      await withoutFinalizer(context.objects, current, options.finalizer);
      return settled;
    },
  };
}

/** Asks all objects of a definition to go; true while some are left. */
async function removeAll(options: DefinitionsOptions, resource: string, context: ObjectContext): Promise<boolean> {
  const kind = options.kindByResource(resource);
  let after: { readonly namespace: string; readonly name: string } | undefined;
  while (kind !== undefined) {
    const listed = await options.reader.list({ kind: resource, limit: page, ...(after === undefined ? {} : { after }) });
    for (let start = 0; start < listed.items.length; start += parallel) {
      context.signal.throwIfAborted();
      await Promise.all(listed.items.slice(start, start + parallel).map((item) => remove(kind, item, context)));
    }
    after = listed.next;
    if (after === undefined) break;
  }
  return (await options.reader.list({ kind: resource, limit: 1 })).items.length > 0;
}

async function remove(
  kind: Kind,
  { key, uid, body }: { readonly key: ObjectKey; readonly uid: string; readonly body: string },
  context: ObjectContext,
): Promise<void> {
  if ((JSON.parse(body) as StoredObject).metadata.deletionTimestamp !== undefined) return;
  await context.objects.delete(
    { apiVersion: kind.apiVersion, kind: kind.kind, name: key.name, ...(key.namespace === "" ? {} : { namespace: key.namespace }) },
    { propagationPolicy: "Background", uid },
  );
}
