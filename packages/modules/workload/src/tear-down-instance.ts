import { leaveNamespace } from "@threeport/module-environment";
import { resourceSetKind, type ResourceSet } from "@threeport/cluster";
import { conditionsOf, findCondition, settled, waiting, withoutFinalizer, type Outcome, type ReconcileContext } from "@threeport/engine";
import type { WorkloadInstance } from "./kinds/index.ts";

export const instanceFinalizer = "threeport.io/instance";

/** While something is being removed, it is looked at this often. */
export const removalRecheckMs = 1_000;

/** The set goes first; its finalizer holds it until the cluster has let go of the objects. The shared namespace follows with its last owner. */
export async function tearDown(instance: WorkloadInstance, context: ReconcileContext): Promise<Outcome> {
  if (!(instance.metadata.finalizers ?? []).includes(instanceFinalizer)) return settled;
  const namespace = instance.metadata.namespace ?? "";
  const set = await context.objects.get<ResourceSet>({
    apiVersion: resourceSetKind.apiVersion,
    kind: resourceSetKind.kind,
    namespace,
    name: instance.metadata.name,
  });
  if (set !== undefined && (set.metadata.ownerReferences ?? []).some((owner) => owner.uid === instance.metadata.uid)) {
    await context.objects.delete(
      { apiVersion: resourceSetKind.apiVersion, kind: resourceSetKind.kind, namespace, name: instance.metadata.name },
      { uid: set.metadata.uid ?? "" },
    );
    // What its objects wait for is what it waits for, and for how long too (Q7).
    const told = findCondition(set, "Ready");
    const deleting = told?.reason === "Deleting" ? told : undefined;
    const state = deleting !== undefined && findCondition(set, "Stalled")?.status === "True" ? "stalled" : "reconciling";
    const message = deleting?.message ?? "its objects are being removed from the cluster";
    await context.objects.patchStatus<WorkloadInstance>({
      ...instance,
      status: { ...instance.status, conditions: conditionsOf(instance, { state, reason: "Deleting", message }, context.clock) },
    });
    return waiting(message, removalRecheckMs);
  }
  await leaveNamespace(instance, { runtime: instance.spec.runtime, targetNamespace: instance.status?.targetNamespace }, context);
  await withoutFinalizer(context.objects, instance, instanceFinalizer);
  return settled;
}
