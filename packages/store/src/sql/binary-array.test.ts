import fc from "fast-check";
import { expect, test } from "vitest";
import { openLab } from "../proofs/lab.ts";
import { boolArray, int4Array, int8Array, textArray } from "./binary-array.ts";

test("arrays in binary arrive as what they were made of", async () => {
  await using lab = await openLab();
  const text = fc.string({ unit: "grapheme", maxLength: 20 }).map((value) => value.replaceAll("\u0000", ""));
  await fc.assert(
    fc.asyncProperty(
      fc.array(text),
      fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })),
      fc.array(fc.maxSafeInteger()),
      fc.array(fc.boolean()),
      async (texts, integers, numbers, booleans) => {
        const [row] = await lab.sql("SELECT $1::text[] AS texts, $2::int[] AS integers, $3::bigint[]::text[] AS numbers, $4::bool[] AS booleans", [
          textArray(texts),
          int4Array(integers),
          int8Array(numbers),
          boolArray(booleans),
        ]);
        expect(row).toEqual({ texts, integers, numbers: numbers.map(String), booleans });
      },
    ),
    { numRuns: 60 },
  );
});
