import { unlessWrong, type Cursor } from "../cursor.ts";

/** The names of the PersistentVolumeClaims that a Pod mounts. */
export function claimsOf(pod: Cursor): string[] {
  const names = unlessWrong(() => pod.list("spec", "volumes").map((volume) => volume.text("persistentVolumeClaim", "claimName"))) ?? [];
  return names.filter((name) => name !== undefined);
}
