import { z } from "zod";
import { defineKind, WaitsFor, type Condition, type KubeObject, type ObjectWith } from "@threeport/resource";

export const testGroup = "test.threeport.io";

const fields = {
  spec: z
    .object({
      text: z.string().optional().describe("Anything."),
      uses: z.string().optional().describe("Name of another object that this one waits for."),
    })
    .describe("What is wanted."),
  status: z
    .object({
      observedGeneration: z.number().int().optional().describe("The generation that the status speaks of."),
      note: z.string().optional().describe("What the reconciler wrote."),
      conditions: z
        .array(z.record(z.string(), z.unknown()).meta({ "x-kubernetes-preserve-unknown-fields": true }))
        .optional()
        .describe("How it is."),
    })
    .optional()
    .describe("What there is."),
};

export type TestObject = ObjectWith<typeof fields>;

function kind(name: string, uses: string, scope: "Namespaced" | "Cluster" = "Namespaced") {
  const plural = `${name.toLowerCase()}s`;
  return defineKind({
    group: testGroup,
    version: "v1",
    kind: name,
    plural,
    scope,
    description: "Something for tests of the engine.",
    fields,
    references: [
      {
        path: "spec.uses",
        to: { group: testGroup, resource: uses },
        namespace: scope === "Cluster" ? "cluster" : "same",
        waitsFor: WaitsFor.Existence | WaitsFor.Readiness | WaitsFor.Generation,
      },
    ],
  });
}

/** Three kinds in a chain: a Roof rests on a Wall, a Wall on a Floor. */
export const floorKind = kind("Floor", "floors");
export const wallKind = kind("Wall", "floors");
export const roofKind = kind("Roof", "walls");

/** Vanishes by itself: an Event with a life of a moment. */
export const sparkKind = defineKind({
  group: testGroup,
  version: "v1",
  kind: "Spark",
  plural: "sparks",
  scope: "Namespaced",
  description: "Something short-lived.",
  ttlMs: 1,
  fields: { text: z.string().optional().describe("Anything.") },
});

/** Something that may not be deleted while a wall stands on it. */
export const groundKind = { ...kind("Ground", "grounds"), refuseDeleteWhileReferenced: true };
/** Stands on a Ground. */
export const fenceKind = kind("Fence", "grounds");

export const testKinds = [floorKind, wallKind, roofKind, sparkKind, groundKind, fenceKind];

export interface MadeObject extends KubeObject {
  spec: { text?: string; uses?: string };
}

/** An object to create. */
export function made(kind: { apiVersion: string; kind: string }, name: string, spec: MadeObject["spec"] = {}, metadata: object = {}): MadeObject {
  return { apiVersion: kind.apiVersion, kind: kind.kind, metadata: { name, namespace: "default", ...metadata }, spec };
}

export function conditionOf(object: KubeObject | undefined, type: string): Condition | undefined {
  return ((object?.["status"] as { conditions?: Condition[] } | undefined)?.conditions ?? []).find((condition) => condition.type === type);
}
