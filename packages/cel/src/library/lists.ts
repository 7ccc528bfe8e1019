import type { Environment } from "@marcbachmann/cel-js";
import { spend, weightOf } from "../budget.ts";

export type Equal = (a: unknown, b: unknown) => boolean;

type Comparable = bigint | number | string | boolean | Date;

/** Lists and sets as Kubernetes offers them. */
export function registerLists(environment: Environment, equal: Equal): void {
  for (const type of ["int", "double", "string", "bool", "google.protobuf.Timestamp", "google.protobuf.Duration"]) {
    environment
      .registerFunction(`list<${type}>.isSorted(): bool`, (list: readonly Comparable[]) =>
        list.every((value, index) => index === 0 || (list[index - 1] ?? value) <= value),
      )
      .registerFunction(`list<${type}>.min(): ${type}`, (list: readonly Comparable[]) => extreme(list, (a, b) => a < b))
      .registerFunction(`list<${type}>.max(): ${type}`, (list: readonly Comparable[]) => extreme(list, (a, b) => a > b));
  }
  environment
    .registerFunction("list<int>.sum(): int", (list: readonly bigint[]) => list.reduce((sum, value) => sum + value, 0n))
    .registerFunction("list<double>.sum(): double", (list: readonly number[]) => list.reduce((sum, value) => sum + value, 0))
    .registerFunction("list<A>.indexOf(A): int", (list: readonly unknown[], wanted: unknown) => BigInt(indexOf(list, wanted, equal)))
    .registerFunction("list<A>.lastIndexOf(A): int", (list: readonly unknown[], wanted: unknown) =>
      BigInt(list.findLastIndex((value) => same(value, wanted, equal))),
    );

  class Sets {}
  environment
    .registerType("Sets", { ctor: Sets, fields: {} })
    .registerConstant("sets", "Sets", new Sets())
    .registerFunction("Sets.contains(list, list): bool", (_: Sets, all: readonly unknown[], some: readonly unknown[]) => contains(all, some, equal))
    .registerFunction(
      "Sets.equivalent(list, list): bool",
      (_: Sets, a: readonly unknown[], b: readonly unknown[]) => contains(a, b, equal) && contains(b, a, equal),
    )
    .registerFunction("Sets.intersects(list, list): bool", (_: Sets, a: readonly unknown[], b: readonly unknown[]) =>
      a.some((value) => indexOf(b, value, equal) >= 0),
    );
}

function extreme(list: readonly Comparable[], better: (a: Comparable, b: Comparable) => boolean): Comparable {
  const [first, ...rest] = list;
  if (first === undefined) throw new RangeError("min and max are not defined for an empty list");
  return rest.reduce<Comparable>((best, value) => (better(value, best) ? value : best), first);
}

function contains(all: readonly unknown[], some: readonly unknown[], equal: Equal): boolean {
  return some.every((value) => indexOf(all, value, equal) >= 0);
}

function indexOf(list: readonly unknown[], wanted: unknown, equal: Equal): number {
  return list.findIndex((value) => same(value, wanted, equal));
}

function same(a: unknown, b: unknown, equal: Equal): boolean {
  spend(1 + weightOf(a));
  return equal(a, b);
}
