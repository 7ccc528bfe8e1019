import type { Child } from "../scene.ts";

/** Only the pods with this value of a label. Labels that are not there tell nothing apart. */
export function withLabel(pods: readonly Child[], label: string, value: string | undefined): Child[] {
  return value === undefined ? [...pods] : pods.filter((child) => labelOf(child, label) === value);
}

export function labelOf(child: Child, label: string): string | undefined {
  const value = metadataValue(child, "labels", label);
  return typeof value === "string" ? value : undefined;
}

export function annotationOf(child: Child, annotation: string): string | undefined {
  const value = metadataValue(child, "annotations", annotation);
  return typeof value === "string" ? value : undefined;
}

/** The child names `uid` among its owners. */
export function ownedBy(child: Child, uid: string): boolean {
  const owners = child.object.at("metadata", "ownerReferences").value;
  return Array.isArray(owners) && owners.some((owner: unknown) => typeof owner === "object" && owner !== null && (owner as { uid?: unknown }).uid === uid);
}

function metadataValue(child: Child, map: "labels" | "annotations", key: string): unknown {
  const values = child.object.at("metadata", map).value;
  return typeof values === "object" && values !== null && Object.hasOwn(values, key) ? (values as Record<string, unknown>)[key] : undefined;
}
