import { expect, test } from "vitest";
import { stepOf } from "./cause-step.ts";

const ready = { type: "Ready", status: "True", reason: "Up", message: "it is up", lastTransitionTime: "2026-01-01T00:00:00Z" } as const;
const cases = [
  {
    name: "a custom resource that is Ready and says nothing of generations",
    because: "most controllers do not",
    apiVersion: "example.com/v1",
    status: { conditions: [ready] },
    state: "Healthy",
  },
  {
    name: "one that was Ready before it changed",
    because: "Ready never says yes early (design.md §5.8)",
    apiVersion: "example.com/v1",
    status: { conditions: [{ ...ready, observedGeneration: 1 }] },
    state: "Progressing",
  },
  {
    name: "an object of ours that nobody has looked at",
    because: "it has no status before its reconciler ran",
    apiVersion: "threeport.io/v1alpha1",
    status: undefined,
    state: "Progressing",
  },
  { name: "an object without a state of its own", because: "a ConfigMap is what it says", apiVersion: "v1", status: undefined, state: "Healthy" },
];

test.each(cases)("$name: $state, because $because", ({ apiVersion, status, state }) => {
  const object = { apiVersion, kind: "Thing", metadata: { name: "a", generation: 2 }, ...(status === undefined ? {} : { status }) };
  expect(stepOf(object).state).toBe(state);
});
