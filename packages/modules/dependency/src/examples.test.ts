// The profiles in examples/: as a control plane takes them.
import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadYamlDocuments } from "@threeport/resource/yaml";
import { validateSchema, type JsonObject } from "@threeport/resource";
import { expect, test } from "vitest";
import { dependencyProfileKind, type DependencyProfile } from "./kinds/profile.ts";

const folder = fileURLToPath(new URL("../../../../examples/profiles/", import.meta.url));

test.each(readdirSync(folder))("%s is a profile", (file) => {
  const { documents } = loadYamlDocuments(readFileSync(`${folder}${file}`), { file });
  for (const { value } of documents) {
    expect(validateSchema(value as JsonObject, dependencyProfileKind.schema)).toEqual([]);
    // What validates may rely on the defaults that a control plane fills in.
    const profile = { ...value, spec: Object.assign({ priority: 0, class: "default" }, value["spec"]) } as unknown as DependencyProfile;
    expect(dependencyProfileKind.validate(profile, undefined)).toEqual([]);
  }
});
