import { parseQuantity } from "@threeport/resource";
import { fieldsOf, type Fields } from "../controllers/owned.ts";

/** Amounts by resource (`cpu`, `memory`, `pods`), in thousandths of their unit: exact for what real nodes have, and cheap to add. */
export type Amounts = ReadonlyMap<string, number>;

const nanosPerThousandth = 1_000_000n;

/** Reads `cpu: 100m, memory: 1Gi`. What is finer than a thousandth is rounded up. What is no quantity counts as nothing. */
export function amountsOf(value: unknown): Amounts {
  return new Map(Object.entries(fieldsOf(value)).map(([name, quantity]) => [name, thousandths(quantity)]));
}

function thousandths(quantity: unknown): number {
  try {
    return Number((parseQuantity(quantity as string | number).nanos + nanosPerThousandth - 1n) / nanosPerThousandth);
  } catch {
    return 0; // the schema lets through what nobody can read
  }
}

/** What a pod asks for, with its place as a pod: containers together, or the largest init container where that is more. */
export function requestsOf(podSpec: unknown): Amounts {
  const spec = fieldsOf(podSpec);
  const total = new Map<string, number>([["pods", 1_000]]);
  for (const container of containersIn(spec, "containers"))
    for (const [name, amount] of amountsOf(fieldsOf(container["resources"])["requests"])) total.set(name, (total.get(name) ?? 0) + amount);
  for (const container of containersIn(spec, "initContainers"))
    for (const [name, amount] of amountsOf(fieldsOf(container["resources"])["requests"])) total.set(name, Math.max(total.get(name) ?? 0, amount));
  return total;
}

export function containersIn(spec: Fields, field: "containers" | "initContainers"): readonly Fields[] {
  return (spec[field] as readonly Fields[] | undefined) ?? [];
}
