import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PlatformError } from "./errors.ts";
import { addQuantities, compareQuantities, formatQuantity, parseQuantity } from "./quantity.ts";

describe("quantities", () => {
  test.each([
    { text: "0", nanos: 0n, printed: "0" },
    { text: "1", nanos: 1_000_000_000n, printed: "1" },
    { text: "500m", nanos: 500_000_000n, printed: "500m" },
    { text: "0.5", nanos: 500_000_000n, printed: "500m" },
    { text: ".5", nanos: 500_000_000n, printed: "500m" },
    { text: "1.", nanos: 1_000_000_000n, printed: "1" },
    { text: "+1.50", nanos: 1_500_000_000n, printed: "1500m" },
    { text: "-1.5Gi", nanos: -1_610_612_736_000_000_000n, printed: "-1536Mi" },
    { text: "1Ki", nanos: 1_024_000_000_000n, printed: "1Ki" },
    { text: "1000Ki", nanos: 1_024_000_000_000_000n, printed: "1000Ki" },
    { text: "1023", nanos: 1_023_000_000_000n, printed: "1023" },
    { text: "0.5Ki", nanos: 512_000_000_000n, printed: "512" },
    { text: "0.0001Ki", nanos: 102_400_000n, printed: "102400u" },
    { text: "1000", nanos: 1_000_000_000_000n, printed: "1k" },
    { text: "1500000", nanos: 1_500_000_000_000_000n, printed: "1500k" },
    { text: "1E", nanos: 10n ** 27n, printed: "1E" },
    { text: "1E3", nanos: 1_000_000_000_000n, printed: "1e3" },
    { text: "1e3", nanos: 1_000_000_000_000n, printed: "1e3" },
    { text: "12e-4", nanos: 1_200_000n, printed: "1200e-6" },
    { text: "5e0", nanos: 5_000_000_000n, printed: "5" },
    { text: "0.1n", nanos: 1n, printed: "1n" },
    { text: "-0.1n", nanos: -1n, printed: "-1n" },
    { text: "1.0000000001", nanos: 1_000_000_001n, printed: "1000000001n" },
    { text: "9223372036854775807", nanos: (2n ** 63n - 1n) * 10n ** 9n, printed: "9223372036854775807" },
    { text: "10E", nanos: 10n ** 28n, printed: "10E" },
    { text: "9Ei", nanos: (2n ** 63n - 1n) * 10n ** 9n, printed: "9223372036854775807" },
    { text: "1000E", nanos: 10n ** 30n, printed: "1000E" },
    { text: "1e24", nanos: 10n ** 33n, printed: "1e24" },
    { text: "1e-100", nanos: 1n, printed: "1e-9" },
  ])("$text is $nanos nanos and prints as $printed", ({ text, nanos, printed }) => {
    const quantity = parseQuantity(text);
    expect(quantity.nanos).toBe(nanos);
    expect(formatQuantity(quantity)).toBe(printed);
    expect(parseQuantity(formatQuantity(quantity)).nanos).toBe(nanos);
  });

  test.each([0.5, 2, 1e21, -1e-7])("the number %d is taken too", (value) => {
    expect(parseQuantity(value).nanos).toBe(parseQuantity(String(value)).nanos);
  });

  test.each([
    "",
    " 1",
    "1 ",
    "1Kib",
    "1ki",
    "1K",
    "1mm",
    ".",
    "-",
    "1e",
    "1e+",
    "1.2.3",
    "0x10",
    "NaN",
    "Infinity",
    "1,5",
    "1\n",
    "１",
    "9".repeat(65),
    "1e101",
    "1e1000000000",
    "0e-1000000000",
  ])("%j is refused", (text) => {
    expect(() => parseQuantity(text)).toThrow(PlatformError);
  });

  test("every quantity prints in a form that reads back as the same amount and prints the same again", () => {
    const suffix = fc.constantFrom("", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e3", "E-2", "e+7");
    const text = fc.tuple(fc.constantFrom("", "-", "+"), fc.bigInt({ min: 0n, max: 10n ** 20n }), fc.option(fc.nat()), suffix);
    fc.assert(
      fc.property(text, ([sign, whole, fraction, unit]) => {
        const quantity = parseQuantity(`${sign}${whole}${fraction === null ? "" : `.${fraction}`}${unit}`);
        const printed = formatQuantity(quantity);
        expect(parseQuantity(printed).nanos).toBe(quantity.nanos);
        expect(formatQuantity(parseQuantity(printed))).toBe(printed);
      }),
      { numRuns: 1_000 },
    );
  });

  test("amounts compare and add whatever way they are written", () => {
    expect(compareQuantities(parseQuantity("1Gi"), parseQuantity("1G"))).toBe(1);
    expect(compareQuantities(parseQuantity("1000m"), parseQuantity("1"))).toBe(0);
    expect(compareQuantities(parseQuantity("-1"), parseQuantity("0.001"))).toBe(-1);
    expect(formatQuantity(addQuantities(parseQuantity("512Mi"), parseQuantity("0.5Gi")))).toBe("1Gi");
    expect(formatQuantity(addQuantities(parseQuantity("0"), parseQuantity("1Gi")))).toBe("1Gi");
    expect(formatQuantity(addQuantities(parseQuantity("8E"), parseQuantity("8E")))).toBe("16E");
  });
});
