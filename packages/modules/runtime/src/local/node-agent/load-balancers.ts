import type { Service } from "./kinds.ts";

// Addresses of Services of type LoadBalancer. Whatever is in use stands in the Services themselves: there is nothing else to keep, or to lose.
//   A1  A Service keeps its address for as long as it is of this type.
//   A2  No two Services have the same address; of two that do, the older one keeps it.
//   A3  An address is free again as soon as no Service has it.

/** Services that ask for another class are another implementation's. */
const loadBalancerClass = "threeport.io/local";

export interface AddressChange {
  readonly service: Service;
  /** Undefined takes the address away. */
  readonly address: string | undefined;
}

export interface AddressPlan {
  readonly changes: readonly AddressChange[];
  /** For these there is no address left. */
  readonly without: readonly Service[];
}

/** What has to change so that A1 to A3 hold. Pure: the same Services give the same plan. */
export function planAddresses(services: readonly Service[], pool: readonly string[]): AddressPlan {
  const ours = services.filter(isOurs).sort(byAge);
  const inPool = new Set(pool);
  const holders = new Map<string, Service>();
  for (const service of ours) {
    const address = addressOf(service);
    if (address !== undefined && inPool.has(address) && !holders.has(address)) holders.set(address, service);
  }
  const free = pool.filter((address) => !holders.has(address));
  const changes: AddressChange[] = [];
  const without: Service[] = [];
  for (const service of ours) {
    const current = addressOf(service);
    if (current !== undefined && holders.get(current) === service) continue;
    const address = free.shift();
    if (address === undefined) without.push(service);
    if (address !== current) changes.push({ service, address });
  }
  for (const service of services) {
    const address = addressOf(service);
    if (!isOurs(service) && address !== undefined && inPool.has(address)) changes.push({ service, address: undefined });
  }
  return { changes, without };
}

function isOurs({ spec }: Service): boolean {
  return spec.type === "LoadBalancer" && (spec.loadBalancerClass === undefined || spec.loadBalancerClass === loadBalancerClass);
}

function addressOf(service: Service): string | undefined {
  return service.status?.loadBalancer?.ingress?.[0]?.ip;
}

function byAge({ metadata: a }: Service, { metadata: b }: Service): number {
  const [left, right] = [`${a.creationTimestamp ?? ""} ${a.uid}`, `${b.creationTimestamp ?? ""} ${b.uid}`];
  return left < right ? -1 : left > right ? 1 : 0;
}
