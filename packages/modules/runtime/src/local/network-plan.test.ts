import { expect, test } from "vitest";
import { collidesWith, loadBalancerAddresses, networkPlan, routedCidrs, slotCount } from "./network-plan.ts";

const plans = Array.from({ length: slotCount }, (_, slot) => networkPlan(slot));

/** First and last address of a range, as numbers. */
function range(cidr: string): [number, number] {
  const [address = "", prefix = ""] = cidr.split("/");
  const first = address.split(".").reduce((number, part) => number * 256 + Number(part), 0);
  return [first, first + 2 ** (32 - Number(prefix)) - 1];
}

test("no two clusters share an address, a name or a control group", () => {
  const ranges = plans.flatMap((plan) => routedCidrs(plan).map(range)).sort(([a], [b]) => a - b);
  for (const [index, [first]] of ranges.entries()) expect(first).toBeGreaterThan(ranges[index - 1]?.[1] ?? 0);
  expect(new Set(plans.map((plan) => plan.hostLink)).size).toBe(slotCount);
  expect(new Set(plans.map((plan) => plan.cgroupRoot)).size).toBe(slotCount);
  for (const plan of plans) expect(plan.hostLink.length).toBeLessThanOrEqual(15); // IFNAMSIZ
});

test("every range starts on its own boundary, and the addresses in it belong to it", () => {
  for (const plan of plans) {
    for (const cidr of routedCidrs(plan)) {
      const [first, last] = range(cidr);
      expect(first % (last - first + 1)).toBe(0);
    }
    for (const [address, cidr] of [
      [plan.nodeIp, plan.nodeCidr],
      [plan.hostIp, plan.nodeCidr],
      [plan.apiServiceIp, plan.serviceCidr],
      [plan.dnsIp, plan.serviceCidr],
    ] as const) {
      const [first, last] = range(cidr);
      const [number] = range(`${address}/32`);
      expect(number).toBeGreaterThan(first);
      expect(number).toBeLessThan(last);
    }
  }
});

test.each([-1, 32, 1.5])("slot %s does not exist", (slot) => {
  expect(() => networkPlan(slot)).toThrow(RangeError);
});

const collisions = [
  { route: "10.200.1.0/24", collides: true, because: "a network of the host has these very addresses" },
  { route: "10.200.0.0/16", collides: true, because: "a network of the host contains ours" },
  { route: "10.202.8.77", collides: true, because: "a route to one host of our range" },
  { route: "10.201.16.0/21", collides: false, because: "it belongs to another slot" },
  { route: "10.0.0.0/8", collides: false, because: "a VPN's wide route gives way to our narrower one" },
  { route: "default", collides: false, because: "everything is narrower than the default route" },
  { route: "192.168.1.0/24", collides: false, because: "it is elsewhere" },
];
test.each(collisions)("a host route to $route collides with slot 1: $collides, because $because", ({ route, collides }) => {
  expect(collidesWith(networkPlan(1), route)).toBe(collides);
});

test("load balancers have addresses of their own in the node's range: not the host's, not the node's, not the broadcast address", () => {
  const plan = networkPlan(3);
  const addresses = loadBalancerAddresses(plan);
  expect(new Set(addresses).size).toBe(127);
  expect([addresses[0], addresses.at(-1)]).toEqual(["10.200.3.128", "10.200.3.254"]);
  expect(plan.loadBalancerCidr).toBe("10.200.3.128/25");
  expect(addresses).not.toContain(plan.nodeIp);
  expect(addresses).not.toContain(plan.hostIp);
});
