import { expect, test } from "vitest";
import { durationMs, durationText, integerBetween, labelText, nameText, quotaOf } from "./parse.ts";

test.each([
  ["90s", 90_000],
  ["5m", 300_000],
  ["1h30m", 5_400_000],
  ["1h0m5s", 3_605_000],
  ["1500ms", 1_500],
  ["45", 45_000],
  ["0", 0],
])("%s is a duration", (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});

test.each(["", "m", "5 m", "-5s", "5x", "1m1h", "1.5h", "999999h", "5s\n", "1e3"])("%j is no duration, and the message shows one", (text) => {
  expect(() => durationMs(text)).toThrow(/90s, 5m or 1h30m/);
});

test.each([
  [300, "0.3 s"],
  [12_345, "12 s"],
  [200_000, "3 min 20 s"],
  [7_500_000, "2 h 5 min"],
])("%d ms is told as %s", (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

test("names that could climb out of a path, or hide something, are refused", () => {
  for (const name of ["", "a b", "a%2fb", "a\nb", "a\\b", "a|b", "x".repeat(254)]) expect(() => nameText(name)).toThrow();
  expect(nameText("web-dev.1")).toBe("web-dev.1");
});

test("a label is what can name a namespace", () => {
  for (const label of ["A", "-a", "a-", "a.b", "a_b", "x".repeat(64), ""]) expect(() => labelText(label)).toThrow(/lower-case/);
  expect(labelText("x".repeat(63))).toHaveLength(63);
});

test("whole numbers are bounded on both sides", () => {
  const port = integerBetween(0, 65_535);
  expect([port("0"), port("65535")]).toEqual([0, 65_535]);
  for (const text of ["-1", "65536", "1.5", "0x10", "", "9999999999"]) expect(() => port(text)).toThrow(/from 0 to 65535/);
});

test("a quota names its limits, each once, in amounts that Kubernetes knows", () => {
  expect(quotaOf("workloads=20,cpu=8,memory=32Gi")).toEqual({ workloads: 20, cpu: "8", memory: "32Gi" });
  expect(quotaOf("cpu=500m")).toEqual({ cpu: "500m" });
  for (const [text, message] of [
    ["", /write limits such as workloads=20/],
    ["pods=3", /"pods=3": write limits such as/],
    ["cpu=much", /"much" is no amount; write for example 500m/],
    ["memory=-1Gi", /"-1Gi" is no amount/],
    ["cpu=1,cpu=2", /cpu is named twice/],
    ["workloads=2.5", /whole number from 0/],
  ] as const)
    expect(() => quotaOf(text), text).toThrow(message);
});
