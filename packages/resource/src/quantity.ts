import { PlatformError } from "./errors.ts";

/** Which way a quantity was written, and is printed again. */
export type QuantityFormat = "BinarySI" | "DecimalSI" | "DecimalExponent";

/** An amount such as `500m` CPU or `1Gi` memory, exact. */
export interface Quantity {
  /** Billionths of one unit: Kubernetes keeps nothing finer. */
  readonly nanos: bigint;
  readonly format: QuantityFormat;
}

const nano = 1_000_000_000n;
/** Largest magnitude in the binary format, as in Kubernetes: larger ones become this. Decimal ones have no bound but that of the text. */
const binaryNanosMax = (2n ** 63n - 1n) * nano;
/** Longest text that is read. Real ones have some 20 characters; without a bound a long one is a long multiplication. */
const lengthMax = 64;
/** Largest power of ten that is read; a text of ten characters could otherwise ask for a number that fills the memory. */
const exponentMax = 100;

const decimalSuffixes = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const quantityText = /^([+-]?)(?=\.?\d)(\d*)(?:\.(\d*))?([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/;

/**
 * Reads a quantity; a number as in `cpu: 0.5` is taken too. What is finer than a billionth is rounded away from zero, so that
 * asking for something never gives nothing.
 * @throws PlatformError TP_INVALID
 */
export function parseQuantity(value: string | number): Quantity {
  const text = String(value);
  const found = text.length > lengthMax ? null : quantityText.exec(text);
  const unit = readSuffix(found?.[4] ?? "");
  if (found === null || Math.abs(unit.exponent) > exponentMax) {
    throw new PlatformError("TP_INVALID", {
      message: `${JSON.stringify(text.slice(0, lengthMax))} is not a quantity; write a number with an optional suffix, such as 500m, 1.5, 2Gi or 1e3.`,
    });
  }
  const [, sign, whole = "", fraction = ""] = found;
  const scaled = BigInt(`${whole}${fraction}` || "0") * unit.factor;
  const scale = unit.exponent - fraction.length + 9;
  const exact = scale >= 0 ? scaled * 10n ** BigInt(scale) : divideUp(scaled, 10n ** BigInt(-scale));
  const nanos = unit.format === "BinarySI" && exact > binaryNanosMax ? binaryNanosMax : exact;
  // Less than one byte has no binary suffix.
  const format = unit.format === "BinarySI" && nanos > 0n && nanos < nano ? "DecimalSI" : unit.format;
  return { nanos: sign === "-" ? -nanos : nanos, format };
}

function readSuffix(suffix: string): { format: QuantityFormat; factor: bigint; exponent: number } {
  const binary = suffix === "" ? -1 : binarySuffixes.indexOf(suffix);
  if (binary >= 0) return { format: "BinarySI", factor: 1024n ** BigInt(binary), exponent: 0 };
  const decimal = decimalSuffixes.indexOf(suffix);
  if (decimal >= 0) return { format: "DecimalSI", factor: 1n, exponent: 3 * decimal - 9 };
  return { format: "DecimalExponent", factor: 1n, exponent: Number(suffix.slice(1)) };
}

function divideUp(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}

/** The canonical text, as Kubernetes prints it: the largest suffix that needs no fraction. */
export function formatQuantity({ nanos, format }: Quantity): string {
  if (nanos === 0n) return "0";
  const sign = nanos < 0n ? "-" : "";
  let rest = nanos < 0n ? -nanos : nanos;

  // Below 1Ki, and with a fraction, a binary suffix would have to round.
  if (format === "BinarySI" && rest >= 1024n * nano && rest % nano === 0n) {
    rest /= nano;
    let power = 0;
    for (; rest % 1024n === 0n && power < binarySuffixes.length - 1; power++) rest /= 1024n;
    return `${sign}${rest}${binarySuffixes[power]}`;
  }

  let thousands = 0;
  for (; rest % 1000n === 0n && (thousands < decimalSuffixes.length - 1 || format === "DecimalExponent"); thousands++) rest /= 1000n;
  const exponent = 3 * thousands - 9;
  if (format === "DecimalExponent") return `${sign}${rest}${exponent === 0 ? "" : `e${exponent}`}`;
  return `${sign}${rest}${decimalSuffixes[thousands]}`;
}

/** Negative, zero or positive, for sorting; the way it was written does not matter. */
export function compareQuantities(a: Quantity, b: Quantity): number {
  return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0;
}

/** The sum, in the format of `a` (or of `b` when `a` is zero). */
export function addQuantities(a: Quantity, b: Quantity): Quantity {
  return { nanos: a.nanos + b.nanos, format: a.nanos === 0n ? b.format : a.format };
}
