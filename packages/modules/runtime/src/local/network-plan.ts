/** Clusters on one machine at once. Each has a slot, and whatever must differ between clusters follows from its number. */
export const slotCount = 32;

/** Names and addresses of one cluster. Pure: the same slot always gives the same plan, so a later process finds everything. */
export interface NetworkPlan {
  readonly slot: number;
  /** The host's end of the cable into the node's network namespace. */
  readonly hostLink: string;
  readonly hostIp: string;
  readonly nodeIp: string;
  readonly nodeCidr: string;
  readonly podCidr: string;
  readonly serviceCidr: string;
  /** The upper half of the node's own range: addresses of Services of type LoadBalancer. */
  readonly loadBalancerCidr: string;
  /** ClusterIP of the Service `kubernetes`: the first of its range. */
  readonly apiServiceIp: string;
  readonly dnsIp: string;
  /** Control group of the node, as a path below each hierarchy. */
  readonly cgroupRoot: string;
}

/** Pods and services get a /21 each (2,046 addresses): 32 of them fill one /16. */
const blocksOf256 = 8;

export function networkPlan(slot: number): NetworkPlan {
  if (!Number.isInteger(slot) || slot < 0 || slot >= slotCount) throw new RangeError(`slot ${slot} is not in 0..${slotCount - 1}`);
  const block = slot * blocksOf256;
  return {
    slot,
    hostLink: `tp${slot}`,
    hostIp: `10.200.${slot}.1`,
    nodeIp: `10.200.${slot}.2`,
    nodeCidr: `10.200.${slot}.0/24`,
    podCidr: `10.201.${block}.0/21`,
    serviceCidr: `10.202.${block}.0/21`,
    loadBalancerCidr: `10.200.${slot}.128/25`,
    apiServiceIp: `10.202.${block}.1`,
    dnsIp: `10.202.${block}.10`,
    cgroupRoot: `/tp-${slot}`,
  };
}

/** The address ranges that the host routes into this cluster. */
export function routedCidrs(plan: NetworkPlan): readonly string[] {
  return [plan.nodeCidr, plan.podCidr, plan.serviceCidr];
}

/** 127 addresses: the last one of the range is the broadcast address of the node's. */
export function loadBalancerAddresses(plan: NetworkPlan): readonly string[] {
  return Array.from({ length: 127 }, (_, index) => `10.200.${plan.slot}.${128 + index}`);
}

/** A route at least this specific belongs to a real network; wider ones (a VPN's 10.0.0.0/8) give way to ours. */
const specificPrefixMin = 16;

/** Whether a route of the host (`10.200.0.0/16`, `10.1.2.3`, `default`) would be cut by this plan. */
export function collidesWith(plan: NetworkPlan, route: string): boolean {
  const there = parseCidr(route);
  if (there === undefined || there.prefix < specificPrefixMin) return false;
  return routedCidrs(plan).some((cidr) => {
    const ours = parseCidr(cidr);
    return ours !== undefined && overlap(ours, there);
  });
}

interface Cidr {
  readonly address: number;
  readonly prefix: number;
}

function parseCidr(text: string): Cidr | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)(?:\/(\d+))?$/.exec(text);
  if (match === null) return undefined;
  const [, a, b, c, d, prefix] = match;
  return { address: ((Number(a) * 256 + Number(b)) * 256 + Number(c)) * 256 + Number(d), prefix: prefix === undefined ? 32 : Number(prefix) };
}

function overlap(left: Cidr, right: Cidr): boolean {
  const size = 2 ** (32 - Math.min(left.prefix, right.prefix));
  return Math.floor(left.address / size) === Math.floor(right.address / size);
}
