import type { Environment } from "@marcbachmann/cel-js";
import { addQuantities, compareQuantities, parseQuantity, type Quantity } from "@threeport/resource";

class CelQuantity {
  readonly value: Quantity;
  constructor(value: Quantity) {
    this.value = value;
  }
}

const nano = 1_000_000_000n;

/** Resource quantities (`100m`, `2Gi`) as Kubernetes offers them. */
export function registerQuantities(environment: Environment): void {
  const parse = (text: string): CelQuantity => new CelQuantity(parseQuantity(text));
  const negated = ({ value }: CelQuantity): Quantity => ({ ...value, nanos: -value.nanos });
  const whole = (count: bigint): Quantity => ({ nanos: count * nano, format: "DecimalSI" });
  environment
    .registerType("Quantity", { ctor: CelQuantity, fields: {} })
    .registerFunction("quantity(string): Quantity", parse)
    .registerFunction("isQuantity(string): bool", (text: string) => {
      try {
        parse(text);
        return true;
      } catch {
        return false; // what cannot be read is no quantity
      }
    })
    .registerFunction("Quantity.isInteger(): bool", ({ value }: CelQuantity) => value.nanos % nano === 0n)
    .registerFunction("Quantity.asInteger(): int", ({ value }: CelQuantity) => {
      if (value.nanos % nano !== 0n) throw new RangeError("the quantity is not a whole number");
      return value.nanos / nano;
    })
    .registerFunction("Quantity.asApproximateFloat(): double", ({ value }: CelQuantity) => Number(value.nanos) / Number(nano))
    .registerFunction("sign(Quantity): int", ({ value }: CelQuantity) => (value.nanos > 0n ? 1n : value.nanos < 0n ? -1n : 0n))
    .registerFunction("Quantity.isGreaterThan(Quantity): bool", (a: CelQuantity, b: CelQuantity) => compareQuantities(a.value, b.value) > 0)
    .registerFunction("Quantity.isLessThan(Quantity): bool", (a: CelQuantity, b: CelQuantity) => compareQuantities(a.value, b.value) < 0)
    .registerFunction("Quantity.compareTo(Quantity): int", (a: CelQuantity, b: CelQuantity) => BigInt(Math.sign(compareQuantities(a.value, b.value))))
    .registerFunction("Quantity.add(Quantity): Quantity", (a: CelQuantity, b: CelQuantity) => new CelQuantity(addQuantities(a.value, b.value)))
    .registerFunction("Quantity.add(int): Quantity", (a: CelQuantity, count: bigint) => new CelQuantity(addQuantities(a.value, whole(count))))
    .registerFunction("Quantity.sub(Quantity): Quantity", (a: CelQuantity, b: CelQuantity) => new CelQuantity(addQuantities(a.value, negated(b))))
    .registerFunction("Quantity.sub(int): Quantity", (a: CelQuantity, count: bigint) => new CelQuantity(addQuantities(a.value, whole(-count))))
    .registerOperator("Quantity == Quantity", (a: CelQuantity, b: CelQuantity) => compareQuantities(a.value, b.value) === 0);
}
