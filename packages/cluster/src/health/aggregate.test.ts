import { expect, test } from "vitest";
import { aggregate, type AggregateInput } from "./aggregate.ts";
import { deployment, look, NOW } from "./samples.ts";
import type { HealthState, Verdict } from "./verdict.ts";

const SECOND_MS = 1000;

function child(name: string, state: HealthState, more: Partial<Verdict> & { optional?: boolean } = {}): AggregateInput {
  const { optional, ...verdict } = more;
  return {
    id: { apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name },
    verdict: { state, reason: `${state}Reason`, message: `${name} is ${state}.`, evidence: "/status", since: NOW - 60_000, ...verdict },
    ...(optional === undefined ? {} : { optional }),
  };
}

const healthyBefore: Verdict = { state: "Healthy", reason: "AllHealthy", message: "All 2 objects are healthy.", evidence: "", since: NOW - 3600_000 };

const cases: { because: string; children: AggregateInput[]; state: HealthState; reason?: string }[] = [
  { because: "all are healthy", children: [child("a", "Healthy"), child("b", "Healthy")], state: "Healthy", reason: "AllHealthy" },
  { because: "there is nothing", children: [], state: "Healthy", reason: "Empty" },
  { because: "a suspended one is no failure, but not Healthy either", children: [child("a", "Healthy"), child("b", "Suspended")], state: "Suspended" },
  {
    because: "a claim that waits for its first consumer holds up nothing",
    children: [child("a", "Healthy"), child("b", "Suspended", { reason: "WaitForFirstConsumer" })],
    state: "Healthy",
  },
  { because: "Progressing is worse than Suspended", children: [child("a", "Progressing"), child("b", "Suspended")], state: "Progressing" },
  { because: "Missing is worse than Progressing", children: [child("a", "Missing"), child("b", "Progressing")], state: "Missing" },
  { because: "Terminating is worse than Missing", children: [child("a", "Missing"), child("b", "Terminating")], state: "Terminating" },
  { because: "Degraded is worse than Terminating", children: [child("a", "Degraded"), child("b", "Terminating")], state: "Degraded" },
  { because: "Unknown is worst", children: [child("a", "Degraded"), child("b", "Unknown")], state: "Unknown" },
  { because: "optional ones do not decide", children: [child("a", "Healthy"), child("b", "Degraded", { optional: true })], state: "Healthy" },
];

test.each(cases)("the aggregate is $state: $because", ({ children, state, reason }) => {
  const { verdict } = aggregate(children, undefined, NOW);
  expect(verdict.state).toBe(state);
  if (reason !== undefined) expect(verdict.reason).toBe(reason);
});

test("the worst are at most five, worst and oldest first, and the first is the culprit", () => {
  const children = ["a", "b", "c", "d", "e", "f"].map((name, index) => child(name, "Progressing", { since: NOW - 60_000 - index }));
  const { worst, verdict, counts } = aggregate([...children, child("x", "Degraded"), child("y", "Healthy")], undefined, NOW);
  expect(worst.map(({ id }) => id.name)).toEqual(["x", "f", "e", "d", "c"]);
  expect(verdict).toMatchObject({ state: "Degraded", reason: "DegradedReason", culprit: { name: "x" }, evidence: "/status" });
  expect(verdict.message).toContain("Deployment shop/x: x is Degraded.");
  expect(verdict.message).toContain("6 more");
  expect(counts).toEqual({ Healthy: 1, Suspended: 0, Progressing: 6, Missing: 0, Terminating: 0, Degraded: 1, Unknown: 0 });
});

test("optional children and warnings of healthy ones become warnings", () => {
  const { warnings } = aggregate(
    [child("a", "Healthy", { warning: "leads nowhere" }), child("b", "Degraded", { optional: true }), child("c", "Suspended", { optional: true })],
    undefined,
    NOW,
  );
  expect(warnings).toEqual(["Deployment shop/a: leads nowhere", "Deployment shop/b (optional) is Degraded: b is Degraded."]);
});

test("a blip shorter than 10 s changes nothing, and the aggregate says when to look again", () => {
  const blip = [child("a", "Healthy"), child("b", "Progressing", { since: NOW - 9 * SECOND_MS })];
  const { verdict, worst, counts } = aggregate(blip, healthyBefore, NOW);
  expect(verdict).toEqual({ ...healthyBefore, recheckAt: NOW + SECOND_MS });
  expect(worst.map(({ id }) => id.name)).toEqual(["b"]);
  expect(counts.Progressing).toBe(1);
  expect(aggregate(blip, verdict, NOW + SECOND_MS).verdict).toMatchObject({ state: "Progressing", since: NOW + SECOND_MS });
});

test("the longest of several blips counts", () => {
  const blips = [child("a", "Progressing", { since: NOW - SECOND_MS }), child("b", "Progressing", { since: NOW - 10 * SECOND_MS })];
  expect(aggregate(blips, healthyBefore, NOW).verdict.state).toBe("Progressing");
});

test.each(["Degraded", "Missing", "Terminating", "Unknown", "Suspended"] as const)("%s shows at once", (state) => {
  expect(aggregate([child("a", state, { since: NOW }), child("b", "Progressing", { since: NOW })], healthyBefore, NOW).verdict.state).not.toBe("Healthy");
});

test("a rollout that was asked for is no blip: Ready never says yes early", () => {
  const before = look(deployment(1));
  const asked = look(deployment(1, { metadata: { generation: 3 } }), { previous: before });
  expect(aggregate([{ id: { apiVersion: "apps/v1", kind: "Deployment", name: "web" }, verdict: asked }], healthyBefore, NOW).verdict.state).toBe("Progressing");
});

test("a healthy object that falls back by itself is a blip at first", () => {
  const before = look(deployment(1));
  const fallen = look(deployment(1, { status: { readyReplicas: 0, availableReplicas: 0 } }), { previous: before });
  const input = [{ id: { apiVersion: "apps/v1", kind: "Deployment", name: "web" }, verdict: fallen }];
  expect(fallen.state).toBe("Progressing");
  expect(aggregate(input, healthyBefore, NOW).verdict.state).toBe("Healthy");
  expect(aggregate(input, healthyBefore, NOW + 10 * SECOND_MS).verdict.state).toBe("Progressing");
});

test("without a healthy past there is nothing to damp", () => {
  expect(aggregate([child("a", "Progressing", { since: NOW })], undefined, NOW).verdict.state).toBe("Progressing");
});

test("since stays while the aggregate's state stays, whichever child is the worst", () => {
  const first = aggregate([child("a", "Degraded")], undefined, NOW).verdict;
  expect(aggregate([child("b", "Degraded")], first, NOW + 5000).verdict).toMatchObject({ since: NOW, culprit: { name: "b" } });
});

test("the order of children does not matter", () => {
  const children = [child("a", "Degraded"), child("b", "Degraded"), child("c", "Progressing")];
  expect(aggregate(children, undefined, NOW).verdict).toEqual(aggregate(children.toReversed(), undefined, NOW).verdict);
});

test("evidence belongs to the culprit: where that has a culprit of its own, the walk goes on there", () => {
  const culprit = { apiVersion: "v1", kind: "Pod", name: "a-1" };
  expect(aggregate([child("a", "Degraded", { culprit, evidence: "/status/containerStatuses/0" })], undefined, NOW).verdict).toMatchObject({
    culprit: { kind: "Deployment", name: "a" },
    evidence: "",
  });
});
