import type { Kind, StoredObject } from "@threeport/resource";
import { settled, waiting, type Reconciler } from "./reconciler.ts";

export interface NamespaceOptions {
  /** Holds a namespace until this reconciler removed its contents. */
  readonly finalizer: string;
  /** All kinds that live in namespaces, as they are now. */
  readonly namespacedKinds: () => readonly Kind[];
}

/** How soon the contents are looked at again while finalizers hold them. */
const recheckMs = 500;

/** Removes the contents of a namespace under deletion, then lets it go. Contents in use wait; they never meet a 409 (design.md §5.7). */
export function namespaceReconciler(options: NamespaceOptions): Reconciler {
  return {
    queue: "namespaces",
    async reconcile(key, context) {
      const namespace = await context.objects.get<StoredObject>({ apiVersion: "v1", kind: "Namespace", name: key.name });
      if (namespace?.metadata.deletionTimestamp === undefined || !(namespace.metadata.finalizers ?? []).includes(options.finalizer)) return settled;
      let left = 0;
      for (const kind of options.namespacedKinds()) {
        const objects = await context.objects.list(kind, { namespace: key.name });
        left += objects.length;
        for (const object of objects) {
          context.signal.throwIfAborted();
          if (object.metadata.deletionTimestamp !== undefined) continue;
          await context.objects.delete({ apiVersion: kind.apiVersion, kind: kind.kind, namespace: key.name, name: object.metadata.name }, { uid: object.metadata.uid, propagationPolicy: "Background" });
        }
      }
      // Deleted now does not mean gone: the next look finds what finalizers still hold. Nothing new can come in (K6).
      if (left > 0) return waiting(`${left} objects in the namespace`, recheckMs);
      const finalizers = (namespace.metadata.finalizers ?? []).filter((name) => name !== options.finalizer);
      const { finalizers: _, ...metadata } = namespace.metadata;
      await context.objects.commit<StoredObject>(namespace, { ...namespace, metadata: finalizers.length === 0 ? metadata : { ...metadata, finalizers } });
      return settled;
    },
  };
}
