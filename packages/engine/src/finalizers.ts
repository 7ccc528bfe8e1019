import type { KubeObject, Objects } from "@threeport/resource";

/** The object with `finalizer` on it, written if it was not: before anything is made that has to be taken away again (§5.5). */
export async function withFinalizer<T extends KubeObject>(objects: Objects, object: T, finalizer: string): Promise<T> {
  const finalizers = object.metadata.finalizers ?? [];
  if (finalizers.includes(finalizer)) return object;
  return (await objects.commit<T>(object, { ...object, metadata: { ...object.metadata, finalizers: [...finalizers, finalizer] } })) ?? object;
}

/** Takes `finalizer` off; an object under deletion that has none left is gone with this write (K5). */
export async function withoutFinalizer<T extends KubeObject>(objects: Objects, object: T, finalizer: string): Promise<void> {
  const { finalizers = [], ...metadata } = object.metadata;
  if (!finalizers.includes(finalizer)) return;
  const rest = finalizers.filter((name) => name !== finalizer);
  await objects.commit<T>(object, { ...object, metadata: rest.length === 0 ? metadata : { ...metadata, finalizers: rest } });
}
