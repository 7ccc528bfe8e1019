import { clone } from "./clone.ts";
import { dependencies } from "./dependencies.ts";
import { deployChangeDelete } from "./deploy-change-delete.ts";
import { handsInTheCluster } from "./hands-in-the-cluster.ts";
import { restoredBackup } from "./restored-backup.ts";
import { rollback } from "./rollback.ts";
import { rotateAndRematch } from "./rotate-and-rematch.ts";
import { routes } from "./routes.ts";
import { runtimeLost } from "./runtime-lost.ts";
import { scale } from "./scale.ts";
import type { Scenario } from "./story.ts";
import { twoWorkloads } from "./two-workloads.ts";

export type { Scenario, Step } from "./story.ts";

/** Stories by name; each call tells one anew. Later modules join by adding theirs. */
export const scenarios: readonly (() => Scenario)[] = [
  () => deployChangeDelete,
  () => rollback,
  () => scale,
  () => twoWorkloads,
  () => dependencies,
  () => rotateAndRematch,
  () => routes,
  () => clone,
  () => runtimeLost,
  () => handsInTheCluster,
  restoredBackup,
];
