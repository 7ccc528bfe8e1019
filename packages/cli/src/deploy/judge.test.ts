import type { Condition } from "@threeport/resource";
import { expect, test } from "vitest";
import type { WorkloadDefinition, WorkloadInstance } from "../kinds.ts";
import { judge, type Judgement } from "./judge.ts";

function conditions(state: "ready" | "reconciling" | "stalled", observedGeneration: number, reason = "R"): Condition[] {
  const make = (type: string, on: boolean): Condition => ({
    type,
    status: on ? "True" : "False",
    reason,
    message: `${type} says ${state}`,
    lastTransitionTime: "",
    observedGeneration,
  });
  return [make("Ready", state === "ready"), make("Reconciling", state === "reconciling"), make("Stalled", state === "stalled")];
}

function definition(generation: number, status: { observed?: number; release?: string; state?: "ready" | "reconciling" | "stalled" } = {}): WorkloadDefinition {
  const { observed = generation, release, state = "ready" } = status;
  return {
    metadata: { name: "web", generation },
    spec: {},
    status: { observedGeneration: observed, conditions: conditions(state, observed), ...(release === undefined ? {} : { latestRelease: release }) },
  };
}

function instance(
  state: "ready" | "reconciling" | "stalled",
  more: { generation?: number; observed?: number; release?: string; deleting?: boolean } = {},
): WorkloadInstance {
  const { generation = 2, observed = generation, release, deleting } = more;
  return {
    metadata: { name: "web-dev", generation, ...(deleting === true ? { deletionTimestamp: "now" } : {}) },
    spec: { definition: "web", environment: "dev" },
    status: { observedGeneration: observed, conditions: conditions(state, observed), ...(release === undefined ? {} : { release }) },
  };
}

const cases: { name: string; because: string; goal: number; definition: WorkloadDefinition; instance: WorkloadInstance; expected: Partial<Judgement> }[] = [
  {
    name: "Ready of our release is ready",
    because: "all three speak of the same thing",
    goal: 3,
    definition: definition(3, { release: "web-3" }),
    instance: instance("ready", { release: "web-3" }),
    expected: { state: "ready", release: "web-3" },
  },
  {
    name: "Ready of the release before is waited for",
    because: "the old pods are healthy, and nothing of ours runs yet",
    goal: 3,
    definition: definition(3, { release: "web-3" }),
    instance: instance("ready", { release: "web-2" }),
    expected: { state: "waiting", applied: false },
  },
  {
    name: "a definition whose release is not made yet is waited for",
    because: "its latest release is still the old one",
    goal: 3,
    definition: definition(3, { observed: 2, release: "web-2" }),
    instance: instance("ready", { release: "web-2" }),
    expected: { state: "waiting", reason: "ReleasePending" },
  },
  {
    name: "a definition read before our write is waited for",
    because: "a replica may answer with an older state",
    goal: 3,
    definition: definition(2, { release: "web-2" }),
    instance: instance("ready", { release: "web-2" }),
    expected: { state: "waiting" },
  },
  {
    name: "Ready of an earlier generation of the instance is waited for",
    because: "its spec has changed since",
    goal: 3,
    definition: definition(3, { release: "web-3" }),
    instance: instance("ready", { generation: 3, observed: 2, release: "web-3" }),
    expected: { state: "waiting" },
  },
  {
    name: "a stall of our release ends the wait",
    because: "it does not go on by itself",
    goal: 3,
    definition: definition(3, { release: "web-3" }),
    instance: instance("stalled", { release: "web-3" }),
    expected: { state: "stalled", settled: true },
  },
  {
    name: "a stall of the release before does not",
    because: "this deploy may be what mends it",
    goal: 3,
    definition: definition(3, { release: "web-3" }),
    instance: instance("stalled", { release: "web-2" }),
    expected: { state: "waiting", applied: false },
  },
  {
    name: "a stall without a release is not settled",
    because: "it may be from before the definition was there",
    goal: 3,
    definition: definition(3, { release: "web-3" }),
    instance: instance("stalled"),
    expected: { state: "stalled", settled: false },
  },
  {
    name: "progress of our release is told",
    because: "people want to see why they wait",
    goal: 3,
    definition: definition(3, { release: "web-3" }),
    instance: instance("reconciling", { release: "web-3" }),
    expected: { state: "waiting", reason: "R", applied: true },
  },
  {
    name: "somebody else's newer generation ends the wait",
    because: "what becomes ready would not be what was deployed",
    goal: 3,
    definition: definition(4, { release: "web-4" }),
    instance: instance("ready", { release: "web-4" }),
    expected: { state: "superseded", generation: 4 },
  },
  {
    name: "a deployment under deletion ends the wait",
    because: "it will never be ready",
    goal: 3,
    definition: definition(3, { release: "web-3" }),
    instance: instance("ready", { release: "web-3", deleting: true }),
    expected: { state: "stalled", reason: "Deleting" },
  },
  {
    name: "an instance without any status is waited for",
    because: "it has just been made",
    goal: 1,
    definition: definition(1, { release: "web-1" }),
    instance: { metadata: { name: "web-dev", generation: 1 }, spec: { definition: "web", environment: "dev" } },
    expected: { state: "waiting" },
  },
];

test.each(cases)("$name, because $because", ({ goal, definition, instance, expected }) => {
  expect(judge({ definitionGeneration: goal }, definition, instance)).toMatchObject(expected);
});
