import { resourceSetKind, type ResourceSet } from "@threeport/cluster";
import { findCondition, type Verdict } from "@threeport/engine";
import type { KubeObject, Objects } from "@threeport/resource";

/**
 * Removes a ResourceSet that the owner made. Its finalizer holds it until the cluster has let go of the objects. One of the name that somebody else made stays.
 * @returns what to tell until it is gone: what its objects wait for, for how long too (Q7); undefined when there is none
 */
export async function removeOwnSet(
  owner: KubeObject,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  objects: Pick<Objects, "get" | "delete">,
): Promise<Verdict | undefined> {
  const target = { apiVersion: resourceSetKind.apiVersion, kind: resourceSetKind.kind, namespace, name };
  const set = await objects.get<ResourceSet>(target);
  if (set === undefined || !(set.metadata.ownerReferences ?? []).some(({ uid }) => uid === owner.metadata.uid)) return undefined;
  await objects.delete(target, { uid: set.metadata.uid ?? "" });
  const told = findCondition(set, "Ready");
  const deleting = told?.reason === "Deleting" ? told : undefined;
  const state = deleting !== undefined && findCondition(set, "Stalled")?.status === "True" ? "stalled" : "reconciling";
  return { state, reason: "Deleting", message: deleting?.message ?? "its objects are being removed from the cluster" };
}
