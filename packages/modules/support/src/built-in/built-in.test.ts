// Definitions that come with the control plane, as they are checked when they are written; the gateway and metrics run on a real cluster in tests of their own.
import { expect, test } from "vitest";
import { validateSchema, type JsonObject } from "@threeport/resource";
import { supportServiceDefinitionKind } from "../kinds/definition.ts";
import { renderDefinition } from "../render-definition.ts";
import type { SupportServiceDefinition } from "../index.ts";
import { builtInDefinitions } from "./index.ts";

const all = builtInDefinitions({
  apiVersion: supportServiceDefinitionKind.apiVersion,
  kind: supportServiceDefinitionKind.kind,
}) as unknown as SupportServiceDefinition[];

test.each(all.map((definition) => [definition.metadata.name, definition] as const))("%s is a definition that can be rendered", async (_, definition) => {
  expect(validateSchema(definition as unknown as JsonObject, supportServiceDefinitionKind.schema)).toEqual([]);
  expect(supportServiceDefinitionKind.validate(definition, undefined)).toEqual([]);
  if (definition.spec.manifests !== undefined) return;
  const none = () => Promise.reject(new Error("it has no files"));
  const fetcher = { fetch: none, ask: none };
  for (const provider of ["local", "kind", "kubeconfig"]) {
    const rendered = await renderDefinition(
      definition,
      { runtime: "one", provider, users: [], certificates: [] },
      { fetcher, helm: { render: none }, kubeVersion: "v1.36.0", signal: new AbortController().signal },
    );
    expect(rendered).toHaveProperty("objects");
  }
});
