import { expect, test } from "vitest";
import type { Environment } from "@threeport/module-environment";
import type { DependencyProfile } from "./kinds/profile.ts";
import { matchPlaceOf, matchProfile, type MatchPlace } from "./match.ts";

const profile = (name: string, match?: object, priority = 0): DependencyProfile =>
  ({ metadata: { name }, spec: { type: "postgres", class: "default", priority, ...(match === undefined ? {} : { match }) } }) as unknown as DependencyProfile;
const place: MatchPlace = {
  environment: { metadata: { name: "dev", labels: { data: "open", team: "a" } }, spec: { tier: "development" } } as unknown as Environment,
  runtime: "one",
  provider: "kubeconfig",
  location: "Europe:Frankfurt",
};
const match = (profiles: readonly DependencyProfile[], where = place) => matchProfile(profiles, { type: "postgres", class: "default" }, where);
const reasonOf = (of: object, where = place): string | undefined => match([profile("only", of)], where).candidates[0]?.reason;

test.each([
  [{ labels: { data: "open" } }],
  [{ labels: { data: "open", team: "a" } }],
  [{ labels: {} }],
  [{ providers: ["local", "kubeconfig"] }],
  [{ locations: ["Europe:Frankfurt"] }],
  [{ environments: ["dev"], tiers: ["development"], runtimes: ["one"] }],
])("%j fits", (of) => {
  expect(match([profile("only", of)]).chosen?.metadata.name).toBe("only");
});

test.each([
  [{ labels: { data: "closed", team: "a" } }, "is for environments with the labels data=closed, which dev has not"],
  [{ labels: { data: "open", region: "eu" } }, "is for environments with the labels region=eu, which dev has not"],
  [{ providers: ["local"] }, "is for the providers local, and runtime one is of kubeconfig"],
  [{ locations: ["Local", "US:Ohio"] }, "is for the locations Local, US:Ohio, and runtime one is in Europe:Frankfurt"],
  [{ runtimes: ["two"] }, "is for the runtimes two, and dev runs on one"],
  [{ tiers: ["production"] }, "is for the tiers production, and dev is development"],
  [{ environments: [] }, "is for the environments , and this is dev"],
])("%j does not fit, and says why", (of, reason) => {
  expect(match([profile("only", of)]).chosen).toBeUndefined();
  expect(reasonOf(of)).toBe(reason);
});

test("what a runtime does not say fits nothing that asks for it", () => {
  const silent = { ...place, provider: undefined, location: undefined };
  expect(reasonOf({ providers: ["local"] }, silent)).toBe("is for the providers local, and runtime one is of none");
  expect(reasonOf({ locations: ["Local"] }, silent)).toBe("is for the locations Local, and runtime one is at none");
  expect(match([profile("only")], silent).chosen?.metadata.name).toBe("only");
});

test("nothing is chosen before there is a runtime: the choice is bound with it", () => {
  expect(reasonOf({}, { ...place, runtime: "" })).toBe("cannot be chosen before environment dev has a runtime");
});

test("of those that fit the one that names more is taken, each label being one", () => {
  const chosen = (...profiles: DependencyProfile[]) => match(profiles).chosen?.metadata.name;
  expect(chosen(profile("a"), profile("b", { providers: ["kubeconfig"] }))).toBe("b");
  expect(chosen(profile("a", { locations: ["Europe:Frankfurt"] }), profile("b", { labels: { data: "open", team: "a" } }))).toBe("b");
  expect(chosen(profile("a", { labels: { data: "open" } }), profile("b", { tiers: ["development"] }))).toBe("a");
  expect(chosen(profile("a", {}, 1), profile("b", { labels: { data: "open", team: "a" } }))).toBe("a");
});

test("a place is completed with what its runtime says", async () => {
  const runtime = { apiVersion: "", kind: "", metadata: { name: "one" }, spec: { provider: "local", location: "Local" } };
  const objects = { get: (target: { name: string }) => Promise.resolve(target.name === "one" ? runtime : undefined) } as unknown as Parameters<
    typeof matchPlaceOf
  >[1];
  const { environment } = place;
  expect(await matchPlaceOf({ environment, runtime: "one" }, objects)).toEqual({ environment, runtime: "one", provider: "local", location: "Local" });
  expect(await matchPlaceOf({ environment, runtime: "gone" }, objects)).toMatchObject({ provider: undefined, location: undefined });
});
