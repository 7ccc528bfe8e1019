import fc from "fast-check";
import { expect, test } from "vitest";
import type { Service } from "./kinds.ts";
import { planAddresses } from "./load-balancers.ts";

const pool = ["10.200.0.128", "10.200.0.129", "10.200.0.130"];

interface Given {
  readonly type?: string;
  readonly className?: string;
  readonly address?: string;
  readonly age?: number;
}

function service(name: string, { type = "LoadBalancer", className, address, age = 0 }: Given = {}): Service {
  const creationTimestamp = `2026-01-01T00:00:${String(59 - age).padStart(2, "0")}Z`;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "default", uid: name, creationTimestamp, resourceVersion: "1", generation: 1 },
    spec: { type, ...(className === undefined ? {} : { loadBalancerClass: className }) },
    ...(address === undefined ? {} : { status: { loadBalancer: { ingress: [{ ip: address }] } } }),
  } as unknown as Service;
}

/** Service → address, as a plan says. */
function changed(services: readonly Service[]): Record<string, string | undefined> {
  return Object.fromEntries(planAddresses(services, pool).changes.map(({ service: { metadata }, address }) => [metadata.name, address]));
}

const cases: { name: string; because: string; services: Service[]; changes: Record<string, string | undefined>; without?: string[] }[] = [
  { name: "a new one gets the lowest free address", because: "…129 is free", services: [service("old", { address: pool[0] as string, age: 9 }), service("new")], changes: { new: pool[1] } },
  { name: "an address is kept", because: "A1", services: [service("a", { address: pool[2] as string })], changes: {} },
  { name: "of two with one address the older keeps it", because: "A2", services: [service("young", { address: pool[0] as string }), service("old", { address: pool[0] as string, age: 9 })], changes: { young: pool[1] } },
  { name: "an address outside of the range is replaced", because: "the cluster got another slot", services: [service("a", { address: "10.200.7.128" })], changes: { a: pool[0] } },
  { name: "one that is no load balancer any more loses it", because: "A3", services: [service("a", { type: "ClusterIP", address: pool[0] as string })], changes: { a: undefined } },
  { name: "one of another class is left alone", because: "somebody else serves it", services: [service("a", { className: "example.com/lb" }), service("b", { className: "example.com/lb", address: "192.0.2.1" })], changes: {} },
  { name: "our class by name is ours", because: "it may be said", services: [service("a", { className: "threeport.io/local" })], changes: { a: pool[0] } },
  {
    name: "more than there are addresses",
    because: "the youngest wait",
    services: ["a", "b", "c", "d"].map((name, index) => service(name, { age: 9 - index })),
    changes: { a: pool[0], b: pool[1], c: pool[2] },
    without: ["d"],
  },
]; // prettier-ignore
test.each(cases)("$name, because $because", ({ services, changes, without = [] }) => {
  expect(changed(services)).toEqual(changes);
  expect(planAddresses(services, pool).without.map(({ metadata }) => metadata.name)).toEqual(without);
});

test("A1, A2: whatever there is, one look gives every load balancer an address of its own as far as they go, and a second look changes nothing", () => {
  const given = fc.record({
    type: fc.constantFrom("LoadBalancer", "ClusterIP"),
    address: fc.constantFrom(...pool, "192.0.2.7", undefined),
    age: fc.nat(59),
  });
  fc.assert(
    fc.property(fc.array(given, { maxLength: 8 }), (list) => {
      const services = list.map((each, index) => service(`s${index}`, each as Given));
      const { changes } = planAddresses(services, pool);
      const after = services.map((each) => {
        const change = changes.find(({ service: { metadata } }) => metadata.name === each.metadata.name);
        if (change === undefined) return each;
        return { ...each, status: { loadBalancer: change.address === undefined ? {} : { ingress: [{ ip: change.address }] } } };
      });
      const held = after.filter(({ spec }) => spec.type === "LoadBalancer").flatMap(({ status }) => status?.loadBalancer?.ingress?.map(({ ip }) => ip) ?? []);
      expect(new Set(held).size).toBe(held.length);
      expect(held).toHaveLength(Math.min(pool.length, services.filter(({ spec }) => spec.type === "LoadBalancer").length));
      expect(planAddresses(after, pool).changes).toEqual([]);
    }),
  );
});
