import type { Obstacle } from "./room.ts";

/** What kube-scheduler 1.36 says of a pod that no node takes. */
export function unschedulableMessage(obstacles: readonly Obstacle[]): string {
  if (obstacles.length === 0) return "no nodes available to schedule pods";
  const fate = obstacles.map(({ hopeless }) => ({
    reasons: [hopeless ? "Preemption is not helpful for scheduling" : "No preemption victims found for incoming pod"],
  }));
  return `${availability(obstacles)} ${afterwards(availability(fate))}`;
}

/** The same where something of the pod itself stands in the way on every node. */
export function unschedulableAnywhere(nodes: number, problem: string): string {
  if (nodes === 0) return "no nodes available to schedule pods";
  return `0/${nodes} nodes are available: ${problem}. ${afterwards(`0/${nodes} nodes are available: ${nodes} Preemption is not helpful for scheduling.`)}`;
}

/** Its plugins are asked one after another, also for pods without resource claims. */
function afterwards(preemption: string): string {
  return `no new claims to deallocate, preemption: ${preemption}`;
}

function availability(nodes: readonly { readonly reasons: readonly string[] }[]): string {
  const counts = new Map<string, number>();
  for (const { reasons } of nodes) for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const told = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
  return `0/${nodes.length} nodes are available: ${told.join(", ")}.`;
}
