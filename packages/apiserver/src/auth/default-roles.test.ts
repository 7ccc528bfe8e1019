import { expect, test } from "vitest";
import { z } from "zod";
import { defineKind, type KubeObject } from "@threeport/resource";
import type { PolicyRule } from "./rules.ts";
import { defaultRoles } from "./default-roles.ts";

const kind = (name: string, traits: object) =>
  defineKind({
    group: "example.com",
    version: "v1",
    kind: name,
    plural: `${name.toLowerCase()}s`,
    scope: "Namespaced",
    description: "Anything.",
    fields: { spec: z.object({}).describe("Anything.") },
    ...traits,
  });
const roles = defaultRoles(
  [
    kind("Plain", {}),
    kind("Hidden", { sensitive: true }),
    kind("Documented", { sensitive: true, documents: ["spec.objects"] }),
    kind("Powerful", { sensitive: true, documents: ["spec.objects"], forOperations: true }),
  ],
  new Map([
    ["plains.example.com/exec", { answers: "stream" as const }],
    ["plains.example.com/log", { answers: "text" as const }],
  ]),
);

function may(role: string, verb: string): string[] {
  const found = roles.find((object) => object.kind === "ClusterRole" && object.metadata.name === role) as (KubeObject & { rules: PolicyRule[] }) | undefined;
  const rules = (found?.rules ?? []).filter((rule) => rule.apiGroups?.includes("example.com") === true && rule.verbs.includes(verb));
  return rules.flatMap((rule) => rule.resources ?? []).toSorted();
}

test("view reads what holds no values of Secrets, and that includes kinds whose values are split off", () => {
  expect(may("system:aggregate-to-view", "get")).toEqual(["documenteds", "plains", "plains/log", "powerfuls"]);
  expect(may("system:aggregate-to-edit", "get")).toEqual(["hiddens"]);
});

test("edit writes what stays within a namespace; what acts beyond it is for operations", () => {
  expect(may("system:aggregate-to-edit", "update")).toEqual(["documenteds", "hiddens", "plains"]);
  expect(may("threeport:operator", "update")).toEqual(["powerfuls"]);
});

test("streams run something: edit may, and view may not", () => {
  expect(may("system:aggregate-to-view", "create")).toEqual([]);
  expect(may("system:aggregate-to-edit", "create")).toContain("plains/exec");
});
