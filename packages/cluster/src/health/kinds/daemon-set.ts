import { healthy, routine, type Finding } from "../finding.ts";
import { unseenGeneration } from "../generation.ts";
import type { Scene } from "../scene.ts";
import { count } from "../text.ts";
import { blamePod, livePods, newestProblem } from "./blame.ts";

/** A DaemonSet; on a cluster without a matching node it has nothing to do, which is healthy. */
export function daemonSet(scene: Scene): Finding {
  const unseen = unseenGeneration(scene.object);
  if (unseen !== undefined) return unseen;
  const own = rollout(scene);
  return own.state === "Healthy" ? own : blamePod(own, newestProblem(scene, livePods(scene)));
}

function rollout({ object }: Scene): Finding {
  const desired = object.number("status", "desiredNumberScheduled");
  if (desired === undefined) return routine("Starting", "Its controller has not counted the nodes yet.", "/status/desiredNumberScheduled");
  if (desired === 0)
    return healthy(
      "NoMatchingNodes",
      "0 nodes match: no node has the labels or tolerated taints that it asks for, so it runs nowhere.",
      "/status/desiredNumberScheduled",
    );
  const status = (field: string): number => object.number("status", field) ?? 0;
  const available = status("numberAvailable");
  const tally = `It is available on ${available} of ${desired} nodes.`;
  const onDelete = object.text("spec", "updateStrategy", "type") === "OnDelete";
  const updated = status("updatedNumberScheduled");
  if (status("currentNumberScheduled") < desired)
    return routine("RollingOut", `${status("currentNumberScheduled")} of ${desired} nodes have a pod. ${tally}`, "/status/currentNumberScheduled");
  if (!onDelete && updated < desired)
    return routine("RollingOut", `${updated} of ${desired} nodes run the new version. ${tally}`, "/status/updatedNumberScheduled");
  if (status("numberReady") < desired) return routine("RollingOut", tally, "/status/numberReady");
  if (available < desired) return routine("RollingOut", tally, "/status/numberAvailable");
  const found = healthy("Available", tally, "/status/numberAvailable");
  return onDelete && updated < desired
    ? {
        ...found,
        warning: `${count(desired - updated, "node")} still run the old version: with updateStrategy OnDelete each pod is replaced when somebody deletes it.`,
      }
    : found;
}
