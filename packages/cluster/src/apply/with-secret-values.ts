import type { ReconcileContext } from "@threeport/engine";
import { mapSecretValues, markedDigest, PlatformError, secretDigests, type KubeObject } from "@threeport/resource";
import { idOf, idWords } from "../identity.ts";

/** The object with the values of a Secret in place of their marks, as it goes to the cluster. Only for the call: nothing else may hold it. */
export async function withSecretValues(object: KubeObject, context: Pick<ReconcileContext, "blobs">, namespace: string): Promise<KubeObject> {
  const values = new Map<string, unknown>();
  for (const digest of secretDigests([object])) {
    const text = await context.blobs.get(digest);
    const [owner, value] = text === undefined ? [] : (JSON.parse(text) as [string, unknown]);
    if (owner !== namespace)
      throw new PlatformError("TP_INTERNAL", {
        message: `a value of ${idWords(idOf(object))} is not in the store; restore it from a backup, or write the value again`,
      });
    values.set(digest, value);
  }
  return values.size === 0 ? object : mapSecretValues(object, (value) => values.get(markedDigest(value) ?? "") ?? value);
}
