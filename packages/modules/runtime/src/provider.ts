import type { KubeClient } from "@threeport/client";
import type { ReconcileContext } from "@threeport/engine";
import type { Entrance } from "./local/entrances.ts";
import type { KubernetesRuntimeInstance } from "./runtime-kind.ts";

/** What stands behind `spec.provider`. Each call is safe to repeat after a kill at any point. */
export interface RuntimeProvider {
  /** Brings the cluster up if it is not; returns how to reach it. `progress` is shown to people while it takes long. */
  ensure(runtime: KubernetesRuntimeInstance, context: ReconcileContext, progress: (message: string) => void): Promise<{ readonly kubeconfig: string }>;
  /**
   * Looks at a cluster that answers, and starts again what of it has ended or hangs. Returns what is wrong still, in words that say what becomes
   * of it. Absent for clusters that are not ours.
   */
  mend?(runtime: KubernetesRuntimeInstance, cluster: KubeClient, options: MendOptions): Promise<Ailment | undefined>;
  /** Opens the way from this machine to the cluster's gateway; absent for clusters that are somewhere else. Safe to repeat. */
  entrance?(runtime: KubernetesRuntimeInstance): Promise<Entrance>;
  /** Removes what `ensure` made; nothing for clusters that are not ours. */
  remove(runtime: KubernetesRuntimeInstance, context: ReconcileContext): Promise<void>;
}

export interface MendOptions {
  readonly context: ReconcileContext;
  readonly progress: (message: string) => void;
}

/** Why a cluster that answers cannot be used. */
export interface Ailment {
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
}
