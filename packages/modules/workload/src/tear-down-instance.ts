import { leaveNamespace, removeOwnSet } from "@threeport/module-environment";
import { conditionsOf, settled, waiting, withoutFinalizer, type Outcome, type ReconcileContext } from "@threeport/engine";
import type { WorkloadInstance } from "./kinds/index.ts";

export const instanceFinalizer = "threeport.io/instance";

/** While something is being removed, it is looked at this often. */
export const removalRecheckMs = 1_000;

/** The set goes first; its finalizer holds it until the cluster has let go of the objects. The shared namespace follows with its last owner. */
export async function tearDown(instance: WorkloadInstance, context: ReconcileContext): Promise<Outcome> {
  if (!(instance.metadata.finalizers ?? []).includes(instanceFinalizer)) return settled;
  const { name, namespace = "" } = instance.metadata;
  const going = await removeOwnSet(instance, { namespace, name }, context.objects);
  if (going !== undefined) {
    await context.objects.patchStatus<WorkloadInstance>({
      ...instance,
      status: { ...instance.status, conditions: conditionsOf(instance, going, context.clock) },
    });
    return waiting(going.message, removalRecheckMs);
  }
  await leaveNamespace(instance, { runtime: instance.spec.runtime, targetNamespace: instance.status?.targetNamespace }, context);
  await withoutFinalizer(context.objects, instance, instanceFinalizer);
  return settled;
}
