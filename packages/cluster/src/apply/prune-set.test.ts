import { expect, test } from "vitest";
import type { Entry } from "./entry.ts";
import { rememberLostCalls } from "./prune-set.ts";

const minuteMs = 60_000;
const entry = (more: Partial<Entry> = {}, detail: Partial<Entry["detail"]> = {}): Entry => ({
  id: "a",
  uid: "u1",
  state: "applied",
  ...more,
  detail: { apiVersion: "v1", kind: "ConfigMap", name: "a", digest: "d", ...detail },
});
const remembered = (before: Entry, now: Entry, nowMs: number): number | undefined => {
  const entries = new Map([[now.id, now]]);
  rememberLostCalls(new Map([[before.id, before]]), entries, nowMs);
  return entries.get(now.id)?.detail.lostCallSince;
};

test("what a lost run had begun to make is remembered when the next one has made it, for ten minutes, and nothing else is", () => {
  const begun = entry({ state: "pending", uid: "" });
  expect(remembered(begun, entry(), 5 * minuteMs)).toBe(5 * minuteMs);
  const made = entry({}, { lostCallSince: 5 * minuteMs });
  // Each apply makes the detail anew.
  expect(remembered(made, entry(), 14 * minuteMs)).toBe(5 * minuteMs);
  expect(remembered(made, made, 16 * minuteMs)).toBeUndefined();
  expect(remembered(entry(), entry(), minuteMs)).toBeUndefined();
  expect(remembered(entry({ state: "pending", uid: "" }, { refusal: { reason: "Forbidden", message: "no" } }), entry(), minuteMs)).toBeUndefined();
});
