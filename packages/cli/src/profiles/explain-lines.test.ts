import { expect, test } from "vitest";
import type { DependencyProfile } from "../kinds.ts";
import { explainLines, placesOf } from "./explain-lines.ts";

const profile = (spec: Partial<DependencyProfile["spec"]> = {}): DependencyProfile => ({
  metadata: { name: "one" },
  spec: { type: "cache", class: "small", priority: 0, provisioner: { static: {} }, ...spec },
});
const lines = (spec?: Partial<DependencyProfile["spec"]>): string[] =>
  explainLines({
    environment: "dev",
    type: "cache",
    class: "small",
    match: { runtime: "r", chosen: "one", candidates: [{ profile: "one", chosen: true, reason: "the only one that fits" }] },
    profile: profile(spec),
  });

test("what a profile takes, gives and requires, and how it ends", () => {
  const told = lines({
    params: {
      properties: { size: { type: "integer", minimum: 1, default: 2, description: "How big." }, kind: { type: "string", enum: ["a"] } },
      required: ["kind"],
    },
    outputs: { host: {}, password: { secret: true }, token: { secretRef: {} } },
    generated: { password: "password(24)", id: "uuid()" },
    rotatable: ["password"],
    requires: { server: { type: "server", class: "default", id: "shared" } },
    services: { gateway: {}, metrics: {} },
    withWorkload: true,
    deletion: { policy: "Delete", gracePeriodSeconds: 600 },
  });
  expect(told[0]).toBe("a new cache of class small in environment dev, on runtime r, is met by profile one (static)");
  expect(told).toEqual(
    expect.arrayContaining([
      "  one       yes      the only one that fits",
      "  size   integer   2         no         How big. (minimum 1)",
      '  kind   string              yes        (enum ["a"])',
      "  host       no",
      "  password   yes",
      "  token      yes",
      "  password   password(24)   yes",
      "  id         uuid()         no",
      "  server   server   default   shared",
      "support services of the runtime: gateway, metrics",
      "made together with the workload, which does not wait for it; both are ready together",
    ]),
  );
  expect(told.at(-1)).toBe("when nobody uses it any more: it is deleted after 10 min 0 s, with what it holds");
});

test("what a profile does not say is told too", () => {
  expect(lines()).toEqual(
    expect.arrayContaining([
      "params: any, and none has an effect unless the profile reads it",
      "outputs: none",
      "generated: nothing",
      "requires: nothing",
      "support services of the runtime: none",
      "when nobody uses it any more: it is deleted at once, with what it holds",
    ]),
  );
  expect(lines().join("\n")).not.toContain("together with the workload");
  expect(lines({ provisioner: { secret: {} } })).toContain("outputs: each value of the Secret, all of them secret");
  expect(lines({ deletion: { policy: "Retain" } }).at(-1)).toBe("when nobody uses it any more: it stays until somebody deletes it");
});

test.each([
  [undefined, "everywhere"],
  [{}, "everywhere"],
  [{ tiers: ["production"], environments: ["a", "b"] }, "environments a, b; tiers production"],
])("%j is %s", (match, text) => {
  expect(placesOf(match === undefined ? {} : { match })).toBe(text);
});
