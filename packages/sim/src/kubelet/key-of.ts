import type { StoredObject } from "@threeport/resource";
import { workKey } from "@threeport/store";

/** The key that controllers know a pod by. */
export function keyOf({ metadata }: StoredObject): string {
  return workKey(metadata.namespace ?? "", metadata.name);
}
