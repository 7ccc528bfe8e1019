import { isErrorCode, type Kind, type StoredObject } from "@threeport/resource";
import { withoutFinalizer } from "./finalizers.ts";
import { settled, waiting, type ObjectContext, type ObjectReconciler } from "./reconciler.ts";

export interface NamespaceOptions {
  /** Holds a namespace until this reconciler removed its contents. */
  readonly finalizer: string;
  /** All kinds that live in namespaces, as they are now. */
  readonly namespacedKinds: () => readonly Kind[];
}

/** How soon the contents are looked at again while finalizers hold them. */
const recheckMs = 500;

/**
 * Removes the contents of a namespace under deletion, then lets it go. Contents in use wait; they never meet a 409
 * (design.md §5.7). Kinds of the core group go when nothing else is left: tearing down what rests on them may need the
 * Secrets.
 */
export function namespaceReconciler(options: NamespaceOptions): ObjectReconciler {
  return {
    queue: "namespaces",
    async reconcile(key, context) {
      const namespace = await context.objects.get<StoredObject>({ apiVersion: "v1", kind: "Namespace", name: key.name });
      if (namespace?.metadata.deletionTimestamp === undefined || !(namespace.metadata.finalizers ?? []).includes(options.finalizer)) return settled;
      const kinds = options.namespacedKinds();
      for (const stage of [kinds.filter((kind) => kind.group !== ""), kinds.filter((kind) => kind.group === "")]) {
        let left = 0;
        for (const kind of await filledKinds(stage, key.name, context)) left += await removeAll(kind, key.name, context);
        if (left > 0) return waiting(`${left} objects in the namespace`, recheckMs);
      }
      await withoutFinalizer(context.objects, namespace, options.finalizer);
      return settled;
    },
  };
}

/** Looks at the same time: with a thousand kinds, most of which have nothing in most namespaces, one after another would take seconds. */
const looksAtOnce = 50;

async function filledKinds(kinds: readonly Kind[], namespace: string, context: ObjectContext): Promise<readonly Kind[]> {
  const filled: Kind[] = [];
  for (let start = 0; start < kinds.length; start += looksAtOnce) {
    context.signal.throwIfAborted();
    const some = kinds.slice(start, start + looksAtOnce);
    const listed = await Promise.all(some.map((kind) => context.objects.list(kind, { namespace })));
    filled.push(...some.filter((_, index) => (listed[index]?.length ?? 0) > 0));
  }
  return filled;
}

/** Asks all objects of a kind to go; returns how many finalizers, or others that use them, still hold. Nothing new can come in (K6). */
async function removeAll(kind: Kind, namespace: string, context: ObjectContext): Promise<number> {
  for (const object of await context.objects.list(kind, { namespace })) {
    context.signal.throwIfAborted();
    if (object.metadata.deletionTimestamp !== undefined) continue;
    const target = { apiVersion: kind.apiVersion, kind: kind.kind, namespace, name: object.metadata.name };
    await context.objects.delete(target, { uid: object.metadata.uid, propagationPolicy: "Background" }).catch((error: unknown) => {
      if (!isErrorCode(error, "TP_IN_USE")) throw error; // its users are in here too, or keep the namespace waiting
    });
  }
  return (await context.objects.list(kind, { namespace })).length;
}
