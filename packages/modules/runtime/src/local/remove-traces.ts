import type { Clock, Exec } from "@threeport/platform";
import { removeCgroups } from "./cgroups.ts";
import { disconnectNode, linkExists, remainingRoutes } from "./host-network.ts";
import { networkPlan } from "./network-plan.ts";
import { killNode } from "./node-processes.ts";
import type { SlotRecord } from "./slots.ts";
import { waitFor } from "./wait.ts";

/** A process that does not end within this is stuck in the kernel, and waiting longer rarely helps. */
const processDeadlineMs = 20_000;
const cgroupDeadlineMs = 10_000;
/** The kernel takes a dead network namespace apart in the background, one after another. */
const linkDeadlineMs = 10_000;

/**
 * Removes all that a cluster has on this machine outside its state folder: processes (and with them namespaces, mounts and
 * containers), the cable with its routes, control groups. Returns what is left, in words; normally nothing. Safe to repeat.
 */
export async function removeTraces(record: SlotRecord, seams: { readonly exec: Exec; readonly clock: Clock }): Promise<string[]> {
  const { exec, clock } = seams;
  const plan = networkPlan(record.slot);
  const processes = await killNode(record.id, { clock, deadlineMs: processDeadlineMs });
  await disconnectNode(exec, plan);
  const gone = async () => ((await linkExists(exec, plan.hostLink)) ? undefined : true);
  const linkGone = await waitFor("the removal of the cable", gone, { clock, deadlineMs: linkDeadlineMs }).catch(() => false);
  const cgroups = await removeCgroups(plan.cgroupRoot, { clock, deadlineMs: cgroupDeadlineMs });
  return [
    ...processes.map(({ pid }) => `process ${pid}`),
    ...(linkGone ? [] : [`network link ${plan.hostLink}`]),
    ...(await remainingRoutes(exec, plan)).map((route) => `route ${route}`),
    ...cgroups.map((path) => `control group ${path}`),
  ];
}
