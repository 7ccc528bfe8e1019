import { expect, test } from "vitest";
import { compareVersions } from "./compare-versions.ts";

test.each([
  { a: "9", b: "10", sign: -1, because: "they are numbers, not words" },
  { a: "9007199254740993", b: "9007199254740992", sign: 1, because: "they outgrow a double" },
  { a: "7", b: "7", sign: 0, because: "they are the same" },
  { a: "abc", b: "7", sign: undefined, because: "an opaque version has no order" },
  { a: "0", b: "7", sign: undefined, because: "0 is not a version" },
])("$a and $b: $because", ({ a, b, sign }) => {
  const order = compareVersions(a, b);
  expect(order === undefined ? undefined : Math.sign(order)).toBe(sign);
});
