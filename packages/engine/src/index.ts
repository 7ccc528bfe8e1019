export { conditionsOf, findCondition, isOverdue, isReadyNow, withConditions, type Verdict } from "./conditions.ts";
export { definitionsReconciler } from "./definitions.ts";
export { fanoutReconciler } from "./fanout.ts";
export { withFinalizer, withoutFinalizer } from "./finalizers.ts";
export { gcReconciler } from "./gc.ts";
export { startHousekeeping } from "./housekeeping.ts";
export { createMetrics, type EngineMetrics } from "./metrics.ts";
export { namespaceReconciler } from "./namespaces.ts";
export { resealReconciler } from "./reseal.ts";
export {
  recheck,
  settled,
  waiting,
  type BoundInventory,
  type Outcome,
  type ReconcileContext,
  type ObjectReconciler,
  type Reconciler,
  type ReconcileKey,
} from "./reconciler.ts";
export { createEngine, engineUser, type Engine, type EngineOptions } from "./worker.ts";
