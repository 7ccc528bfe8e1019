import type { ReconcileContext } from "@threeport/engine";
import type { KubernetesRuntimeInstance } from "./runtime-kind.ts";

/** What stands behind `spec.provider`. Each call is safe to repeat after a kill at any point. */
export interface RuntimeProvider {
  /** Brings the cluster up if it is not; returns how to reach it. `progress` is shown to people while it takes long. */
  ensure(runtime: KubernetesRuntimeInstance, context: ReconcileContext, progress: (message: string) => void): Promise<{ readonly kubeconfig: string }>;
  /** Removes what `ensure` made; nothing for clusters that are not ours. */
  remove(runtime: KubernetesRuntimeInstance, context: ReconcileContext): Promise<void>;
}
