import type { Exec } from "@threeport/platform";
import { PlatformError } from "@threeport/resource";
import { type NetworkPlan, routedCidrs } from "./network-plan.ts";

/**
 * Connects the node's network namespace to the host: a cable (veth pair) and routes to the node's pods, services and load balancers. The
 * host's packet filter is left alone, so pods reach the host but not what lies behind it. Safe to repeat.
 */
export async function connectNode(exec: Exec, plan: NetworkPlan, initPid: number): Promise<void> {
  if (!(await linkExists(exec, plan.hostLink))) {
    await ip(exec, [`link add ${plan.hostLink} type veth peer name eth0 netns ${initPid}`]);
  }
  await ip(exec, [
    `addr replace ${plan.hostIp}/24 dev ${plan.hostLink}`,
    `link set ${plan.hostLink} up`,
    `route replace ${plan.podCidr} via ${plan.nodeIp} onlink dev ${plan.hostLink}`,
    `route replace ${plan.loadBalancerCidr} via ${plan.nodeIp} dev ${plan.hostLink}`,
    `route replace ${plan.serviceCidr} via ${plan.nodeIp} onlink dev ${plan.hostLink}`,
  ]);
  const inside = [`addr replace ${plan.nodeIp}/24 dev eth0`, "link set eth0 up", `route replace default via ${plan.hostIp}`];
  await ip(exec, inside, [`--net=/proc/${initPid}/ns/net`]);
}

/** Cuts the cable; its other end and the routes go with it. */
export async function disconnectNode(exec: Exec, plan: NetworkPlan): Promise<void> {
  if (!(await linkExists(exec, plan.hostLink))) return;
  await exec.run("ip", ["link", "del", plan.hostLink]); // may have gone by itself meanwhile, as the namespace ended
}

export async function linkExists(exec: Exec, link: string): Promise<boolean> {
  return (await exec.run("ip", ["link", "show", "dev", link])).code === 0;
}

/** Destinations of the host's IPv4 routes (`10.0.0.0/8`, `default`), those of our own cables left out. */
export async function hostRoutes(exec: Exec): Promise<string[]> {
  const { stdout } = await exec.run("ip", ["-4", "route", "show"]);
  return stdout
    .split("\n")
    .filter((line) => line !== "" && !/\bdev tp\d+\b/.test(line))
    .map((line) => line.split(" ")[0] ?? "");
}

/** Routes of this plan that the host still has. */
export async function remainingRoutes(exec: Exec, plan: NetworkPlan): Promise<string[]> {
  const { stdout } = await exec.run("ip", ["-4", "route", "show"]);
  const ours = [...routedCidrs(plan), plan.loadBalancerCidr];
  return stdout.split("\n").filter((line) => ours.some((cidr) => line.startsWith(`${cidr} `)));
}

async function ip(exec: Exec, commands: readonly string[], nsenter?: readonly string[]): Promise<void> {
  const batch = ["-batch", "-"];
  const input = `${commands.join("\n")}\n`;
  const result = nsenter === undefined ? await exec.run("ip", batch, { input }) : await exec.run("nsenter", [...nsenter, "ip", ...batch], { input });
  if (result.code === 0) return;
  throw new PlatformError("TP_LOCAL_KUBERNETES_FAILED", {
    message: `The node's network could not be connected: ${result.stderr.trim()}`,
    detail: { commands },
  });
}
