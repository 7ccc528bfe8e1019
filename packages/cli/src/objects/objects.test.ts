import { describe, expect, test } from "vitest";
import type { ApiResource, Discovery } from "@threeport/client";
import { findResource, fullName } from "./find-resource.ts";
import { readOne, readSelection } from "./selection.ts";
import { withoutSecretValues } from "./without-secret-values.ts";

const environments: ApiResource = {
  group: "threeport.io",
  version: "v1alpha1",
  kind: "Environment",
  resource: "environments",
  singular: "environment",
  shortNames: ["env"],
  categories: [],
  namespaced: false,
  verbs: ["get"],
  subresources: [],
};
const secrets: ApiResource = {
  ...environments,
  group: "",
  version: "v1",
  kind: "Secret",
  resource: "secrets",
  singular: "secret",
  shortNames: [],
  namespaced: true,
};
const all = [environments, secrets];
const discovery = {
  resources: all,
  find: (name: string) => all.filter((each) => [each.resource, each.singular, each.kind.toLowerCase(), ...each.shortNames].includes(name.toLowerCase())),
} as unknown as Discovery;

describe("what is asked for", () => {
  test.each([
    [["env"], [["environments", []]]],
    [["env", "dev", "prod"], [["environments", ["dev", "prod"]]]],
    [
      ["env,secrets"],
      [
        ["environments", []],
        ["secrets", []],
      ],
    ],
    [
      ["env/dev", "secret/s"],
      [
        ["environments", ["dev"]],
        ["secrets", ["s"]],
      ],
    ],
  ])("%j is understood", (args, expected) => {
    expect(readSelection(discovery, args).map(({ resource, names }) => [resource.resource, names])).toEqual(expected);
  });

  test.each([[["env,secrets", "x"]], [["env/a/b"]], [["env/"]], [["/x"]], [["env/a", "b"]], [[""]]])("%j is refused with how to write it", (args) => {
    expect(() => readSelection(discovery, args)).toThrow(expect.objectContaining({ code: "TP_USAGE" }));
  });

  test("one object means one", () => {
    expect(readOne(discovery, ["env", "dev"])).toMatchObject({ name: "dev" });
    for (const args of [["env"], ["env", "a", "b"], ["env/a", "env/b"]]) expect(() => readOne(discovery, args)).toThrow(/one object/);
  });

  test("a kind that is none proposes those that are near", () => {
    expect(() => findResource(discovery, "environmentz")).toThrow(
      expect.objectContaining({ code: "TP_KIND_UNKNOWN", detail: { hint: "did you mean environments?" } }),
    );
  });

  test("names are printed as kubectl does", () => {
    expect([fullName(environments, "dev"), fullName(secrets, "s")]).toEqual(["environment.threeport.io/dev", "secret/s"]);
  });
});

test("no Secret shows a value, however deep it stands in an object", () => {
  const definition = {
    kind: "WorkloadDefinition",
    spec: { objects: [{ kind: "Secret", data: { key: Buffer.from("hunter2").toString("base64") }, stringData: { other: "hunter3" } }] },
    metadata: { annotations: { "kubectl.kubernetes.io/last-applied-configuration": "hunter4" } },
  };
  const text = JSON.stringify(withoutSecretValues(definition));
  expect(text).not.toMatch(/hunter|aHVudGVyMg/);
  expect(text).toContain('"key":"7 bytes"');
});
