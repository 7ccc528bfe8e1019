// The signature test (design.md §11) in a bounded form: every scenario, every fault, some points. `npm run simulate` plays all of them.
import { expect, test } from "vitest";
import { judge, play } from "./play.ts";
import type { Fault } from "./plans.ts";
import { scenarios } from "./scenarios/index.ts";
import { seed, testBounded } from "./testing/bounded-campaign.ts";

const [first] = scenarios;
if (first === undefined) throw new Error("there is no scenario");

testBounded(
  "F1, F2, F3, F4: whatever happens at some points of $name, it comes to the same end, with nothing double, orphaned or lost",
  scenarios.filter((_, index) => index % 2 === 0),
);

test("a seed and a fault are the same story each time, to the last write", { timeout: 60_000 }, async () => {
  for (const fault of [
    { kind: "end-after", point: 150 },
    { kind: "storm", seed: "again" },
  ] satisfies Fault[]) {
    const [one, other] = [await play(first(), { seed, fault }), await play(first(), { seed, fault })];
    expect(other.points).toEqual(one.points);
    expect(other.clusterWrites).toEqual(one.clusterWrites);
    expect(other.starts).toBe(one.starts);
  }
});

test("faults strike: a process ends and is started again, and one that stands still is replaced", { timeout: 60_000 }, async () => {
  for (const kind of ["end-before", "end-after", "freeze"] as const) expect((await play(first(), { seed, fault: { kind, point: 100 } })).starts, kind).toBe(1);
  expect((await play(first(), { seed })).starts).toBe(0);
});

test("the judge sees another state, something made twice, something removed, a secret in the open and a mistake of ours", { timeout: 60_000 }, async () => {
  const calm = await play(first(), { seed });
  expect(judge(calm, calm)).toEqual([]);
  const [view] = calm.views;
  if (view === undefined) throw new Error("there is no view");
  const places = [...view.view.keys()];
  const lacking = { ...calm, views: [{ ...view, view: new Map([...view.view].slice(1)) }, ...calm.views.slice(1)] };
  expect(judge(calm, lacking)).toEqual([`after "deploy": missing: ${places[0] ?? ""}`]);
  const more = { ...calm, views: [{ ...view, view: new Map([...view.view, ["one: Pod default/x", "{}"]]) }, ...calm.views.slice(1)] };
  expect(judge(calm, more)).toEqual(['after "deploy": too much: one: Pod default/x: {}']);
  const made = calm.clusterWrites.find((line) => line.endsWith(" 201")) ?? "";
  expect(judge(calm, { ...calm, clusterWrites: [...calm.clusterWrites, made] })).toEqual([`made 2 times: ${made}`]);
  expect(judge(calm, { ...calm, clusterWrites: [...calm.clusterWrites, "DELETE /api/v1/namespaces/kept 200"] })).toEqual([
    "removed: DELETE /api/v1/namespaces/kept 200",
  ]);
  expect(judge(calm, { ...calm, strays: ["one: ConfigMap a/b"] })).toEqual(["orphaned: one: ConfigMap a/b"]);
  expect(judge(calm, { ...calm, leaks: ["log: x"] })).toEqual(["a secret value in log: x"]);
  expect(judge(calm, { ...calm, mistakes: ["a request failed {}"] })).toEqual(["a mistake: a request failed {}"]);
});
