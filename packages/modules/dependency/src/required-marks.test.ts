import { expect, test } from "vitest";
import type { Environment } from "@threeport/module-environment";
import type { DependencyProfile } from "./kinds/profile.ts";
import { requiredMarks, serviceMarks } from "./required-marks.ts";

const profile = (name: string, spec: object): DependencyProfile =>
  ({ metadata: { name }, spec: { type: "server", class: "default", priority: 0, provisioner: { static: {} }, ...spec } }) as DependencyProfile;
const environment = { metadata: { name: "dev" }, spec: { tier: "development", runtime: "one" } } as Environment;
const place = { environment, runtime: "one", provider: "kubeconfig", location: undefined };
const asking = profile("asking", {
  type: "db",
  requires: { it: { type: "server", class: "default", id: "shared" } },
  outputs: { host: { value: "${requires.it.host}" }, url: { value: "${requires.it.?path.orValue('/')} ${other.it.no}" } },
}).spec;
const one = profile("one", {
  outputs: { host: { value: "${name}" }, port: { value: 5432 }, password: { value: "${generated.p}", secret: true }, given: { secretRef: {} } },
});
const two = profile("two", { match: { environments: ["production"] }, priority: 5, outputs: { host: { value: "x" }, zone: { value: "a" } } });

test("what the profile that meets it says is known, and marks stand for the rest; secret ones are told apart", () => {
  const { outputs, secrets } = requiredMarks(asking, { profiles: [one, two], place, given: {} });
  expect(outputs).toEqual({
    it: { host: "<requires.it.host>", port: 5432, password: "<requires.it.password>", given: "<requires.it.given>" },
  });
  expect(secrets).toEqual({ "requires.it.password": "<requires.it.password>", "requires.it.given": "<requires.it.given>" });
});

test("what is given wins, and stays secret where it is", () => {
  const given = { it: { host: "db", password: "known to me" } };
  const { outputs, secrets } = requiredMarks(asking, { profiles: [one], place, given });
  expect(outputs["it"]).toMatchObject({ host: "db", port: 5432, password: "known to me" });
  expect(secrets["requires.it.password"]).toBe("known to me");
});

test("without an environment any profile of the type counts, and no value of theirs is taken for certain", () => {
  const { outputs } = requiredMarks(asking, { profiles: [one, two], place: undefined, given: {} });
  expect(outputs["it"]).toMatchObject({ host: "<requires.it.host>", port: "<requires.it.port>", zone: "<requires.it.zone>" });
});

test("while nobody meets it, whatever the profile reads has a mark", () => {
  expect(requiredMarks(asking, { profiles: [], place, given: {} }).outputs).toEqual({ it: { host: "<requires.it.host>", path: "<requires.it.path>" } });
});

test("support services have marks for what the profile reads of them, unless it is given", () => {
  const { spec } = profile("using", {
    services: { gateway: { values: { host: "x" } }, metrics: {} },
    outputs: { at: { value: "${services.gateway.name}.${services.gateway.?zone.orValue('')}" } },
  });
  expect(serviceMarks(spec, { gateway: { name: "web" }, other: { name: "none" } })).toEqual({
    gateway: { name: "web", zone: "<services.gateway.zone>" },
    metrics: {},
  });
});
