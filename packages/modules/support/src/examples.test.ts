// The services in examples/: as a control plane takes them, and as a cluster does.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadYamlDocuments } from "@threeport/resource/yaml";
import { validateSchema, type JsonObject, type KubeObject } from "@threeport/resource";
import { describeWithKubernetes, startApiServer, type TestApiServer } from "@threeport/cluster/testing";
import { dependencyProfileKind, type DependencyProfile } from "@threeport/module-dependency";
import { afterAll, beforeAll, expect, test } from "vitest";
import { templatesOf } from "./check-definition.ts";
import { supportServiceDefinitionKind, type SupportServiceDefinition } from "./kinds/definition.ts";

const folder = fileURLToPath(new URL("../../../../examples/services/", import.meta.url));
const documents = readdirSync(folder).flatMap((file) =>
  loadYamlDocuments(readFileSync(`${folder}${file}`), { file }).documents.map(({ value }) => ({ name: `${file}: ${String(value["kind"])}`, value })),
);
const scope = {
  runtime: "one",
  provider: "kubeconfig",
  users: [
    { project: "shop", name: "dev.monitoring.web", values: { target: "web.shop-dev.svc:9100", path: "/metrics" } },
    { project: "shop", name: "dev.other", values: {} },
  ],
  certificates: [],
};
const definitions = documents.filter(({ value }) => value["kind"] === "SupportServiceDefinition");

test.each(documents)("$name is taken by a control plane", ({ value }) => {
  const isDefinition = value["kind"] === "SupportServiceDefinition";
  const kind = isDefinition ? supportServiceDefinitionKind : dependencyProfileKind;
  expect(validateSchema(value as JsonObject, kind.schema)).toEqual([]);
  // What validates may rely on the defaults that a control plane fills in.
  const filled = { ...value, spec: Object.assign({ priority: 0, class: "default", gracePeriodSeconds: 600 }, value["spec"]) };
  expect(kind.validate(filled as unknown as SupportServiceDefinition & DependencyProfile, undefined)).toEqual([]);
});

test("Prometheus reads what its users tell it", () => {
  const monitoring = definitions.find(({ name }) => name.startsWith("monitoring.yaml"));
  const rendered = templatesOf((monitoring?.value as unknown as SupportServiceDefinition).spec).objects.render(scope);
  const config = ("value" in rendered ? (rendered.value as { kind: string; data?: Record<string, string> }[]) : []).find(
    ({ kind }) => kind === "ConfigMap",
  )?.data;
  expect(JSON.parse(config?.["targets-workloads.yml"] ?? "")).toEqual({
    scrape_configs: [{ job_name: "shop/dev.monitoring.web", metrics_path: "/metrics", static_configs: [{ targets: ["web.shop-dev.svc:9100"] }] }],
  });
});

describeWithKubernetes("services of the examples", () => {
  let server: TestApiServer;
  beforeAll(async () => {
    server = await startApiServer();
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  test.each(definitions)("$name: a cluster takes its objects", async ({ value }) => {
    const rendered = templatesOf((value as unknown as SupportServiceDefinition).spec).objects.render(scope);
    if ("problems" in rendered) throw new Error(JSON.stringify(rendered.problems));
    const objects = rendered.value as KubeObject[];
    for (const object of objects) {
      const { namespace } = object.metadata;
      const target = { apiVersion: object.apiVersion, kind: object.kind, ...(namespace === undefined ? {} : { namespace }) };
      // Others stand in the namespaces, which are made for it.
      await server.client.create(target, object, { dryRun: object.kind !== "Namespace", fieldValidation: "Strict" });
    }
    expect(objects.length).toBeGreaterThan(3);
  });
});
